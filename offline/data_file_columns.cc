#include "offline/data_file_columns.h"

#include <algorithm>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "core/key_codec.h"
#include "offline/arrow_file.h"
#include "offline/cell_column.h"
#include "offline/table_columns.h"

namespace tokura::offline {
namespace {

arrow::Status Malformed() { return ToArrow(Corrupt("malformed record")); }

// One key column.
class KeyColumnBuilder {
 public:
  KeyColumnBuilder(Kind kind, std::unique_ptr<arrow::ArrayBuilder> builder)
      : kind_(kind), builder_(std::move(builder)) {}

  // Takes its value from the front of an encoded key.
  arrow::Status Append(std::string_view* key) {
    int64_t integer = 0;
    bool boolean = false;
    std::string_view text;
    switch (kind_) {
      case Kind::kString:
        if (!TakeTextKey(key, &room_, &text)) return Malformed();
        return As<arrow::StringBuilder>().Append(text);
      case Kind::kBytes:
        if (!TakeTextKey(key, &room_, &text)) return Malformed();
        return As<arrow::BinaryBuilder>().Append(text);
      case Kind::kBool:
        if (!TakeBoolKey(key, &boolean)) return Malformed();
        return As<arrow::BooleanBuilder>().Append(boolean);
      case Kind::kTimestamp:
        if (!TakeIntKey(key, &integer)) return Malformed();
        return As<arrow::TimestampBuilder>().Append(integer);
      case Kind::kInt32:
        if (!TakeIntKey(key, &integer)) return Malformed();
        if (integer != static_cast<int32_t>(integer)) return Malformed();
        return As<arrow::Int32Builder>().Append(static_cast<int32_t>(integer));
      default:
        if (!TakeIntKey(key, &integer)) return Malformed();
        return As<arrow::Int64Builder>().Append(integer);
    }
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() { return builder_->Finish(); }

 private:
  template <typename Builder>
  Builder& As() {
    return *static_cast<Builder*>(builder_.get());
  }
  Kind kind_;
  std::unique_ptr<arrow::ArrayBuilder> builder_;
  std::string room_;
};

class Columns final : public DataFileColumns {
 public:
  Columns(const FeatureGroup& group, std::shared_ptr<arrow::Schema> schema)
      : group_(group), schema_(std::move(schema)) {}

  arrow::Status Open(const std::vector<const Feature*>& features) {
    arrow::MemoryPool* const pool = arrow::default_memory_pool();
    int field = 0;
    for (const KeyColumn& key : group_.entity.keys) {
      std::unique_ptr<arrow::ArrayBuilder> builder;
      ARROW_RETURN_NOT_OK(arrow::MakeBuilder(pool, schema_->field(field++)->type(), &builder));
      keys_.emplace_back(key.type.kind, std::move(builder));
    }
    for (const Feature* feature : features) {
      ARROW_ASSIGN_OR_RAISE(CellColumn column,
                            CellColumn::Make(*feature, schema_->field(field++)->type()));
      by_id_.push_back({feature->id.value, features_.size()});
      features_.push_back(std::move(column));
    }
    std::sort(by_id_.begin(), by_id_.end());
    const auto make = [&]<typename Builder>(std::unique_ptr<Builder>* column) {
      std::unique_ptr<arrow::ArrayBuilder> builder;
      ARROW_RETURN_NOT_OK(arrow::MakeBuilder(pool, schema_->field(field++)->type(), &builder));
      column->reset(static_cast<Builder*>(builder.release()));
      system_.push_back(column->get());
      return arrow::Status::OK();
    };
    ARROW_RETURN_NOT_OK(make(&event_time_));
    ARROW_RETURN_NOT_OK(make(&write_time_));
    ARROW_RETURN_NOT_OK(make(&is_deleted_));
    ARROW_RETURN_NOT_OK(make(&written_));
    ARROW_RETURN_NOT_OK(make(&record_ttl_));
    ARROW_RETURN_NOT_OK(make(&write_id_));
    ARROW_RETURN_NOT_OK(make(&stores_));
    ARROW_RETURN_NOT_OK(make(&late_));
    ARROW_RETURN_NOT_OK(make(&origin_));
    ARROW_RETURN_NOT_OK(make(&seq_));
    written_ids_ = static_cast<arrow::Int32Builder*>(written_->value_builder());
    return arrow::Status::OK();
  }

  int64_t rows() const override { return rows_; }
  size_t bytes() const override { return bytes_; }

  Status Append(std::string_view body, const RecordPlace& place) override {
    return Told(AppendRecord(body, place));
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Flush() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    TOKURA_RETURN_IF_ERROR(Told(FlushInto(&batch)));
    return batch;
  }

 private:
  Status Told(const arrow::Status& status) const {
    return status.ok() ? OkStatus()
                       : FromArrow(status, Code::kFailedPrecondition, group_.QualifiedName());
  }

  arrow::Status AppendRecord(std::string_view body, const RecordPlace& place) {
    RecordView record;
    if (!OpenRecord(body, &record)) return Malformed();
    bool deletes_cells = false;
    ARROW_RETURN_NOT_OK(AppendKey(record.key));
    ARROW_RETURN_NOT_OK(AppendCells(record, &deletes_cells));
    ARROW_RETURN_NOT_OK(event_time_->Append(record.version.event_time_us));
    ARROW_RETURN_NOT_OK(write_time_->Append(place.write_time_us));
    ARROW_RETURN_NOT_OK(is_deleted_->Append(record.delete_row || deletes_cells));
    ARROW_RETURN_NOT_OK(record.ttl_us ? record_ttl_->Append(*record.ttl_us)
                                      : record_ttl_->AppendNull());
    ARROW_RETURN_NOT_OK(write_id_->Append(WriteIdOf(body)));
    ARROW_RETURN_NOT_OK(stores_->Append(static_cast<int32_t>(record.stores)));
    ARROW_RETURN_NOT_OK(late_->Append(place.late));
    ARROW_RETURN_NOT_OK(origin_->Append(place.origin));
    ARROW_RETURN_NOT_OK(seq_->Append(place.seq));
    ++rows_;
    bytes_ += body.size();
    return arrow::Status::OK();
  }

  arrow::Status AppendKey(std::string_view key) {
    if (key.size() < kRowKeyHeaderBytes) return Malformed();
    key.remove_prefix(kRowKeyHeaderBytes);
    for (KeyColumnBuilder& column : keys_) ARROW_RETURN_NOT_OK(column.Append(&key));
    return key.empty() ? arrow::Status::OK() : Malformed();
  }

  // Features and `_written`. Only the cells that are there are visited; what lies between is padded
  // with nulls.
  arrow::Status AppendCells(const RecordView& record, bool* deletes) {
    if (record.delete_row) {
      return record.cells.empty() ? written_->AppendNull() : Malformed();
    }
    ARROW_RETURN_NOT_OK(written_->Append());
    CellReader reader(record.cells);
    CellBytes cell;
    uint64_t deleted = 0;
    size_t next = 0;  // mostly the place of the next feature in by_id_
    for (uint64_t i = 0; i < record.cell_count; ++i) {
      if (!reader.Next(&cell)) return Malformed();
      ARROW_RETURN_NOT_OK(written_ids_->Append(static_cast<int32_t>(cell.feature)));
      if (next == by_id_.size() || by_id_[next].first != cell.feature) {
        ARROW_ASSIGN_OR_RAISE(next, Find(cell.feature));
      }
      CellColumn& column = features_[by_id_[next++].second];
      if (cell.tag == kTagDelete) ++deleted;
      if (cell.tag == kTagDelete || cell.tag == kTagNull) continue;
      ARROW_RETURN_NOT_OK(column.PadTo(rows_));
      ARROW_RETURN_NOT_OK(column.Append(cell));
    }
    if (!reader.done()) return Malformed();
    if (deleted != 0 && deleted != record.cell_count) {
      return arrow::Status::Invalid("a record both writes and deletes features");
    }
    *deletes = deleted != 0;
    return arrow::Status::OK();
  }

  arrow::Result<size_t> Find(uint32_t feature) const {
    const auto found =
        std::lower_bound(by_id_.begin(), by_id_.end(), std::pair(feature, size_t{0}));
    if (found == by_id_.end() || found->first != feature) {
      return arrow::Status::Invalid("a record names feature id ", feature,
                                    ", which these definitions do not know; load the newest ones");
    }
    return static_cast<size_t>(found - by_id_.begin());
  }

  arrow::Status FlushInto(std::shared_ptr<arrow::RecordBatch>* batch) {
    arrow::ArrayVector arrays;
    const auto finish = [&arrays](auto& column) {
      ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> array, column.Finish());
      arrays.push_back(std::move(array));
      return arrow::Status::OK();
    };
    for (KeyColumnBuilder& column : keys_) ARROW_RETURN_NOT_OK(finish(column));
    for (CellColumn& column : features_) {
      ARROW_RETURN_NOT_OK(column.PadTo(rows_));
      ARROW_RETURN_NOT_OK(finish(column));
    }
    for (arrow::ArrayBuilder* column : system_) ARROW_RETURN_NOT_OK(finish(*column));
    *batch = arrow::RecordBatch::Make(schema_, rows_, std::move(arrays));
    rows_ = 0;
    bytes_ = 0;
    return arrow::Status::OK();
  }

  const FeatureGroup& group_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<KeyColumnBuilder> keys_;
  std::vector<CellColumn> features_;
  std::vector<std::pair<uint32_t, size_t>> by_id_;  // feature id, place in features_; ascending
  std::unique_ptr<arrow::TimestampBuilder> event_time_;
  std::unique_ptr<arrow::TimestampBuilder> write_time_;
  std::unique_ptr<arrow::BooleanBuilder> is_deleted_;
  std::unique_ptr<arrow::ListBuilder> written_;
  arrow::Int32Builder* written_ids_ = nullptr;
  std::unique_ptr<arrow::Int64Builder> record_ttl_;
  std::unique_ptr<arrow::FixedSizeBinaryBuilder> write_id_;
  std::unique_ptr<arrow::Int32Builder> stores_;
  std::unique_ptr<arrow::BooleanBuilder> late_;
  std::unique_ptr<arrow::StringBuilder> origin_;
  std::unique_ptr<arrow::Int64Builder> seq_;
  std::vector<arrow::ArrayBuilder*> system_;  // of these, in their order
  int64_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<DataFileColumns>> DataFileColumns::Make(
    const FeatureGroup& group, const std::vector<const Feature*>& features,
    const std::shared_ptr<arrow::Schema>& schema) {
  auto columns = std::make_unique<Columns>(group, schema);
  const arrow::Status opened = columns->Open(features);
  if (!opened.ok()) return FromArrow(opened, Code::kInternal, group.QualifiedName());
  return std::unique_ptr<DataFileColumns>(std::move(columns));
}

}  // namespace tokura::offline
