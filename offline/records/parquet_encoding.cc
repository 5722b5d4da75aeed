#include "offline/records/parquet_encoding.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"

namespace tokura::offline {
namespace {

constexpr int64_t kSample = 4'096;
constexpr int kZstdLevel = 1;
// Level 1 finds little in times that differ in their low bytes; this one takes a sixth off one of
// the largest columns.
constexpr int kZstdLevelOfEventTime = 3;

bool HasBytes(const arrow::DataType& type) {
  return arrow::is_binary_like(type.id()) || arrow::is_large_binary_like(type.id()) ||
         arrow::is_fixed_width(type.id());
}

// The bytes of a value that is not null. REQUIRES: HasBytes, and whole ones.
std::string_view BytesOf(const arrow::Array& array, int64_t i) {
  if (arrow::is_binary_like(array.type_id())) {
    return static_cast<const arrow::BinaryArray&>(array).GetView(i);
  }
  if (arrow::is_large_binary_like(array.type_id())) {
    return static_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
  }
  const auto width = static_cast<size_t>(array.type()->byte_width());
  const auto* const values = reinterpret_cast<const char*>(array.data()->buffers[1]->data());
  return {values + static_cast<size_t>(array.offset() + i) * width, width};
}

// As Parquet names it, down to the values.
std::string PathOf(const arrow::Field& field) {
  const bool is_list = field.type()->id() == arrow::Type::LIST;
  return is_list ? field.name() + ".list.element" : field.name();
}

}  // namespace

bool ValuesRepeat(const arrow::Array& array) {
  if (array.type_id() == arrow::Type::LIST) {
    return ValuesRepeat(*static_cast<const arrow::ListArray&>(array).values());
  }
  if (array.type_id() == arrow::Type::BOOL) return false;  // a bit each
  if (!HasBytes(*array.type())) return true;
  const int64_t step = std::max<int64_t>(array.length() / kSample, 1);
  std::unordered_set<std::string_view> values;
  size_t sampled = 0;
  for (int64_t i = 0; i < array.length(); i += step) {
    if (array.IsNull(i)) continue;
    values.insert(BytesOf(array, i));
    ++sampled;
  }
  return 8 * values.size() < 7 * sampled;
}

std::shared_ptr<parquet::WriterProperties> PropertiesFor(const arrow::RecordBatch& first,
                                                         int64_t row_group_rows_max) {
  parquet::WriterProperties::Builder properties;
  properties.memory_pool(ProgramPool())
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(kZstdLevel)
      ->max_row_group_length(row_group_rows_max)
      ->enable_page_checksum()
      ->disable_dictionary();
  for (int i = 0; i < first.num_columns(); ++i) {
    const arrow::Field& field = *first.schema()->field(i);
    const int32_t id = FieldIdOf(field);
    // The first key column ascends, and the lists of `_written` are much the same: compression
    // makes more of that than a dictionary does.
    const bool compresses = id == kKeyFieldId || id == FieldIdOf(kWritten);
    if (!compresses && ValuesRepeat(*first.column(i))) {
      properties.enable_dictionary(PathOf(field));
    } else if (id == FieldIdOf(kEventTime)) {
      properties.compression_level(PathOf(field), kZstdLevelOfEventTime);
    }
  }
  return properties.build();
}

}  // namespace tokura::offline
