#include "offline/records/data_file_writer.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>

#include "core/bytes.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file.h"
#include "offline/records/data_file_schema.h"
#include "offline/records/file_metrics.h"
#include "offline/records/parquet_encoding.h"

namespace tokura::offline {
namespace {

// A row group ends at whichever comes first; the bytes are of the columns before encoding.
constexpr int64_t kRowGroupRowsMax = 128 << 10;
constexpr int64_t kRowGroupBytesMax = 64 << 20;

// What the footer says of sizes and row groups.
void DescribeLayout(const parquet::FileMetaData& footer, iceberg::FileEntry* entry) {
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const auto row_group = footer.RowGroup(group);
    entry->split_offsets.push_back(row_group->file_offset());
    for (int i = 0; i < footer.num_columns(); ++i) {
      const int32_t field_id = footer.schema()->Column(i)->schema_node()->field_id();
      entry->column_bytes[field_id] += row_group->ColumnChunk(i)->total_compressed_size();
    }
  }
}

uint64_t WritePrefix(const uint8_t* write_id) {
  WriteId id;
  std::copy_n(write_id, id.bytes.size(), id.bytes.begin());
  return id.prefix();
}

class ParquetDataFileWriter final : public DataFileWriter {
 public:
  ParquetDataFileWriter(runtime::FileSystem& files, std::string table_folder, std::string stem)
      : files_(files), table_folder_(std::move(table_folder)), stem_(std::move(stem)) {}

  ~ParquetDataFileWriter() override {
    if (file_ == nullptr) return;
    writer_.reset();
    file_.reset();
    (void)files_.Remove(temporary());  // what cannot be removed is an orphan, removed later
  }

  Status Open(const std::string& partition, const FeatureGroup& group,
              const std::vector<const Feature*>& features) {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<TableColumn> columns,
                            TableColumnsOf(group, features));
    schema_ = DataFileSchema(columns);
    event_time_ = static_cast<int>(group.entity.keys.size() + features.size());
    write_id_ = event_time_ + kWriteIdColumn;
    description_.partition = partition;
    TOKURA_RETURN_IF_ERROR(files_.CreateDirectories(folder()));
    metadata_ = arrow::key_value_metadata(
        {"tokura.format", "tokura.group", "tokura.group-id", "tokura.schema-version"},
        {std::to_string(kDataFileFormat), group.QualifiedName(), std::to_string(group.id.value),
         std::to_string(group.schema_version.value)});
    TOKURA_ASSIGN_OR_RETURN(file_, files_.Create(temporary()));
    return OkStatus();
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  uint64_t rows() const override { return description_.rows; }
  uint64_t bytes() const override {
    return file_->size() + static_cast<uint64_t>(row_group_bytes_);
  }

  Status Append(const arrow::RecordBatch& batch, const Digest& digest) override {
    description_.digest += digest;
    return Guard([&] { return AppendRows(batch); });
  }

  Result<NewFile> Finish() override {
    TOKURA_CHECK(rows() > 0);
    TOKURA_RETURN_IF_ERROR(Guard([&] { return writer_->Close(); }));
    NewFile written;
    metrics_.Describe(&written.entry);
    DescribeLayout(*writer_->metadata(), &written.entry);
    description_.crc32c = stream_->crc32c();
    description_.bytes = file_->size();
    description_.path = stem_ + DataFileEnding(description_.digest, description_.crc32c);
    TOKURA_RETURN_IF_ERROR(Publish());
    written.file = description_;
    written.entry.rows = static_cast<int64_t>(description_.rows);
    written.entry.bytes = static_cast<int64_t>(description_.bytes);
    return written;
  }

 private:
  std::string temporary() const { return table_folder_ + "/" + stem_ + kTemporarySuffix; }
  std::string folder() const {
    const std::string path = temporary();
    return path.substr(0, path.rfind('/'));
  }

  template <typename Work>
  Status Guard(Work work) {
    try {
      return FromArrow(work(), Code::kFailedPrecondition, temporary());
    } catch (const std::exception& e) {
      return Internal(temporary() + ": " + e.what());
    }
  }

  arrow::Status OpenParquet(const arrow::RecordBatch& first) {
    stream_ = std::make_shared<FileOutputStream>(*file_);  // joint owners: this, Arrow's writer
    ARROW_ASSIGN_OR_RAISE(writer_,
                          parquet::arrow::FileWriter::Open(*schema_, ProgramPool(), stream_,
                                                           PropertiesFor(first, kRowGroupRowsMax)));
    return writer_->AddKeyValueMetadata(metadata_);
  }

  // In parts, so that a row group ends where it should.
  arrow::Status AppendRows(const arrow::RecordBatch& batch) {
    if (batch.num_rows() == 0) return arrow::Status::OK();
    if (writer_ == nullptr) ARROW_RETURN_NOT_OK(OpenParquet(batch));
    metrics_.Add(batch);
    NoteBounds(batch);
    ARROW_ASSIGN_OR_RAISE(const int64_t batch_bytes, arrow::util::ReferencedBufferSize(batch));
    const int64_t row_bytes = std::max<int64_t>(batch_bytes / batch.num_rows(), 1);
    for (int64_t begin = 0; begin < batch.num_rows();) {
      if (row_group_rows_ == kRowGroupRowsMax || row_group_bytes_ >= kRowGroupBytesMax) {
        row_group_rows_ = 0;
      }
      if (row_group_rows_ == 0) {
        ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
        row_group_bytes_ = 0;
      }
      const int64_t room = std::min((kRowGroupBytesMax - row_group_bytes_) / row_bytes + 1,
                                    kRowGroupRowsMax - row_group_rows_);
      const int64_t rows = std::min(room, batch.num_rows() - begin);
      ARROW_RETURN_NOT_OK(writer_->WriteRecordBatch(*batch.Slice(begin, rows)));
      row_group_rows_ += rows;
      row_group_bytes_ += rows * row_bytes;
      begin += rows;
    }
    description_.rows += static_cast<uint64_t>(batch.num_rows());
    return arrow::Status::OK();
  }

  void NoteBounds(const arrow::RecordBatch& batch) {
    if (rows() == 0) {
      description_.event_time_min_us = std::numeric_limits<int64_t>::max();
      description_.event_time_max_us = std::numeric_limits<int64_t>::min();
      description_.write_prefix_min = std::numeric_limits<uint64_t>::max();
    }
    const auto& times = static_cast<const arrow::TimestampArray&>(*batch.column(event_time_));
    const auto& ids = static_cast<const arrow::FixedSizeBinaryArray&>(*batch.column(write_id_));
    DataFile& of = description_;
    for (int64_t i = 0; i < batch.num_rows(); ++i) {
      const int64_t event_time = times.Value(i);
      const uint64_t prefix = WritePrefix(ids.GetValue(i));
      of.event_time_min_us = std::min(of.event_time_min_us, event_time);
      of.event_time_max_us = std::max(of.event_time_max_us, event_time);
      of.write_prefix_min = std::min(of.write_prefix_min, prefix);
      of.write_prefix_max = std::max(of.write_prefix_max, prefix);
    }
  }

  Status Publish() {
    Status status = file_->Sync();
    if (status.ok()) status = file_->Close();
    if (status.ok()) status = files_.Link(temporary(), table_folder_ + "/" + description_.path);
    writer_.reset();
    file_.reset();
    (void)files_.Remove(temporary());  // what cannot be removed is an orphan, removed later
    if (status.ok()) status = files_.SyncDirectory(folder());
    return status;
  }

  runtime::FileSystem& files_;
  const std::string table_folder_;
  const std::string stem_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<const arrow::KeyValueMetadata> metadata_;
  int event_time_ = 0;  // columns of the schema
  int write_id_ = 0;
  std::unique_ptr<runtime::WritableFile> file_;  // null once published
  std::shared_ptr<FileOutputStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  FileMetrics metrics_;
  DataFile description_;
  int64_t row_group_rows_ = 0;
  int64_t row_group_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<DataFileWriter>> DataFileWriter::Open(
    runtime::FileSystem& files, const std::string& table_folder, const std::string& stem,
    const std::string& partition, const FeatureGroup& group,
    const std::vector<const Feature*>& features) {
  auto writer = std::make_unique<ParquetDataFileWriter>(files, table_folder, stem);
  TOKURA_RETURN_IF_ERROR(writer->Open(partition, group, features));
  return std::unique_ptr<DataFileWriter>(std::move(writer));
}

}  // namespace tokura::offline
