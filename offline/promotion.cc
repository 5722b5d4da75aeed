#include "offline/promotion.h"

#include <algorithm>
#include <utility>

#include "offline/records/history_merge.h"

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

// What has expired, or lies before where the promotion begins, is passed over.
std::unique_ptr<HistoryMerge> OpenHistory(runtime::FileSystem& files, const Table& table,
                                          const FeatureGroup& group,
                                          const PromotionOptions& options) {
  const auto is_alive = [ttl_us = group.ttl_us, now_us = options.now_us](int64_t event_time_us) {
    return !ttl_us || event_time_us > now_us - *ttl_us;
  };
  std::vector<DataFile> alive;
  for (const DataFile& file : table.current().files) {
    if (is_alive(file.event_time_max_us)) alive.push_back(file);
  }
  HistoryMergeOptions merge;
  merge.wanted = [is_alive, after_key = options.after_key](const RecordView& record,
                                                           const RecordPlace&) {
    return is_alive(record.version.event_time_us) && record.key > after_key;
  };
  merge.memory_bytes = options.memory_bytes;
  merge.spill_path = table.folder() + "/data/promotion";
  return std::make_unique<HistoryMerge>(files, table.folder(), std::move(alive), group,
                                        std::move(merge));
}

}  // namespace

Promotion::Promotion(runtime::FileSystem& files, const Table& table, const FeatureGroup& group,
                     PromotionOptions options)
    : group_(group),
      options_(std::move(options)),
      history_(OpenHistory(files, table, group_, options_)),
      last_key_(options_.after_key) {}
Promotion::~Promotion() = default;

uint64_t Promotion::rows_read() const { return history_->rows_read(); }
uint64_t Promotion::rows_total() const { return history_->rows_total(); }

Result<std::optional<Record>> Promotion::Next() {
  while (winners_.empty()) {
    if (at_end_) return std::optional<Record>();
    TOKURA_RETURN_IF_ERROR(ReadKey().status());
  }
  Record record = std::move(winners_.front());
  winners_.pop_front();
  return std::optional<Record>(std::move(record));
}

Result<std::vector<Record>> Promotion::Read(size_t records_about, uint64_t rows_about) {
  if (reading_) {
    TOKURA_ASSIGN_OR_RETURN(const bool more, history_->Read(rows_about));
    if (more) return std::vector<Record>();
  }
  for (uint64_t rows = 0; !at_end_ && winners_.size() < records_about && rows < rows_about;) {
    TOKURA_ASSIGN_OR_RETURN(const uint64_t of_key, ReadKey());
    rows += of_key;
  }
  std::vector<Record> records(std::make_move_iterator(winners_.begin()),
                              std::make_move_iterator(winners_.end()));
  winners_.clear();
  return records;
}

Status Promotion::Advance() {
  reading_ = false;
  TOKURA_ASSIGN_OR_RETURN(const bool more, history_->Next(&next_));
  at_end_ = !more;
  return OkStatus();
}

Result<uint64_t> Promotion::ReadKey() {
  if (reading_) TOKURA_RETURN_IF_ERROR(Advance());
  if (at_end_) return uint64_t{0};
  Row row;  // of all that is not promoted
  std::vector<Record> candidates;
  std::string key(KeyOf(next_.body));
  uint64_t rows = 0;
  for (; !at_end_ && KeyOf(next_.body) == key; ++rows) {
    TOKURA_RETURN_IF_ERROR(Take(&row, &candidates));
    TOKURA_RETURN_IF_ERROR(Advance());
  }
  candidates = WinnersOf(std::move(candidates), std::move(row), group_.merge);
  for (Record& record : candidates) winners_.push_back(std::move(record));
  last_key_ = std::move(key);
  return rows;
}

Status Promotion::Take(Row* row, std::vector<Record>* candidates) const {
  TOKURA_ASSIGN_OR_RETURN(Record next, DecodeRecord(next_.body));
  const bool may_be_promoted =
      next.stores == Stores::kOffline &&
      (options_.origins.empty() || options_.origins.contains(std::string(next_.place.origin)));
  if (!may_be_promoted) {
    MergeRecord(next, group_.merge, row);
  } else if (std::optional<Record> record = ForOnline(std::move(next))) {
    candidates->push_back(*std::move(record));
    if (candidates->size() > kCandidatesMax) {
      *candidates = WinnersOf(std::move(*candidates), {}, group_.merge);
    }
  }
  return OkStatus();
}

// nullopt: nothing of it is online.
std::optional<Record> Promotion::ForOnline(Record record) const {
  record.stores = Stores::kOnline;
  if (group_.ttl_us && record.ttl_us) record.ttl_us = std::min(*record.ttl_us, *group_.ttl_us);
  std::erase_if(record.cells, [this](const Cell& cell) {
    const Feature* feature = group_.FindFeature(cell.feature);
    return feature == nullptr || feature->dropped || !feature->online;
  });
  const bool says_something =
      record.delete_row || group_.merge == MergeMode::kRecord || !record.cells.empty();
  return says_something ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace tokura::offline
