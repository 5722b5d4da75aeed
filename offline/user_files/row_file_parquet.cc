#include <arrow/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include <exception>
#include <utility>

#include "client/json_value.h"
#include "offline/records/arrow_file.h"
#include "offline/user_files/row_file_arrow.h"
#include "offline/user_files/row_file_columns.h"

namespace tokura::offline {
namespace {

constexpr int64_t kBatchRows = 1024;

bool CanBe(const arrow::DataType& cells, const ColumnUse& use) {
  if (use.role == ColumnUse::Role::kTtl) {
    return CanHold(cells, {Kind::kString}) || CanHold(cells, {Kind::kInt64});
  }
  return CanHold(cells, use.role == ColumnUse::Role::kWriteId ? Type{Kind::kString} : use.type);
}

std::string Expected(const ColumnUse& use) {
  if (use.role == ColumnUse::Role::kTtl) return "a duration";
  return use.role == ColumnUse::Role::kWriteId ? "32 hex digits or 16 bytes" : use.type.ToString();
}

class ParquetImportReader : public ImportReader {
 public:
  ParquetImportReader(std::string path, const FeatureGroup& group, const ImportOptions& options)
      : path_(std::move(path)), plan_(group, options), keep_text_(options.keep_text) {}

  Status Open(runtime::FileSystem& files);
  Result<std::optional<ImportRow>> Next() override;
  uint64_t bytes_read() const override {
    if (rows_total_ == 0) return bytes_total_;
    const double share = static_cast<double>(rows_read_) / static_cast<double>(rows_total_);
    return static_cast<uint64_t>(share * static_cast<double>(bytes_total_));
  }
  uint64_t bytes_total() const override { return bytes_total_; }
  std::string RejectsJson(const ImportRow& row) const override {
    return row.text.empty() ? LastRowAsJson() : row.text;
  }

 private:
  struct FileColumn {
    std::string name;
    const ColumnUses* uses = nullptr;
  };
  Status OpenArrow(std::shared_ptr<arrow::io::RandomAccessFile> file);
  Status CheckColumns(const arrow::Schema& schema) const;
  std::vector<int> LeavesToRead() const;
  Result<bool> NextBatch();
  std::string LastRowAsJson() const;
  void AppendJsonCell(const FileColumn& column, const Value& cell,
                      client::JsonWriter* writer) const;
  Status Damaged(const arrow::Status& status) const {
    return FromArrow(status, Code::kInvalidArgument,
                     path_ + ": not readable as Parquet; write or copy the file again");
  }
  Status Damaged(const std::exception& e) const {
    return Damaged(arrow::Status::IOError(e.what()));
  }

  const std::string path_;
  const ColumnPlan plan_;
  const bool keep_text_;
  std::unique_ptr<parquet::arrow::FileReader> file_;  // outlives batches_
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::vector<FileColumn> columns_;  // those that are read, as in batch_
  int64_t row_in_batch_ = 0;
  uint64_t rows_read_ = 0;
  uint64_t rows_total_ = 0;
  uint64_t bytes_total_ = 0;
};

Status ParquetImportReader::Open(runtime::FileSystem& files) {
  TOKURA_ASSIGN_OR_RETURN(auto stream, FileInputStream::Open(files, path_, /*hold_open=*/true));
  bytes_total_ = static_cast<uint64_t>(stream->GetSize().ValueOr(0));
  if (bytes_total_ == 0) {
    return InvalidArgument(path_ + " is empty; not even a Parquet file without rows is");
  }
  char magic[4] = {};
  const arrow::Result<int64_t> n = stream->ReadAt(0, 4, magic);
  if (!n.ok()) return Damaged(n.status());
  if (std::string_view(magic, 4) != "PAR1") {
    return InvalidArgument(path_ + " is not Parquet; rename it by what it holds, or --format");
  }
  try {
    return OpenArrow(std::move(stream));
  } catch (const std::exception& e) {
    return Damaged(e);
  }
}

Status ParquetImportReader::OpenArrow(std::shared_ptr<arrow::io::RandomAccessFile> file) {
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_batch_size(kBatchRows);
  // Batches are read as they are asked for: no more of a row group in memory than that takes.
  properties.set_pre_buffer(false);
  auto parquet_file = parquet::ParquetFileReader::Open(std::move(file));
  auto opened = parquet::arrow::FileReader::Make(arrow::default_memory_pool(),
                                                 std::move(parquet_file), properties);
  if (!opened.ok()) return Damaged(opened.status());
  file_ = std::move(*opened);
  rows_total_ = static_cast<uint64_t>(file_->parquet_reader()->metadata()->num_rows());
  std::shared_ptr<arrow::Schema> schema;
  if (const arrow::Status read = file_->GetSchema(&schema); !read.ok()) return Damaged(read);
  TOKURA_RETURN_IF_ERROR(CheckColumns(*schema));
  std::vector<int> row_groups(static_cast<size_t>(file_->num_row_groups()));
  for (size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
  auto batches = file_->GetRecordBatchReader(row_groups, LeavesToRead());
  if (!batches.ok()) return Damaged(batches.status());
  batches_ = std::move(*batches);
  for (const auto& field : batches_->schema()->fields()) {
    columns_.push_back({field->name(), plan_.Find(field->name())});
  }
  return OkStatus();
}

Status ParquetImportReader::CheckColumns(const arrow::Schema& schema) const {
  std::vector<std::string> mistyped;
  for (const auto& field : schema.fields()) {
    const ColumnUses* uses = plan_.Find(field->name());
    if (uses == nullptr) continue;
    for (const ColumnUse& use : *uses) {
      if (CanBe(*field->type(), use)) continue;
      mistyped.push_back("'" + field->name() + "' (expected " + Expected(use) + ", got " +
                         field->type()->ToString() + ")");
    }
  }
  return plan_.CheckHeader(path_, schema.field_names(), mistyped);
}

std::vector<int> ParquetImportReader::LeavesToRead() const {
  std::vector<int> leaves;
  const parquet::SchemaDescriptor& schema = *file_->parquet_reader()->metadata()->schema();
  for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
    const ColumnUses* uses = plan_.Find(schema.GetColumnRoot(leaf)->name());
    if (uses != nullptr && !uses->empty()) leaves.push_back(leaf);
  }
  return leaves;
}

Result<bool> ParquetImportReader::NextBatch() {
  while (batch_ == nullptr || row_in_batch_ == batch_->num_rows()) {
    row_in_batch_ = 0;
    try {
      const arrow::Status status = batches_->ReadNext(&batch_);
      if (!status.ok()) return Damaged(status);
      if (batch_ == nullptr) return false;
      const arrow::Status valid = batch_->Validate();
      if (!valid.ok()) return Damaged(valid);
    } catch (const std::exception& e) {
      return Damaged(e);
    }
  }
  return true;
}

Result<std::optional<ImportRow>> ParquetImportReader::Next() {
  TOKURA_ASSIGN_OR_RETURN(const bool more, NextBatch());
  if (!more) return std::optional<ImportRow>();
  ImportRow row;
  row.line = ++rows_read_;
  RowBuilder builder(plan_, FromArrowCell);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const FileColumn& column = columns_[i];
    Result<Value> cell = CellAt(*batch_->column(static_cast<int>(i)), row_in_batch_);
    if (cell.ok()) {
      builder.Add(column.name, *column.uses, std::move(*cell));
    } else {
      builder.AddFault(column.name + ": " + cell.status().message());
    }
  }
  ++row_in_batch_;
  row.record = builder.Finish();
  if (keep_text_ || !row.record.malformed.ok()) row.text = LastRowAsJson();
  return std::optional<ImportRow>(std::move(row));
}

std::string ParquetImportReader::LastRowAsJson() const {
  std::string text;
  client::JsonWriter writer(&text);
  writer.BeginObject();
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Result<Value> cell = CellAt(*batch_->column(static_cast<int>(i)), row_in_batch_ - 1);
    AppendJsonCell(columns_[i], cell.ok() ? *cell : Value(), &writer);
  }
  writer.EndObject();
  return text;
}

void ParquetImportReader::AppendJsonCell(const FileColumn& column, const Value& cell,
                                         client::JsonWriter* writer) const {
  writer->Key(column.name);
  const ColumnUse& use = column.uses->front();
  const auto* bytes = cell.get_if<Bytes>();
  if (use.role == ColumnUse::Role::kWriteId && bytes != nullptr && bytes->data.size() == 16) {
    WriteId id;
    std::copy(bytes->data.begin(), bytes->data.end(), id.bytes.begin());
    writer->String(id.ToHex());
  } else if (const auto* text = cell.get_if<std::string>()) {
    writer->String(ReplaceInvalidUtf8(*text));
  } else {
    writer->TypedValue(cell, use.type);
  }
}

}  // namespace

Result<std::unique_ptr<ImportReader>> OpenParquetReader(runtime::FileSystem& files,
                                                        const std::string& path,
                                                        const FeatureGroup& group,
                                                        const ImportOptions& options) {
  auto reader = std::make_unique<ParquetImportReader>(path, group, options);
  TOKURA_RETURN_IF_ERROR(reader->Open(files));
  return std::unique_ptr<ImportReader>(std::move(reader));
}

}  // namespace tokura::offline
