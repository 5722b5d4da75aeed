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
    if (at_end_) return std::optional<Record>();
    TOKURA_RETURN_IF_ERROR(ReadKey());
  }
  Record record = std::move(winners_.front());
  winners_.pop_front();
  return std::optional<Record>(std::move(record));
}

Result<std::vector<Record>> Promotion::Read(size_t records_about, uint64_t rows_about) {
  const uint64_t rows_before = rows_read_;
  while (!at_end_ && winners_.size() < records_about && rows_read_ - rows_before < rows_about) {
    TOKURA_RETURN_IF_ERROR(ReadKey());
  }
  std::vector<Record> records(std::make_move_iterator(winners_.begin()),
                              std::make_move_iterator(winners_.end()));
  winners_.clear();
  return records;
}

// The winners of the next key.
Status Promotion::ReadKey() {
  Row row;  // of all that is not promoted
  std::vector<Record> candidates;
  std::string key;
  for (;;) {
    std::optional<HistoryRow> next = std::exchange(ahead_, std::nullopt);
    if (!next) {
      TOKURA_ASSIGN_OR_RETURN(next, history_.Next());
      rows_read_ += next ? 1 : 0;
    }
    at_end_ = !next.has_value();
    if (at_end_) break;
    if (!key.empty() && next->record.key != key) {
      ahead_ = std::move(next);
      break;
    }
    key = next->record.key;
    if (key > options_.after_key) Take(*std::move(next), &row, &candidates);
  }
  candidates = WinnersOf(std::move(candidates), std::move(row), group_->merge);
  for (Record& record : candidates) winners_.push_back(std::move(record));
  if (!key.empty()) last_key_ = std::move(key);
  return OkStatus();
}

void Promotion::Take(HistoryRow next, Row* row, std::vector<Record>* candidates) const {
  const std::optional<int64_t>& ttl = group_->ttl_us;
  if (ttl && next.record.event_time_us <= options_.now_us - *ttl) return;
  const bool may_be_promoted = next.record.stores == Stores::kOffline &&
                               (options_.origins.empty() || options_.origins.contains(next.origin));
  if (!may_be_promoted) {
    MergeRecord(next.record, group_->merge, row);
  } else if (std::optional<Record> record = ForOnline(std::move(next.record))) {
    candidates->push_back(*std::move(record));
    if (candidates->size() > kCandidatesMax) {
      *candidates = WinnersOf(std::move(*candidates), {}, group_->merge);
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
