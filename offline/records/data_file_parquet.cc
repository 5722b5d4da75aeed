#include "offline/records/data_file_parquet.h"

#include <charconv>
#include <utility>

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "offline/records/array_values.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"

namespace tokura::offline {
namespace {

constexpr int64_t kBatchRows = 4096;

Status CheckMetadata(const std::string& path, const parquet::FileMetaData& metadata,
                     uint64_t rows) {
  std::string format;
  if (metadata.key_value_metadata() != nullptr) {
    format = metadata.key_value_metadata()->Get("tokura.format").ValueOr("");
  }
  int number = 0;
  const auto [end, error] = std::from_chars(format.data(), format.data() + format.size(), number);
  if (error != std::errc() || end != format.data() + format.size() || number < 1) {
    return Corrupt(path + ": not a data file of Tokura");
  }
  if (number > kDataFileFormat) {
    return FailedPrecondition(path + ": format " + format + " is newer than " +
                              std::to_string(kDataFileFormat) +
                              ", the newest this program reads; upgrade it");
  }
  if (metadata.num_rows() < 0 || static_cast<uint64_t>(metadata.num_rows()) != rows) {
    return Corrupt(path + ": holds " + std::to_string(metadata.num_rows()) +
                   " rows, the snapshot says " + std::to_string(rows));
  }
  return OkStatus();
}

Status CheckSchema(const std::string& path, parquet::arrow::FileReader& reader) {
  std::shared_ptr<arrow::Schema> schema;
  TOKURA_RETURN_IF_ERROR(FromArrow(reader.GetSchema(&schema), Code::kCorrupt, path));
  if (schema->num_fields() != reader.parquet_reader()->metadata()->num_columns()) {
    return Corrupt(path + ": unexpected nested columns");
  }
  for (const std::shared_ptr<arrow::Field>& field : schema->fields()) {
    if (FieldIdOf(*field) <= 0) {
      return Corrupt(path + ": column " + field->name() + " has no field id");
    }
  }
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<parquet::arrow::FileReader>> OpenDataFileParquet(runtime::FileSystem& files,
                                                                        const std::string& path,
                                                                        uint64_t rows) {
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<FileInputStream> stream,
                          FileInputStream::Open(files, path, /*hold_open=*/true));
  parquet::ReaderProperties properties(ProgramPool());
  properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow_properties;
  arrow_properties.set_batch_size(kBatchRows);
  arrow_properties.set_use_threads(false);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  builder.memory_pool(ProgramPool());
  TOKURA_RETURN_IF_ERROR(
      FromArrow(builder.Open(std::move(stream), properties), Code::kCorrupt, path));
  TOKURA_RETURN_IF_ERROR(CheckMetadata(path, *builder.raw_reader()->metadata(), rows));
  std::unique_ptr<parquet::arrow::FileReader> reader;
  TOKURA_RETURN_IF_ERROR(
      FromArrow(builder.properties(arrow_properties)->Build(&reader), Code::kCorrupt, path));
  TOKURA_RETURN_IF_ERROR(CheckSchema(path, *reader));
  return reader;
}

bool IsSystemType(int32_t column, const arrow::DataType& type) {
  switch (column) {
    case kEventTime:
    case kWriteTime:
      return ReadsAs(type, {Kind::kTimestamp});
    case kIsDeleted:
    case kLate:
      return type.id() == arrow::Type::BOOL;
    case kWritten:
      return type.id() == arrow::Type::LIST && ReadsAs(type, {Kind::kInt32, Shape::kList});
    case kRecordTtl:
    case kSeq:
      return type.id() == arrow::Type::INT64;
    case kWriteIdColumn:
      return type.id() == arrow::Type::FIXED_SIZE_BINARY &&
             static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width() == 16;
    case kStoresColumn:
      return type.id() == arrow::Type::INT32;
    case kOrigin:
      return type.id() == arrow::Type::STRING;
    default:
      return false;
  }
}

}  // namespace tokura::offline
