#include "node/row_fold.h"

#include "node/view_rows.h"

namespace tokura::node {
namespace {

constexpr size_t kBatchRows = 4'096;
constexpr size_t kBatchBytes = 1 << 20;
// What a table without a view may have above its bound: indexes double when they grow.
constexpr size_t kSlack = 64 << 20;

}  // namespace

Status RowFold::AddRecord(std::string_view body) {
  TOKURA_RETURN_IF_ERROR(table_.Apply(std::span(&body, 1), definitions_));
  return MakeRoom();
}

Status RowFold::AddBaseRow(ShardId shard, std::string_view key, std::string_view packed) {
  if (!ShardOfKey(key, definitions_)) return OkStatus();  // its group was dropped
  if (view_ != nullptr) {
    base_rows_.push_back({shard, std::string(key), std::string(packed)});
    base_bytes_ += key.size() + packed.size();
    if (base_rows_.size() >= kBatchRows || base_bytes_ >= kBatchBytes) {
      TOKURA_RETURN_IF_ERROR(EndBase());
    }
  }
  if (!table_.complete()) return OkStatus();
  if (view_ != nullptr && table_.memory_bytes() > bytes_max_) {
    table_.SetIncomplete();
    return OkStatus();
  }
  TOKURA_RETURN_IF_ERROR(table_.Load(key, packed, table_.load_ticket(), definitions_).status());
  return MakeRoom();
}

Status RowFold::EndBase() {
  if (base_rows_.empty()) return OkStatus();
  std::vector<View::Change> changes;
  changes.reserve(base_rows_.size());
  for (const BaseRow& row : base_rows_) changes.push_back({row.shard, row.key, row.packed});
  view_status_ = view_->Write(changes, std::nullopt);
  base_rows_.clear();
  base_bytes_ = 0;
  return view_status_;
}

Status RowFold::MakeRoom() {
  if (table_.memory_bytes() <= bytes_max_) return OkStatus();
  if (view_ != nullptr) {
    // What can leave at once leaves; else all that is dirty goes, so that this is seldom.
    if (!table_.complete() && table_.dirty_bytes() < bytes_max_ / 2) {
      table_.Evict(bytes_max_ - bytes_max_ / 8, table_.rows());
      return OkStatus();
    }
    TOKURA_RETURN_IF_ERROR(Spill());
    if (table_.complete()) table_.SetIncomplete();
    table_.Evict(bytes_max_ - bytes_max_ / 8, table_.rows());
    return OkStatus();
  }
  if (table_.memory_bytes() <= bytes_max_ + kSlack) return OkStatus();
  return ResourceExhausted("the rows do not fit in --row-memory, and the view cannot be made");
}

Status RowFold::Spill() {
  TOKURA_RETURN_IF_ERROR(EndBase());
  while (table_.dirty_rows() > 0) {
    const std::vector<RowTable::DirtyRow> rows = table_.TakeDirty(kBatchRows);
    view_status_ = WriteDirtyRows(*view_, rows, definitions_);
    table_.Written(rows, view_status_.ok());
    TOKURA_RETURN_IF_ERROR(view_status_);
  }
  return OkStatus();
}

}  // namespace tokura::node
