#include "offline/promotion.h"

#include <algorithm>
#include <utility>

namespace tokura::offline {
namespace {

// A key with a long history keeps few of them: at most one a feature, and a delete.
constexpr size_t kCandidatesMax = 1'024;

// Those of `records`, ascending by version, that change `row` when the newest is merged first: each
// of the others loses all it says to newer ones.
std::vector<Record> WinnersOf(std::vector<Record> records, Row row, MergeMode mode) {
  std::vector<Record> winners;
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    if (MergeRecord(*record, mode, &row)) winners.push_back(std::move(*record));
  }
  std::reverse(winners.begin(), winners.end());
  return winners;
}

}  // namespace

Promotion::Promotion(const FeatureGroup& group, PromotionOptions options, HistoryMerge history,
                     uint64_t rows_total)
    : group_(&group),
      options_(std::move(options)),
      history_(std::move(history)),
      rows_total_(rows_total) {}

Result<Promotion> Promotion::Open(runtime::FileSystem& files, const Table& table,
                                  const FeatureGroup& group, PromotionOptions options) {
  std::vector<const DataFile*> all;
  for (const DataFile& file : table.current().files) all.push_back(&file);
  TOKURA_ASSIGN_OR_RETURN(HistoryMerge history,
                          HistoryMerge::Open(files, table.folder(), all, group, {}));
  return Promotion(group, std::move(options), std::move(history), table.current().rows());
}

Result<std::optional<Record>> Promotion::Next() {
  while (winners_.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const bool more, ReadKey());
    if (!more) return std::optional<Record>();
  }
  Record record = std::move(winners_.front());
  winners_.pop_front();
  return std::optional<Record>(std::move(record));
}

// False at the end of the table.
Result<bool> Promotion::ReadKey() {
  row_ = {};
  candidates_.clear();
  std::string key;
  for (;;) {
    std::optional<HistoryRow> row = std::exchange(ahead_, std::nullopt);
    if (!row) {
      TOKURA_ASSIGN_OR_RETURN(row, history_.Next());
      rows_read_ += row ? 1 : 0;
    }
    if (!row || (!key.empty() && row->record.key != key)) {
      ahead_ = std::move(row);
      break;
    }
    key = row->record.key;
    if (key > options_.after_key) Take(*std::move(row));
  }
  candidates_ = WinnersOf(std::move(candidates_), row_, group_->merge);
  for (Record& record : candidates_) {
    winners_.push_back(std::move(record));
  }
  return !key.empty();
}

void Promotion::Take(HistoryRow row) {
  const std::optional<int64_t>& ttl = group_->ttl_us;
  if (ttl && row.record.event_time_us <= options_.now_us - *ttl) return;
  const bool may_be_promoted = row.record.stores == Stores::kOffline &&
                               (options_.origins.empty() || options_.origins.contains(row.origin));
  if (!may_be_promoted) {
    MergeRecord(row.record, group_->merge, &row_);
  } else if (std::optional<Record> record = ForOnline(std::move(row.record))) {
    candidates_.push_back(*std::move(record));
    if (candidates_.size() > kCandidatesMax) {
      candidates_ = WinnersOf(std::move(candidates_), {}, group_->merge);
    }
  }
}

// nullopt: nothing of it is online.
std::optional<Record> Promotion::ForOnline(Record record) const {
  record.stores = Stores::kOnline;
  if (group_->ttl_us && record.ttl_us) record.ttl_us = std::min(*record.ttl_us, *group_->ttl_us);
  std::erase_if(record.cells, [this](const Cell& cell) {
    const Feature* feature = group_->FindFeature(cell.feature);
    return feature == nullptr || feature->dropped || !feature->online;
  });
  const bool says_something =
      record.delete_row || group_->merge == MergeMode::kRecord || !record.cells.empty();
  return says_something ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace tokura::offline
