// The formats of spines and training sets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"

namespace tokura::offline {

enum class FileFormat : uint8_t { kParquet, kCsv, kArrow };

std::string_view FileFormatName(FileFormat format);  // "parquet", "csv", "arrow"
Result<FileFormat> FileFormatFromName(std::string_view name);
// By extension: .parquet, .csv; .arrow, .feather and .ipc. nullopt for any other.
std::optional<FileFormat> FileFormatOf(std::string_view path);

}  // namespace tokura::offline
