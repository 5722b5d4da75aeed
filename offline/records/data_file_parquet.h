// A data file as Parquet: opened and checked, before anything is made of its columns. Included by
// .cc files and private headers of offline/ only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/type_fwd.h>
#include <parquet/arrow/reader.h>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// CORRUPT: no data file, or not of `rows` rows. FAILED_PRECONDITION: of a newer format. Every
// column of what it returns has a field id and one leaf: field i of its schema is leaf i. Throws as
// Parquet does.
Result<std::unique_ptr<parquet::arrow::FileReader>> OpenDataFileParquet(runtime::FileSystem& files,
                                                                        const std::string& path,
                                                                        uint64_t rows);

// Whether a column of this type can be the system column (a SystemColumn).
bool IsSystemType(int32_t column, const arrow::DataType& type);

}  // namespace tokura::offline
