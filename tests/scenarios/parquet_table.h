// A Parquet file as one Arrow table, each column in one piece.
#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "runtime/file_system.h"

namespace tokura::scenarios {

std::shared_ptr<arrow::Table> ReadParquet(runtime::FileSystem& files, const std::string& path);

}  // namespace tokura::scenarios
