#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include <arrow/compute/cast.h>
#include <arrow/datum.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "offline/records/arrow_file.h"
#include "offline/training/spine.h"

namespace tokura::offline {
namespace {

constexpr std::string_view kArrowFileMagic = "ARROW1";
constexpr std::string_view kFeather1Magic = "FEA1";

std::shared_ptr<arrow::DataType> WithoutDictionary(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() != arrow::Type::DICTIONARY) return type;
  return static_cast<const arrow::DictionaryType&>(*type).value_type();
}

// The columns alone: what other programs noted about theirs is not true of ours.
std::shared_ptr<arrow::Schema> PlainSchema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const std::shared_ptr<arrow::Field>& field : schema.fields()) {
    fields.push_back(
        arrow::field(field->name(), WithoutDictionary(field->type()), field->nullable()));
  }
  return arrow::schema(std::move(fields));
}

// Checked whole, so that nothing behind it reads outside of a damaged buffer.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Checked(
    const arrow::RecordBatch& batch, const std::shared_ptr<arrow::Schema>& schema) {
  ARROW_RETURN_NOT_OK(batch.ValidateFull());
  arrow::ArrayVector columns = batch.columns();
  for (std::shared_ptr<arrow::Array>& column : columns) {
    if (column->type_id() != arrow::Type::DICTIONARY) continue;
    ARROW_ASSIGN_OR_RAISE(column, arrow::compute::Cast(*column, WithoutDictionary(column->type())));
  }
  return arrow::RecordBatch::Make(schema, batch.num_rows(), std::move(columns));
}

// Over whatever gives record batches; cuts those that are too large.
class ArrowSpine : public Spine {
 public:
  Result<std::shared_ptr<arrow::RecordBatch>> Next() final {
    while (batch_ == nullptr || offset_ == batch_->num_rows()) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, Load());
      if (!more) return std::shared_ptr<arrow::RecordBatch>();
    }
    const int64_t rows = std::min(kBatchRows, batch_->num_rows() - offset_);
    offset_ += rows;
    return batch_->Slice(offset_ - rows, rows);
  }

 protected:
  explicit ArrowSpine(std::string name) : name_(std::move(name)) {}

  // Null at the end.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadBatch() = 0;

  Status Failed(const std::string& what) const {
    return InvalidArgument("spine '" + name_ + "': " + what);
  }
  Status Failed(const arrow::Status& status) const {
    return FromArrow(status, Code::kInvalidArgument, "spine '" + name_ + "'");
  }
  void SetSchema(const arrow::Schema& schema) { schema_ = PlainSchema(schema); }

 private:
  Result<bool> Load() {
    try {
      auto batch = ReadBatch();
      if (!batch.ok()) return Failed(batch.status());
      if (*batch == nullptr) return false;
      auto checked = Checked(**batch, schema_);
      if (!checked.ok()) return Failed(checked.status());
      batch_ = *std::move(checked);
      offset_ = 0;
      return true;
    } catch (const std::exception& e) {
      return Failed(e.what());
    }
  }

  const std::string name_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t offset_ = 0;
};

class ParquetSpine final : public ArrowSpine {
 public:
  explicit ParquetSpine(const std::string& name) : ArrowSpine(name) {}

  Status Open(std::shared_ptr<FileInputStream> stream) {
    try {
      const arrow::Status opened = OpenReader(std::move(stream));
      return opened.ok() ? OkStatus() : Failed(opened);
    } catch (const std::exception& e) {
      return Failed(e.what());
    }
  }

 private:
  arrow::Status OpenReader(std::shared_ptr<FileInputStream> stream) {
    parquet::ReaderProperties properties;
    properties.enable_buffered_stream();
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_batch_size(kBatchRows);
    arrow_properties.set_pre_buffer(false);  // it would hold whole row groups
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::move(stream), properties));
    ARROW_ASSIGN_OR_RAISE(file_, builder.properties(arrow_properties)->Build());
    ARROW_ASSIGN_OR_RAISE(batches_, file_->GetRecordBatchReader());
    SetSchema(*batches_->schema());
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadBatch() override {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::RecordBatch> batch, batches_->Next());
    const int64_t promised = file_->parquet_reader()->metadata()->num_rows();
    rows_ += batch == nullptr ? 0 : batch->num_rows();
    if (batch == nullptr && rows_ != promised) {
      return arrow::Status::Invalid("its pages have ", rows_, " rows, its footer says ", promised);
    }
    return batch;
  }

  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  int64_t rows_ = 0;
};

class IpcSpine final : public ArrowSpine {
 public:
  explicit IpcSpine(const std::string& name) : ArrowSpine(name) {}

  Status Open(const std::shared_ptr<FileInputStream>& stream) {
    auto head = stream->ReadAt(0, static_cast<int64_t>(kArrowFileMagic.size()));
    if (!head.ok()) return Failed(head.status());
    const std::string_view magic(**head);
    if (magic.starts_with(kFeather1Magic)) {
      return Failed("is Feather version 1; write it as version 2");
    }
    const arrow::Status opened = magic == kArrowFileMagic ? OpenFile(stream) : OpenStream(stream);
    return opened.ok() ? OkStatus() : Failed(opened);
  }

 private:
  arrow::Status OpenFile(const std::shared_ptr<FileInputStream>& stream) {
    ARROW_ASSIGN_OR_RAISE(file_, arrow::ipc::RecordBatchFileReader::Open(stream));
    SetSchema(*file_->schema());
    return arrow::Status::OK();
  }
  arrow::Status OpenStream(const std::shared_ptr<FileInputStream>& stream) {
    ARROW_ASSIGN_OR_RAISE(stream_, arrow::ipc::RecordBatchStreamReader::Open(stream));
    SetSchema(*stream_->schema());
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadBatch() override {
    if (stream_ != nullptr) return stream_->Next();
    if (next_ == file_->num_record_batches()) return nullptr;
    return file_->ReadRecordBatch(next_++);
  }

  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;  // one of the two
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;
  int next_ = 0;
};

template <typename Kind>
Result<std::unique_ptr<Spine>> OpenAs(runtime::FileSystem& files, const std::string& path,
                                      const std::string& name) {
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<FileInputStream> stream,
                          FileInputStream::Open(files, path, true));
  const auto size = stream->GetSize();
  if (size.ok() && *size == 0) return InvalidArgument("spine '" + name + "' is empty");
  auto spine = std::make_unique<Kind>(name);
  TOKURA_RETURN_IF_ERROR(spine->Open(stream));
  return std::unique_ptr<Spine>(std::move(spine));
}

}  // namespace

Result<std::unique_ptr<Spine>> OpenParquetSpine(runtime::FileSystem& files, const std::string& path,
                                                const std::string& name) {
  return OpenAs<ParquetSpine>(files, path, name);
}

Result<std::unique_ptr<Spine>> OpenArrowSpine(runtime::FileSystem& files, const std::string& path,
                                              const std::string& name) {
  return OpenAs<IpcSpine>(files, path, name);
}

}  // namespace tokura::offline
