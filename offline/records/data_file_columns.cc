#include "offline/records/data_file_columns.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "offline/records/arrow_file.h"
#include "offline/records/cell_column.h"

namespace tokura::offline {
namespace {

arrow::Status Malformed() { return ToArrow(Corrupt("malformed record")); }

// Takes the value of one key column from the front of an encoded key, as a cell that has it.
// `room`: for texts with zero bytes.
bool TakeKeyCell(Kind kind, std::string_view* key, std::string* room, CellBytes* cell) {
  bool boolean = false;
  std::string_view text;
  switch (kind) {
    case Kind::kString:
    case Kind::kBytes:
      if (!TakeTextKey(key, room, &text)) return false;
      cell->tag = kind == Kind::kString ? kTagString : kTagBytes;
      cell->bytes = text.data();
      cell->size = text.size();
      return true;
    case Kind::kBool:
      if (!TakeBoolKey(key, &boolean)) return false;
      cell->tag = boolean ? kTagTrue : kTagFalse;
      return true;
    default:
      cell->tag = kind == Kind::kTimestamp ? kTagTimestamp : kTagInt;
      return TakeIntKey(key, &cell->integer);
  }
}

class Columns final : public DataFileColumns {
 public:
  Columns(const FeatureGroup& group, const std::vector<const Feature*>& features,
          std::shared_ptr<arrow::Schema> schema)
      : group_(group),
        features_(features),
        schema_(std::move(schema)),
        written_(ProgramPool(), std::make_shared<arrow::Int32Builder>(),
                 schema_->GetFieldByName("_written")->type()),
        written_ids_(static_cast<arrow::Int32Builder&>(*written_.value_builder())) {}

  arrow::Status Open() {
    for (const KeyColumn& key : group_.entity.keys) {
      ARROW_RETURN_NOT_OK(AddCells(key.type));
    }
    for (size_t i = 0; i < features_.size(); ++i) {
      ARROW_RETURN_NOT_OK(AddCells(features_[i]->type));
      by_id_.push_back({features_[i]->id.value, i});
    }
    std::sort(by_id_.begin(), by_id_.end());
    const auto wide = static_cast<int64_t>(kBytesMax / (8 * cells_.size()));
    rows_max_ = std::clamp<int64_t>(wide, 1, kRowsMax);
    return arrow::Status::OK();
  }

  bool full() const override { return rows_ == rows_max_ || bytes_ >= kBytesMax; }

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

  arrow::Status AddCells(const Type& type) {
    const auto& arrow_type = schema_->field(static_cast<int>(cells_.size()))->type();
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<CellColumn> column, CellColumn::Make(type, arrow_type));
    cells_.push_back(std::move(column));
    return arrow::Status::OK();
  }

  arrow::Status Begin() {
    for (const auto& column : cells_) ARROW_RETURN_NOT_OK(column->Begin(rows_max_));
    ARROW_RETURN_NOT_OK(event_time_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(write_time_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(is_deleted_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(record_ttl_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(write_id_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(stores_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(late_.Begin(rows_max_));
    ARROW_RETURN_NOT_OK(origin_.Begin(rows_max_));
    return seq_.Begin(rows_max_);
  }

  arrow::Status AppendRecord(std::string_view body, const RecordPlace& place) {
    if (rows_ == 0) ARROW_RETURN_NOT_OK(Begin());
    RecordView record;
    bool deletes_cells = false;
    if (!OpenRecord(body, &record) || !SetKey(record.key)) return Malformed();
    ARROW_RETURN_NOT_OK(SetCells(record, &deletes_cells));
    event_time_.Set(rows_, record.version.event_time_us);
    write_time_.Set(rows_, place.write_time_us);
    is_deleted_.Set(rows_, record.delete_row || deletes_cells ? 1 : 0);
    if (record.ttl_us) record_ttl_.Set(rows_, *record.ttl_us);
    WriteId write_id;
    std::memcpy(write_id.bytes.data(), WriteIdOf(body).data(), write_id.bytes.size());
    write_id_.Set(rows_, write_id);
    stores_.Set(rows_, static_cast<int32_t>(record.stores));
    late_.Set(rows_, place.late ? 1 : 0);
    origin_.Set(rows_, place.origin);
    seq_.Set(rows_, place.seq);
    ++rows_;
    bytes_ += body.size();
    return arrow::Status::OK();
  }

  bool SetKey(std::string_view key) {
    if (key.size() < kRowKeyHeaderBytes) return false;
    key.remove_prefix(kRowKeyHeaderBytes);
    CellBytes cell;
    for (size_t i = 0; i < group_.entity.keys.size(); ++i) {
      if (!TakeKeyCell(group_.entity.keys[i].type.kind, &key, &room_, &cell)) return false;
      if (!cells_[i]->Set(rows_, cell)) return false;
    }
    return key.empty();
  }

  // Features and `_written`. Only the cells that are there are visited.
  arrow::Status SetCells(const RecordView& record, bool* deletes) {
    if (record.delete_row) {
      return record.cells.empty() ? written_.AppendNull() : Malformed();
    }
    ARROW_RETURN_NOT_OK(written_.Append());
    ARROW_RETURN_NOT_OK(written_ids_.Reserve(static_cast<int64_t>(record.cells.size() / 2)));
    CellReader reader(record.cells);
    CellBytes cell;
    uint64_t deleted = 0;
    size_t next = 0;  // mostly the place of the next feature in by_id_
    for (uint64_t i = 0; i < record.cell_count; ++i) {
      if (!reader.Next(&cell)) return Malformed();
      written_ids_.UnsafeAppend(static_cast<int32_t>(cell.feature));
      if (next == by_id_.size() || by_id_[next].first != cell.feature) {
        ARROW_ASSIGN_OR_RAISE(next, Find(cell.feature));
      }
      const size_t feature = by_id_[next++].second;
      deleted += cell.tag == kTagDelete ? 1 : 0;
      if (cell.tag == kTagDelete || cell.tag == kTagNull) continue;
      if (!cells_[group_.entity.keys.size() + feature]->Set(rows_, cell)) {
        return Refused(*features_[feature]);
      }
    }
    if (!reader.done()) return Malformed();
    if (deleted != 0 && deleted != record.cell_count) {
      return arrow::Status::Invalid("a record both writes and deletes features");
    }
    *deletes = deleted != 0;
    return arrow::Status::OK();
  }

  static arrow::Status Refused(const Feature& feature) {
    return arrow::Status::Invalid("feature ", feature.name, ": a value is not of type ",
                                  feature.type.ToString(), "; load the newest definitions");
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
    if (rows_ == 0) ARROW_RETURN_NOT_OK(Begin());
    arrow::ArrayVector arrays;
    const auto add = [&arrays](arrow::Result<std::shared_ptr<arrow::Array>> array) {
      ARROW_RETURN_NOT_OK(array);
      arrays.push_back(*std::move(array));
      return arrow::Status::OK();
    };
    const auto finish = [&](auto& column) {
      return add(column.Finish(schema_->field(static_cast<int>(arrays.size()))->type(), rows_));
    };
    for (const auto& column : cells_) ARROW_RETURN_NOT_OK(add(column->Finish(rows_)));
    ARROW_RETURN_NOT_OK(finish(event_time_));
    ARROW_RETURN_NOT_OK(finish(write_time_));
    ARROW_RETURN_NOT_OK(finish(is_deleted_));
    ARROW_RETURN_NOT_OK(add(written_.Finish()));
    ARROW_RETURN_NOT_OK(finish(record_ttl_));
    ARROW_RETURN_NOT_OK(finish(write_id_));
    ARROW_RETURN_NOT_OK(finish(stores_));
    ARROW_RETURN_NOT_OK(finish(late_));
    ARROW_RETURN_NOT_OK(finish(origin_));
    ARROW_RETURN_NOT_OK(finish(seq_));
    *batch = arrow::RecordBatch::Make(schema_, rows_, std::move(arrays));
    rows_ = 0;
    bytes_ = 0;
    return arrow::Status::OK();
  }

  // Columns are filled and encoded in parts that end at whichever comes first: small enough to stay
  // in the cache meanwhile.
  static constexpr int64_t kRowsMax = 8 << 10;
  static constexpr size_t kBytesMax = 4 << 20;

  const FeatureGroup& group_;
  const std::vector<const Feature*> features_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<CellColumn>> cells_;  // of key columns, then of features
  std::vector<std::pair<uint32_t, size_t>> by_id_;  // feature id, place in features_; ascending
  FixedColumn<int64_t> event_time_;
  FixedColumn<int64_t> write_time_;
  FixedColumn<uint8_t> is_deleted_;
  arrow::ListBuilder written_;
  arrow::Int32Builder& written_ids_;
  FixedColumn<int64_t> record_ttl_;
  FixedColumn<WriteId> write_id_;
  FixedColumn<int32_t> stores_;
  FixedColumn<uint8_t> late_;
  TextColumn origin_;
  FixedColumn<int64_t> seq_;
  int64_t rows_max_ = 0;
  int64_t rows_ = 0;
  size_t bytes_ = 0;  // of their bodies
  std::string room_;
};

}  // namespace

Result<std::unique_ptr<DataFileColumns>> DataFileColumns::Make(
    const FeatureGroup& group, const std::vector<const Feature*>& features,
    const std::shared_ptr<arrow::Schema>& schema) {
  auto columns = std::make_unique<Columns>(group, features, schema);
  const arrow::Status opened = columns->Open();
  if (!opened.ok()) return FromArrow(opened, Code::kInternal, group.QualifiedName());
  return std::unique_ptr<DataFileColumns>(std::move(columns));
}

}  // namespace tokura::offline
