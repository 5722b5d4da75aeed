#include "offline/user_files/file_format.h"

#include <array>
#include <utility>

namespace tokura::offline {
namespace {

constexpr std::array<std::pair<FileFormat, std::string_view>, 3> kNames = {{
    {FileFormat::kParquet, "parquet"},
    {FileFormat::kCsv, "csv"},
    {FileFormat::kArrow, "arrow"},
}};

}  // namespace

std::string_view FileFormatName(FileFormat format) {
  return kNames[static_cast<size_t>(format)].second;
}

Result<FileFormat> FileFormatFromName(std::string_view name) {
  for (const auto& [format, known] : kNames) {
    if (known == name) return format;
  }
  return InvalidArgument("format '" + std::string(name) + "': expected parquet, csv or arrow");
}

std::optional<FileFormat> FileFormatOf(std::string_view path) {
  for (const auto& [format, name] : kNames) {
    if (path.ends_with(name) && path.substr(0, path.size() - name.size()).ends_with('.')) {
      return format;
    }
  }
  if (path.ends_with(".feather") || path.ends_with(".ipc")) return FileFormat::kArrow;
  return std::nullopt;
}

}  // namespace tokura::offline
