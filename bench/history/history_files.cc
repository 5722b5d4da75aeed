#include "bench/history/history_files.h"

#include <array>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/table_builder.h>
#include <parquet/arrow/writer.h>

#include "bench/history/change_stream.h"
#include "core/key_codec.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file.h"
#include "offline/records/data_file_schema.h"
#include "replication/segment.h"

namespace tokura::bench {
namespace {

constexpr uint64_t kSeed = 9;
constexpr char kNode[] = "n1";
constexpr size_t kCommitBytes = 256 << 10;
constexpr int64_t kRowGroupRows = 128 << 10;

// Where each of these columns is.
enum Column { kUserId, kFirstFeature, kEventTime = kFirstFeature + kSessionFeatures };

std::shared_ptr<arrow::Schema> RecordsSchema() {
  const FeatureGroup group = SessionsGroup();
  std::vector<const Feature*> features;
  for (const Feature& feature : group.features) features.push_back(&feature);
  const auto columns = offline::TableColumnsOf(group, features);
  const auto schema = offline::DataFileSchema(*columns);
  return *schema->RemoveField(schema->GetFieldIndex("_late"));
}

// One segment and the peer's file of the same records.
class SegmentFiles {
 public:
  Status Open(runtime::FileSystem& files, const std::string& directory, uint16_t log) {
    const replication::SegmentName name{1, log, 1};
    TOKURA_ASSIGN_OR_RETURN(segment_, files.Create(directory + "/log/" + name.ToString()));
    replication::SegmentBuilder(name, kNode, nonce_, &commit_);
    char records[32];
    std::snprintf(records, sizeof records, "/records/%02u.parquet", log);
    TOKURA_ASSIGN_OR_RETURN(records_, files.Create(directory + records));
    return offline::FromArrow(OpenRecords(), Code::kInternal, "records");
  }

  Status Add(const replication::LogRecordView& record, const Change& change) {
    if (commit_.size() >= kCommitBytes) TOKURA_RETURN_IF_ERROR(EndCommit());
    replication::SegmentBuilder::AppendRecord(0, record, &commit_);
    return offline::FromArrow(AddRecord(record, change), Code::kInternal, "records");
  }

  Status Close() {
    TOKURA_RETURN_IF_ERROR(EndCommit());
    TOKURA_RETURN_IF_ERROR(segment_->Append(commit_));
    TOKURA_RETURN_IF_ERROR(segment_->Close());
    TOKURA_RETURN_IF_ERROR(offline::FromArrow(FlushRecords(), Code::kInternal, "records"));
    TOKURA_RETURN_IF_ERROR(offline::FromArrow(writer_->Close(), Code::kInternal, "records"));
    return records_->Close();
  }

 private:
  Status EndCommit() {
    TOKURA_RETURN_IF_ERROR(segment_->Append(commit_));
    commit_.clear();
    replication::SegmentBuilder::AppendCommit(segment_->size(), nonce_, &commit_);
    return OkStatus();
  }

  // As cheap to read as Parquet gets: neither compressed nor in dictionaries.
  arrow::Status OpenRecords() {
    const auto schema = RecordsSchema();
    ARROW_ASSIGN_OR_RAISE(rows_, arrow::RecordBatchBuilder::Make(
                                     schema, arrow::default_memory_pool(), kRowGroupRows));
    stream_ = std::make_shared<offline::FileOutputStream>(*records_);
    parquet::WriterProperties::Builder properties;
    ARROW_ASSIGN_OR_RAISE(
        writer_, parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), stream_,
                                                  properties.disable_dictionary()->build()));
    return arrow::Status::OK();
  }

  template <typename Builder>
  Builder& To(int column) {
    return *rows_->GetFieldAs<Builder>(column);
  }

  template <typename Builder, typename T>
  arrow::Status AddFeature(const Change& change, int i, const T& value) {
    Builder& to = To<Builder>(kFirstFeature + i);
    return change.states[static_cast<size_t>(i)] == CellState::kValue ? to.Append(value)
                                                                      : to.AppendNull();
  }

  arrow::Status AddRecord(const replication::LogRecordView& record, const Change& change) {
    ARROW_RETURN_NOT_OK(To<arrow::StringBuilder>(kUserId).Append(change.user_id));
    ARROW_RETURN_NOT_OK(AddFeature<arrow::Int64Builder>(change, 0, change.clicks));
    ARROW_RETURN_NOT_OK(AddFeature<arrow::DoubleBuilder>(change, 1, change.spend));
    ARROW_RETURN_NOT_OK(AddFeature<arrow::FloatBuilder>(change, 2, change.score));
    ARROW_RETURN_NOT_OK(AddFeature<arrow::StringBuilder>(change, 3, change.segment));
    ARROW_RETURN_NOT_OK(AddFeature<arrow::TimestampBuilder>(change, 4, change.last_seen_us));
    ARROW_RETURN_NOT_OK(AddFeature<arrow::BooleanBuilder>(change, 5, change.is_member));
    int column = kEventTime;
    ARROW_RETURN_NOT_OK(To<arrow::TimestampBuilder>(column++).Append(change.event_time_us));
    ARROW_RETURN_NOT_OK(To<arrow::TimestampBuilder>(column++).Append(record.hlc_us));
    ARROW_RETURN_NOT_OK(To<arrow::BooleanBuilder>(column++).Append(change.delete_row));
    auto& written = To<arrow::ListBuilder>(column++);
    ARROW_RETURN_NOT_OK(change.delete_row ? written.AppendNull() : written.Append());
    for (size_t i = 0; i < kSessionFeatures; ++i) {
      if (change.states[i] == CellState::kDelete) continue;
      ARROW_RETURN_NOT_OK(static_cast<arrow::Int32Builder*>(written.value_builder())
                              ->Append(static_cast<int>(i) + 1));
    }
    ARROW_RETURN_NOT_OK(To<arrow::Int64Builder>(column++).AppendNull());
    ARROW_RETURN_NOT_OK(
        To<arrow::FixedSizeBinaryBuilder>(column++).Append(change.write_id.bytes.data()));
    ARROW_RETURN_NOT_OK(To<arrow::Int32Builder>(column++).Append(3));
    ARROW_RETURN_NOT_OK(To<arrow::StringBuilder>(column++).Append(
        offline::OriginOf({record.shard, {kNode, 1}, record.seq})));
    ARROW_RETURN_NOT_OK(
        To<arrow::Int64Builder>(column++).Append(static_cast<int64_t>(record.seq.value)));
    return ++row_count_ == kRowGroupRows ? FlushRecords() : arrow::Status::OK();
  }

  arrow::Status FlushRecords() {
    row_count_ = 0;
    ARROW_ASSIGN_OR_RAISE(const auto batch, rows_->Flush());
    ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
    return writer_->WriteRecordBatch(*batch);
  }

  static constexpr uint64_t nonce_ = 0x9e3779b97f4a7c15;
  std::unique_ptr<runtime::WritableFile> segment_;
  std::string commit_;
  std::unique_ptr<runtime::WritableFile> records_;
  std::shared_ptr<offline::FileOutputStream> stream_;  // joint owners: this, Arrow's writer
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::unique_ptr<arrow::RecordBatchBuilder> rows_;
  int64_t row_count_ = 0;
};

}  // namespace

Status WriteHistory(runtime::FileSystem& files, const std::string& directory,
                    const HistorySize& size) {
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(directory + "/log"));
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(directory + "/records"));
  std::vector<SegmentFiles> segments(size.segments);
  for (uint16_t log = 0; log < size.segments; ++log) {
    TOKURA_RETURN_IF_ERROR(segments[log].Open(files, directory, log));
  }
  struct ShardEnd {
    uint64_t seq = 0;
    uint64_t chain = 0;
  };
  std::array<ShardEnd, kShardCount> ends;
  ChangeStream changes(size.records, size.users, kSeed);
  std::string key;
  for (uint64_t i = 0; i < size.records; ++i) {
    const Change& change = changes.Next();
    key.clear();
    AppendKeyColumn(Value(change.user_id), &key);
    const ShardId shard = ShardOf(key);
    ShardEnd& end = ends[shard.value];
    replication::LogRecordView record{.shard = shard,
                                      .seq = Seq(++end.seq),
                                      .epoch = Epoch(0),
                                      .hlc_us = change.write_time_us,
                                      .chain = 0,
                                      .body = change.body};
    record.chain = end.chain = replication::NextChain(end.chain, {kNode, 1}, record);
    TOKURA_RETURN_IF_ERROR(segments[shard.value % size.segments].Add(record, change));
  }
  for (SegmentFiles& segment : segments) TOKURA_RETURN_IF_ERROR(segment.Close());
  return OkStatus();
}

}  // namespace tokura::bench
