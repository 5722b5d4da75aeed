#include "offline/training/spine.h"

#include <set>
#include <string_view>

#include <arrow/type.h>

namespace tokura::offline {
namespace {

std::string_view WithoutCompression(std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
  }
  return path;
}

}  // namespace

Result<FileFormat> SpineFormatOf(const std::string& path) {
  if (const auto format = FileFormatOf(path)) return *format;
  if (FileFormatOf(WithoutCompression(path)) == FileFormat::kCsv) return FileFormat::kCsv;
  return InvalidArgument("spine '" + path +
                         "': expected .parquet, .csv (.csv.gz, .csv.zst), .arrow, .feather or "
                         ".ipc");
}

Result<std::unique_ptr<Spine>> Spine::Open(runtime::FileSystem& files, const std::string& path,
                                           const std::string& name) {
  TOKURA_ASSIGN_OR_RETURN(const FileFormat format, SpineFormatOf(name));
  TOKURA_ASSIGN_OR_RETURN(const bool is_directory, files.IsDirectory(path));
  if (is_directory) return InvalidArgument("spine '" + name + "' is a directory; name one file");
  const auto open = format == FileFormat::kCsv       ? OpenCsvSpine
                    : format == FileFormat::kParquet ? OpenParquetSpine
                                                     : OpenArrowSpine;
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<Spine> spine, open(files, path, name));
  std::set<std::string> names;
  for (const std::string& column : spine->column_names()) {
    if (!names.insert(column).second) {
      return InvalidArgument("spine '" + name + "' has two columns '" + column + "'; rename one");
    }
  }
  return spine;
}

std::vector<std::string> Spine::column_names() const { return schema_->field_names(); }

bool Spine::has(const std::string& column) const { return schema_->GetFieldIndex(column) >= 0; }

}  // namespace tokura::offline
