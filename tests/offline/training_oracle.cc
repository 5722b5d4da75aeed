#include "tests/offline/training_oracle.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "tests/offline/random_history.h"

namespace tokura::offline::testing {
namespace {

bool IsSeen(const HistoryRow& row, int64_t t, JoinMode mode, int64_t lag_us) {
  const Stores stores = row.record.stores;
  switch (mode) {
    case JoinMode::kEvent:
      return stores != Stores::kOnline && row.record.event_time_us <= t;
    case JoinMode::kKnown:
      return stores != Stores::kOnline && row.record.event_time_us <= t &&
             row.write_time_us <= t - lag_us;
    case JoinMode::kServed:
      return stores != Stores::kOffline && row.write_time_us <= t;
  }
  return false;
}

// The canonical bytes of a record that differs from others in its cells alone.
std::string CellsOf(const Record& record) {
  Record cells;
  cells.cells = record.cells;
  return CanonicalBytes(cells);
}

// A record without a TTL of its own counts as living longest.
int64_t TtlRank(const Record& record) {
  return record.ttl_us.value_or(std::numeric_limits<int64_t>::max());
}

}  // namespace

// Ordered as the merge rule orders: the highest decides.
struct TrainingOracle::Write {
  enum class Gives { kNothing, kNull, kValue };
  int64_t event_time_us = 0;
  uint64_t prefix = 0;
  int rank = 0;         // delete < NULL < value; of whole records delete < write
  std::string content;  // canonical bytes of what was written
  int64_t ttl_rank = 0;
  Gives gives = Gives::kNothing;
  std::optional<int64_t> ttl_us;
  Value value;
  bool operator<(const Write& other) const {
    return std::tie(event_time_us, prefix, rank, content, ttl_rank) <
           std::tie(other.event_time_us, other.prefix, other.rank, other.content, other.ttl_rank);
  }
};

TrainingOracle::TrainingOracle(const FeatureGroup& group, const std::vector<HistoryRow>& rows)
    : group_(group) {
  for (const HistoryRow& row : rows) by_key_[row.record.key].push_back(&row);
}

Value TrainingOracle::At(const std::string& key, int64_t t, const Feature& feature, JoinMode mode,
                         int64_t lag_us) const {
  std::optional<Write> best;
  if (const auto rows = by_key_.find(key); rows != by_key_.end()) {
    for (const HistoryRow* row : rows->second) {
      if (!IsSeen(*row, t, mode, lag_us)) continue;
      std::optional<Write> write = WriteOf(row->record, feature);
      if (write && (!best || *best < *write)) best = std::move(write);
    }
  }
  const Value otherwise = feature.default_value.value_or(Value());
  if (!best || best->gives == Write::Gives::kNothing) return otherwise;
  if (best->ttl_us && best->event_time_us + *best->ttl_us <= t) return otherwise;
  return best->value;
}

// nullopt: says nothing of the feature.
std::optional<TrainingOracle::Write> TrainingOracle::WriteOf(const Record& record,
                                                             const Feature& feature) const {
  Write write;
  write.event_time_us = record.event_time_us;
  write.prefix = record.write_id.prefix();
  if (record.delete_row) return write;
  const auto cell = std::find_if(record.cells.begin(), record.cells.end(),
                                 [&](const Cell& c) { return c.feature == feature.id; });
  const bool named = cell != record.cells.end();
  if (group_.merge == MergeMode::kRecord) {
    write.rank = 1;
    write.content = CellsOf(record);
    write.ttl_rank = TtlRank(record);
  } else if (named) {
    write.rank = static_cast<int>(cell->state);
    if (cell->state == CellState::kValue) AppendCanonicalValue(cell->value, &write.content);
    if (cell->state != CellState::kDelete) write.ttl_rank = TtlRank(record);
  } else {
    return std::nullopt;
  }
  if (!named || cell->state == CellState::kDelete) return write;
  write.gives = cell->state == CellState::kNull ? Write::Gives::kNull : Write::Gives::kValue;
  write.value = cell->value;
  write.ttl_us = record.ttl_us ? record.ttl_us : feature.ttl_us ? feature.ttl_us : group_.ttl_us;
  if (group_.ttl_us && write.ttl_us) write.ttl_us = std::min(*write.ttl_us, *group_.ttl_us);
  return write;
}

}  // namespace tokura::offline::testing
