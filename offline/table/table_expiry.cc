#include "offline/table/table_expiry.h"

#include <algorithm>
#include <set>

namespace tokura::offline {
namespace {

using iceberg::TableMetadata;
using iceberg::TableSnapshot;

constexpr size_t kNewestKept = 100;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kHourlyForMs = 5 * 24 * kHourMs;

int64_t HourOf(const TableSnapshot& snapshot) { return snapshot.timestamp_ms / kHourMs; }

std::set<int64_t> Named(const TableMetadata& metadata) {
  std::set<int64_t> named;
  if (metadata.current_snapshot_id) named.insert(*metadata.current_snapshot_id);
  for (const auto& [name, ref] : metadata.refs) named.insert(ref.snapshot_id);
  return named;
}

uint64_t KeepOnly(const std::set<int64_t>& keep, TableMetadata* metadata) {
  const auto is_gone = [&keep](int64_t id) { return !keep.contains(id); };
  const uint64_t gone =
      std::erase_if(metadata->snapshots, [&](const TableSnapshot& s) { return is_gone(s.id); });
  std::erase_if(metadata->statistics,
                [&](const iceberg::StatisticsFile& file) { return is_gone(file.snapshot_id); });
  // The log must not have a gap: it begins behind the last one that is gone.
  const auto last_gone =
      std::find_if(metadata->snapshot_log.rbegin(), metadata->snapshot_log.rend(),
                   [&](const auto& entry) { return is_gone(entry.second); });
  metadata->snapshot_log.erase(metadata->snapshot_log.begin(), last_gone.base());
  return gone;
}

}  // namespace

void ExpireByAge(TableMetadata* metadata) {
  const std::vector<TableSnapshot>& all = metadata->snapshots;
  if (all.size() <= kNewestKept) return;
  std::set<int64_t> keep = Named(*metadata);
  const int64_t hourly_from_ms = all.back().timestamp_ms - kHourlyForMs;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool newest = all.size() - i <= kNewestKept;
    const bool last_of_hour = i + 1 == all.size() || HourOf(all[i]) != HourOf(all[i + 1]);
    if (newest || (last_of_hour && all[i].timestamp_ms >= hourly_from_ms)) keep.insert(all[i].id);
  }
  (void)KeepOnly(keep, metadata);
}

uint64_t ExpireBefore(int64_t before_ms, TableMetadata* metadata) {
  std::set<int64_t> keep = Named(*metadata);
  for (const TableSnapshot& snapshot : metadata->snapshots) {
    if (snapshot.timestamp_ms >= before_ms) keep.insert(snapshot.id);
  }
  return KeepOnly(keep, metadata);
}

}  // namespace tokura::offline
