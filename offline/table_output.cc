#include "offline/table_output.h"

#include <charconv>
#include <cmath>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/chunked_array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

#include "core/value.h"
#include "offline/arrow_file.h"
#include "offline/csv.h"
#include "offline/row_file_arrow.h"

namespace tokura::offline {
namespace {

constexpr int64_t kRowGroupRows = 128 << 10;
constexpr size_t kCsvFlushBytes = 1 << 20;

// A float's own digits, not those of the double that it widens to.
std::string FloatText(double x, bool narrow) {
  if (std::isnan(x)) return "NaN";
  if (std::isinf(x)) return x > 0 ? "Infinity" : "-Infinity";
  char text[40];
  const auto end = narrow ? std::to_chars(text, text + sizeof text, static_cast<float>(x)).ptr
                          : std::to_chars(text, text + sizeof text, x).ptr;
  return std::string(text, end);
}

std::string JsonText(const Value& value, bool narrow) {
  if (value.is_null()) return "null";
  if (const auto* x = value.get_if<bool>()) return *x ? "true" : "false";
  if (const auto* x = value.get_if<int64_t>()) return std::to_string(*x);
  if (const auto* x = value.get_if<double>()) {
    const std::string text = FloatText(*x, narrow);
    return std::isfinite(*x) ? text : "\"" + text + "\"";
  }
  if (const auto* x = value.get_if<Timestamp>()) return "\"" + FormatTimestamp(*x) + "\"";
  if (const auto* x = value.get_if<Bytes>()) return "\"" + Base64Encode(x->data) + "\"";
  if (const auto* x = value.get_if<std::string>()) return boost::json::serialize(*x);
  std::string out = "[";
  if (const auto* list = value.get_if<List>()) {
    for (const Value& element : *list) {
      if (out.size() > 1) out += ",";
      out += JsonText(element, narrow);
    }
  }
  return out + "]";
}

std::string CellText(const arrow::Array& array, int64_t i) {
  if (array.IsNull(i)) return "";
  const arrow::DataType& type = *array.type();
  if (type.id() == arrow::Type::STRING) {
    return CsvCellText(static_cast<const arrow::StringArray&>(array).GetView(i));
  }
  Result<Value> cell = Value();
  if (IsReadableCell(type) && type.id() != arrow::Type::UINT64) cell = CellAt(array, i);
  if (!cell.ok() || cell->is_null()) {
    const auto scalar = array.GetScalar(i);
    return scalar.ok() ? CsvCellText((*scalar)->ToString()) : "";
  }
  if (const auto* x = cell->get_if<std::string>()) return CsvCellText(*x);
  if (const auto* x = cell->get_if<double>()) return FloatText(*x, type.id() == arrow::Type::FLOAT);
  if (const auto* x = cell->get_if<Timestamp>()) return FormatTimestamp(*x);
  if (const auto* x = cell->get_if<Bytes>()) return CsvCellText(Base64Encode(x->data));
  const bool narrow = type.num_fields() == 1 && type.field(0)->type()->id() == arrow::Type::FLOAT;
  const std::string text = JsonText(*cell, narrow);
  return cell->get_if<List>() != nullptr ? CsvCellText(text) : text;
}

Status WriteCsv(const arrow::Table& table, runtime::WritableFile& file) {
  std::string text;
  for (const std::string& name : table.ColumnNames()) {
    if (!text.empty()) text += ",";
    text += CsvCellText(name);
  }
  text += "\n";
  arrow::TableBatchReader batches(table);
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    TOKURA_RETURN_IF_ERROR(FromArrow(batches.ReadNext(&batch), Code::kInternal, "CSV"));
    if (batch == nullptr) break;
    const std::vector<std::shared_ptr<arrow::Array>>& columns = batch->columns();
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      for (size_t c = 0; c < columns.size(); ++c) {
        if (c > 0) text += ",";
        text += CellText(*columns[c], i);
      }
      text += "\n";
      if (text.size() < kCsvFlushBytes) continue;
      TOKURA_RETURN_IF_ERROR(file.Append(text));
      text.clear();
    }
  }
  return file.Append(text);
}

Status WriteParquetTable(const arrow::Table& table, runtime::WritableFile& file) {
  parquet::WriterProperties::Builder properties;
  parquet::ArrowWriterProperties::Builder arrow_properties;
  return FromArrow(
      parquet::arrow::WriteTable(table, arrow::default_memory_pool(),
                                 std::make_shared<FileOutputStream>(file), kRowGroupRows,
                                 properties.compression(parquet::Compression::ZSTD)->build(),
                                 arrow_properties.store_schema()->build()),
      Code::kInvalidArgument, "Parquet");
}

Status WriteWhole(runtime::WritableFile& file, OutputFormat format, const arrow::Table& table) {
  try {
    TOKURA_RETURN_IF_ERROR(format == OutputFormat::kCsv ? WriteCsv(table, file)
                                                        : WriteParquetTable(table, file));
  } catch (const std::exception& e) {
    return Internal(e.what());
  }
  TOKURA_RETURN_IF_ERROR(file.Sync());
  return file.Close();
}

}  // namespace

Result<OutputFormat> OutputFormatOf(const std::string& path) {
  if (path.ends_with(".parquet")) return OutputFormat::kParquet;
  if (path.ends_with(".csv")) return OutputFormat::kCsv;
  return InvalidArgument("output '" + path + "': expected .parquet or .csv");
}

Status WriteTableFile(runtime::FileSystem& files, const std::string& path, OutputFormat format,
                      const arrow::Table& table) {
  const std::string temporary = path + ".tmp";
  TOKURA_ASSIGN_OR_RETURN(const bool left_over, files.Exists(temporary));
  if (left_over) TOKURA_RETURN_IF_ERROR(files.Remove(temporary));
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::WritableFile> file, files.Create(temporary));
  Status status = WriteWhole(*file, format, table);
  file.reset();
  if (status.ok()) status = files.Rename(temporary, path);
  if (!status.ok()) {
    (void)files.Remove(temporary);
    return status.WithContext(path);
  }
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  return files.SyncDirectory(folder.empty() ? "/" : folder);
}

}  // namespace tokura::offline
