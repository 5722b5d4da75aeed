#include "offline/user_files/table_output.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "offline/records/arrow_file.h"
#include "offline/records/parquet_encoding.h"
#include "offline/user_files/cell_text.h"
#include "offline/user_files/csv.h"

namespace tokura::offline {
namespace {

constexpr int64_t kGroupRows = 128 << 10;
constexpr int64_t kGroupBytes = 64 << 20;
// Groups end at multiples of it only, so that their ends do not depend on how batches were cut.
constexpr int64_t kPieceRows = 4 << 10;
constexpr size_t kCsvFlushBytes = 1 << 20;

// About what the values take; the same for any cut of the same rows.
int64_t BytesOf(const arrow::Array& array) {
  constexpr int64_t kOtherBytes = 16;
  const int64_t rows = array.length();
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return 4 * rows + static_cast<const arrow::BinaryArray&>(array).total_values_length();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return 8 * rows + static_cast<const arrow::LargeBinaryArray&>(array).total_values_length();
    case arrow::Type::LIST: {
      const auto& lists = static_cast<const arrow::ListArray&>(array);
      const int64_t begin = lists.value_offset(0);
      return 4 * rows + BytesOf(*lists.values()->Slice(begin, lists.value_offset(rows) - begin));
    }
    case arrow::Type::STRUCT: {
      int64_t bytes = 0;
      for (const auto& field : static_cast<const arrow::StructArray&>(array).fields()) {
        bytes += BytesOf(*field);
      }
      return bytes;
    }
    default:
      break;
  }
  const int32_t width = array.type()->byte_width();
  return rows * (width > 0 ? width : kOtherBytes);
}

// Gathers batches into groups whose ends depend on the rows alone.
class RowGroups {
 public:
  using Take = std::function<arrow::Status(const arrow::Table&)>;
  RowGroups(std::shared_ptr<arrow::Schema> schema, Take take)
      : schema_(std::move(schema)), take_(std::move(take)) {}

  arrow::Status Add(const arrow::RecordBatch& batch) {
    for (int64_t begin = 0; begin < batch.num_rows();) {
      const int64_t rows = std::min(batch.num_rows() - begin, kPieceRows - rows_ % kPieceRows);
      pending_.push_back(batch.Slice(begin, rows));
      for (const auto& column : pending_.back()->columns()) bytes_ += BytesOf(*column);
      begin += rows;
      rows_ += rows;
      const bool full = rows_ == kGroupRows || bytes_ >= kGroupBytes;
      if (full && rows_ % kPieceRows == 0) ARROW_RETURN_NOT_OK(TakeGroup());
    }
    return arrow::Status::OK();
  }
  arrow::Status TakeRest() { return rows_ == 0 ? arrow::Status::OK() : TakeGroup(); }

 private:
  arrow::Status TakeGroup() {
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema_, pending_));
    pending_.clear();
    rows_ = 0;
    bytes_ = 0;
    ARROW_ASSIGN_OR_RAISE(table, table->CombineChunks());
    return take_(*table);
  }

  std::shared_ptr<arrow::Schema> schema_;
  Take take_;
  arrow::RecordBatchVector pending_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

// Passes everything on and sums it up.
class TableOutput::DigestingFile final : public runtime::WritableFile {
 public:
  explicit DigestingFile(std::unique_ptr<runtime::WritableFile> file) : file_(std::move(file)) {}
  Status Append(std::string_view bytes) override {
    digest_.Update(bytes);
    return file_->Append(bytes);
  }
  Status Sync() override { return file_->Sync(); }
  Status Close() override { return file_->Close(); }
  uint64_t size() const override { return file_->size(); }
  std::string digest() const { return digest_.ToHex(); }

 private:
  std::unique_ptr<runtime::WritableFile> file_;
  FileDigest digest_;
};

class TableOutput::Encoder {
 public:
  virtual ~Encoder() = default;
  virtual arrow::Status Write(const arrow::RecordBatch& batch) = 0;
  virtual arrow::Status End() = 0;
};

// Of the formats that hold rows in groups. `Writer`: Arrow's, which has WriteTable and Close.
template <typename Writer>
class TableOutput::GroupEncoder : public Encoder {
 public:
  GroupEncoder(const std::shared_ptr<arrow::Schema>& schema, runtime::WritableFile& file)
      : stream_(std::make_shared<FileOutputStream>(file)),
        schema_(schema),
        groups_(schema, [this](const arrow::Table& group) { return WriteGroup(group); }) {}

  arrow::Status Write(const arrow::RecordBatch& batch) override { return groups_.Add(batch); }
  arrow::Status End() override {
    ARROW_RETURN_NOT_OK(groups_.TakeRest());
    if (writer_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(const auto nothing, arrow::Table::MakeEmpty(schema_));
      ARROW_RETURN_NOT_OK(WriteGroup(*nothing));
    }
    return writer_->Close();
  }

 protected:
  // `first`: the first group of the file.
  virtual arrow::Result<std::shared_ptr<Writer>> Open(
      const arrow::Table& first, const std::shared_ptr<arrow::io::OutputStream>& stream) = 0;

 private:
  arrow::Status WriteGroup(const arrow::Table& group) {
    if (writer_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(writer_, Open(group, stream_));
    }
    return group.num_rows() == 0 ? arrow::Status::OK()
                                 : writer_->WriteTable(group, group.num_rows());
  }

  std::shared_ptr<FileOutputStream> stream_;  // joint owner: the writer
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<Writer> writer_;
  RowGroups groups_;
};

class TableOutput::ParquetEncoder final : public GroupEncoder<parquet::arrow::FileWriter> {
 public:
  using GroupEncoder::GroupEncoder;

 private:
  arrow::Result<std::shared_ptr<parquet::arrow::FileWriter>> Open(
      const arrow::Table& first, const std::shared_ptr<arrow::io::OutputStream>& stream) override {
    parquet::WriterProperties::Builder properties;
    properties.compression(parquet::Compression::ZSTD)
        ->max_row_group_length(kGroupRows)
        ->enable_page_checksum();
    for (int i = 0; i < first.num_columns(); ++i) {
      const arrow::ChunkedArray& column = *first.column(i);
      if (column.type()->num_fields() > 0 || column.length() == 0) continue;
      if (!ValuesRepeat(*column.chunk(0))) properties.disable_dictionary(first.field(i)->name());
    }
    parquet::ArrowWriterProperties::Builder arrow_properties;
    return parquet::arrow::FileWriter::Open(*first.schema(), ProgramPool(), stream,
                                            properties.build(),
                                            arrow_properties.store_schema()->build());
  }
};

class TableOutput::ArrowEncoder final : public GroupEncoder<arrow::ipc::RecordBatchWriter> {
 public:
  using GroupEncoder::GroupEncoder;

 private:
  arrow::Result<std::shared_ptr<arrow::ipc::RecordBatchWriter>> Open(
      const arrow::Table& first, const std::shared_ptr<arrow::io::OutputStream>& stream) override {
    return arrow::ipc::MakeFileWriter(stream, first.schema());
  }
};

class TableOutput::CsvEncoder final : public Encoder {
 public:
  CsvEncoder(const arrow::Schema& schema, runtime::WritableFile& file) : file_(file) {
    for (const std::string& name : schema.field_names()) {
      if (!text_.empty()) text_ += ",";
      text_ += CsvCellText(name);
    }
    text_ += "\n";
  }
  arrow::Status Write(const arrow::RecordBatch& batch) override {
    const arrow::ArrayVector& columns = batch.columns();
    for (int64_t i = 0; i < batch.num_rows(); ++i) {
      for (size_t c = 0; c < columns.size(); ++c) {
        if (c > 0) text_ += ",";
        text_ += CsvCellOf(*columns[c], i);
      }
      text_ += "\n";
      if (text_.size() >= kCsvFlushBytes) ARROW_RETURN_NOT_OK(Flush());
    }
    return arrow::Status::OK();
  }
  arrow::Status End() override { return Flush(); }

 private:
  arrow::Status Flush() {
    const Status status = file_.Append(text_);
    text_.clear();
    return ToArrow(status);
  }

  runtime::WritableFile& file_;
  std::string text_;
};

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

TableOutput::TableOutput(runtime::FileSystem& files, std::string path, std::string temporary)
    : files_(files), path_(std::move(path)), temporary_(std::move(temporary)) {}

TableOutput::~TableOutput() {
  encoder_.reset();
  if (file_ == nullptr || published_) return;
  file_.reset();
  (void)files_.Remove(temporary_);
}

Result<std::unique_ptr<TableOutput>> TableOutput::Create(runtime::FileSystem& files,
                                                         std::string path, std::string temporary,
                                                         FileFormat format,
                                                         std::shared_ptr<arrow::Schema> schema) {
  TOKURA_ASSIGN_OR_RETURN(const bool left_over, files.Exists(temporary));
  if (left_over) TOKURA_RETURN_IF_ERROR(files.Remove(temporary));
  std::unique_ptr<TableOutput> output(
      new TableOutput(files, std::move(path), std::move(temporary)));
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::WritableFile> file,
                          files.Create(output->temporary_));
  output->file_ = std::make_unique<DigestingFile>(std::move(file));
  switch (format) {
    case FileFormat::kParquet:
      output->encoder_ = std::make_unique<ParquetEncoder>(schema, *output->file_);
      break;
    case FileFormat::kArrow:
      output->encoder_ = std::make_unique<ArrowEncoder>(schema, *output->file_);
      break;
    case FileFormat::kCsv:
      output->encoder_ = std::make_unique<CsvEncoder>(*schema, *output->file_);
      break;
  }
  return output;
}

Status TableOutput::Encode(const std::function<arrow::Status()>& step) const {
  try {
    return FromArrow(step(), Code::kInvalidArgument, path_);
  } catch (const std::exception& e) {
    return Internal(path_ + ": " + e.what());
  }
}

Status TableOutput::Write(const arrow::RecordBatch& batch) {
  return Encode([&] { return encoder_->Write(batch); });
}

Result<std::string> TableOutput::Finish() {
  TOKURA_RETURN_IF_ERROR(Encode([&] { return encoder_->End(); }));
  TOKURA_RETURN_IF_ERROR(file_->Sync());
  TOKURA_RETURN_IF_ERROR(file_->Close());
  return file_->digest();
}

Status TableOutput::Publish() {
  TOKURA_RETURN_IF_ERROR(files_.Rename(temporary_, path_));
  published_ = true;
  return files_.SyncDirectory(FolderOf(path_));
}

}  // namespace tokura::offline
