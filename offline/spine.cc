#include "offline/spine.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <set>
#include <string_view>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/chunked_array.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <xxhash.h>

#include "core/digest.h"
#include "offline/arrow_file.h"
#include "offline/csv.h"
#include "offline/data_file_schema.h"
#include "offline/row_file_arrow.h"
#include "offline/value_builder.h"

namespace tokura::offline {
namespace {

constexpr size_t kDigestChunkBytes = 1 << 20;

Result<std::string> DigestOfFile(runtime::FileSystem& files, const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::ReadableFile> file, files.Open(path));
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                 &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::string chunk(kDigestChunkBytes, '\0');
  for (uint64_t offset = 0;;) {
    TOKURA_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(offset, chunk));
    if (n == 0) break;
    XXH3_128bits_update(state.get(), chunk.data(), n);
    offset += n;
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return Digest{hash.high64, hash.low64}.ToHex();
}

Result<std::shared_ptr<arrow::Table>> ReadParquet(runtime::FileSystem& files,
                                                  const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<FileInputStream> stream,
                          FileInputStream::Open(files, path, true));
  try {
    auto reader = parquet::arrow::OpenFile(std::move(stream), arrow::default_memory_pool());
    if (!reader.ok()) return FromArrow(reader.status(), Code::kInvalidArgument, path);
    auto table = (*reader)->ReadTable();
    if (!table.ok()) return FromArrow(table.status(), Code::kInvalidArgument, path);
    const arrow::Status valid = (*table)->ValidateFull();
    if (!valid.ok()) return FromArrow(valid, Code::kInvalidArgument, path);
    return (*table)->ReplaceSchemaMetadata(nullptr);
  } catch (const std::exception& e) {
    return InvalidArgument(path + ": " + e.what());
  }
}

// All columns as text.
class CsvTable {
 public:
  CsvTable(const std::string& path, CsvReader& reader) : path_(path), reader_(reader) {}

  Result<std::shared_ptr<arrow::Table>> Read() {
    CsvRecord record;
    TOKURA_ASSIGN_OR_RETURN(const bool header, reader_.Next(&record));
    if (!header) return InvalidArgument(path_ + ": empty; the first line names the columns");
    TOKURA_RETURN_IF_ERROR(At(record, record.malformed));
    std::vector<std::string> names;
    for (const CsvCell& cell : record.cells) names.push_back(cell.text);
    builders_.resize(names.size());
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, reader_.Next(&record));
      if (!more) break;
      TOKURA_RETURN_IF_ERROR(At(record, record.malformed));
      TOKURA_RETURN_IF_ERROR(At(record, Append(record)));
    }
    arrow::FieldVector fields;
    arrow::ChunkedArrayVector columns;
    for (size_t i = 0; i < names.size(); ++i) {
      TOKURA_RETURN_IF_ERROR(FromArrow(Flush(&builders_[i]), Code::kInternal, path_));
      fields.push_back(arrow::field(names[i], arrow::utf8()));
      columns.push_back(
          std::make_shared<arrow::ChunkedArray>(std::move(builders_[i].chunks), arrow::utf8()));
    }
    return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(columns));
  }

 private:
  struct TextBuilder {
    arrow::StringBuilder builder;
    arrow::ArrayVector chunks;
  };
  static constexpr int64_t kChunkBytesMax = 1 << 30;  // an Arrow string array ends at 2 GiB

  Status At(const CsvRecord& record, const Status& status) const {
    return status.ok() ? status : status.WithContext(path_ + ":" + std::to_string(record.line));
  }

  static arrow::Status Flush(TextBuilder* to) {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> chunk, to->builder.Finish());
    to->chunks.push_back(std::move(chunk));
    return arrow::Status::OK();
  }

  Status Append(const CsvRecord& record) {
    if (record.cells.size() != builders_.size()) {
      return InvalidArgument(std::to_string(record.cells.size()) + " cells, the header has " +
                             std::to_string(builders_.size()));
    }
    for (size_t i = 0; i < builders_.size(); ++i) {
      TextBuilder& to = builders_[i];
      const CsvCell& cell = record.cells[i];
      if (to.builder.value_data_length() > kChunkBytesMax) {
        TOKURA_RETURN_IF_ERROR(FromArrow(Flush(&to), Code::kInternal, path_));
      }
      TOKURA_RETURN_IF_ERROR(
          FromArrow(cell.is_null() ? to.builder.AppendNull() : to.builder.Append(cell.text),
                    Code::kInternal, path_));
    }
    return OkStatus();
  }

  const std::string& path_;
  CsvReader& reader_;
  std::vector<TextBuilder> builders_;
};

Result<std::shared_ptr<arrow::Table>> ReadCsv(runtime::FileSystem& files, const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenFileSource(files, path));
  std::string head;
  TOKURA_ASSIGN_OR_RETURN(source, PeekHead(std::move(source), &head));
  TOKURA_ASSIGN_OR_RETURN(source, Decompress(std::move(source), CompressionOf(head), path));
  CsvReader reader(*source);
  return CsvTable(path, reader).Read();
}

bool IsCsvName(std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) path.remove_suffix(suffix.size());
  }
  return path.ends_with(".csv");
}

bool IsDecimalInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // "007" is a name, not a number.
  const std::string_view digits = text.starts_with("-") ? text.substr(1) : text;
  return error == std::errc() && end == text.data() + text.size() &&
         (digits.size() == 1 || !digits.starts_with("0"));
}

bool IsDecimalFloat(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() &&
         (IsDecimalInteger(text) || text.find_first_of(".eEnN") != std::string_view::npos);
}

template <typename Visit>
void ForEachText(const arrow::ChunkedArray& column, Visit visit) {
  for (const std::shared_ptr<arrow::Array>& chunk : column.chunks()) {
    const auto& texts = static_cast<const arrow::StringArray&>(*chunk);
    for (int64_t i = 0; i < texts.length(); ++i) {
      if (!texts.IsNull(i)) visit(texts.GetView(i));
    }
  }
}

Type NarrowestType(const arrow::ChunkedArray& column) {
  bool integers = true;
  bool floats = true;
  bool bools = true;
  ForEachText(column, [&](std::string_view text) {
    integers = integers && IsDecimalInteger(text);
    floats = floats && IsDecimalFloat(text);
    bools = bools && (text == "true" || text == "false");
  });
  if (column.null_count() == column.length()) return {Kind::kString};
  if (integers) return {Kind::kInt64};
  if (floats) return {Kind::kFloat64};
  return {bools ? Kind::kBool : Kind::kString};
}

Result<Value> CellOf(const arrow::Array& array, int64_t i, const Type& type, bool is_text) {
  if (is_text) {
    if (array.IsNull(i)) return Value();
    return ParseScalar(static_cast<const arrow::StringArray&>(array).GetView(i), type);
  }
  TOKURA_ASSIGN_OR_RETURN(Value cell, CellAt(array, i));
  return FromArrowCell(std::move(cell), type);
}

Result<std::shared_ptr<arrow::ChunkedArray>> ColumnOf(const std::vector<Value>& values,
                                                      const Type& type) {
  const auto build = [&]() -> arrow::Result<std::shared_ptr<arrow::ChunkedArray>> {
    ARROW_ASSIGN_OR_RAISE(ValueBuilder builder, ValueBuilder::Make(type, ArrowTypeOf(type, 0)));
    for (const Value& value : values) ARROW_RETURN_NOT_OK(builder.Append(value));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> array, builder.Finish());
    return std::make_shared<arrow::ChunkedArray>(std::move(array));
  };
  auto column = build();
  if (!column.ok()) return FromArrow(column.status(), Code::kInternal, "spine");
  return *column;
}

}  // namespace

Result<Spine> Spine::Read(runtime::FileSystem& files, const std::string& path) {
  Spine spine;
  spine.path_ = path;
  spine.is_text_ = IsCsvName(path);
  if (!spine.is_text_ && !path.ends_with(".parquet")) {
    return InvalidArgument("spine '" + path + "': expected .parquet, .csv, .csv.gz or .csv.zst");
  }
  TOKURA_ASSIGN_OR_RETURN(spine.digest_, DigestOfFile(files, path));
  TOKURA_ASSIGN_OR_RETURN(spine.table_,
                          spine.is_text_ ? ReadCsv(files, path) : ReadParquet(files, path));
  if (spine.rows() == 0) return InvalidArgument("spine '" + path + "' has no rows");
  std::set<std::string> names;
  for (const std::string& name : spine.column_names()) {
    if (!names.insert(name).second) {
      return InvalidArgument("spine '" + path + "' has two columns '" + name + "'; rename one");
    }
  }
  return spine;
}

uint64_t Spine::rows() const { return static_cast<uint64_t>(table_->num_rows()); }

std::vector<std::string> Spine::column_names() const { return table_->ColumnNames(); }

bool Spine::has(const std::string& column) const {
  return table_->schema()->GetFieldIndex(column) >= 0;
}

Result<std::vector<Value>> Spine::Values(const std::string& column, const Type& type) const {
  const std::shared_ptr<arrow::ChunkedArray> chunks = table_->GetColumnByName(column);
  if (!is_text_ && !IsReadableCell(*chunks->type())) {
    return InvalidArgument("spine '" + path_ + "': column '" + column + "' is " +
                           chunks->type()->ToString() + ", expected " + type.ToString());
  }
  std::vector<Value> values;
  values.reserve(static_cast<size_t>(chunks->length()));
  for (const std::shared_ptr<arrow::Array>& chunk : chunks->chunks()) {
    for (int64_t i = 0; i < chunk->length(); ++i) {
      Result<Value> value = CellOf(*chunk, i, type, is_text_);
      if (!value.ok()) {
        return value.status().WithContext("spine '" + path_ + "': column '" + column + "', row " +
                                          std::to_string(values.size() + 1));
      }
      values.push_back(std::move(value).value());
    }
  }
  return values;
}

Result<std::shared_ptr<arrow::Table>> Spine::Table(
    bool typed, const std::vector<std::pair<std::string, Type>>& types) const {
  if (!is_text_ || !typed) return table_;
  std::shared_ptr<arrow::Table> table = table_;
  for (int i = 0; i < table_->num_columns(); ++i) {
    const std::string name = table_->field(i)->name();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    const Type type = found == types.end() ? NarrowestType(*table_->column(i)) : found->second;
    if (type == Type{Kind::kString}) continue;
    TOKURA_ASSIGN_OR_RETURN(const std::vector<Value> values, Values(name, type));
    TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<arrow::ChunkedArray> column, ColumnOf(values, type));
    auto changed = table->SetColumn(i, arrow::field(name, column->type()), column);
    if (!changed.ok()) return FromArrow(changed.status(), Code::kInternal, path_);
    table = *std::move(changed);
  }
  return table;
}

}  // namespace tokura::offline
