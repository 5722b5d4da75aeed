#include "tests/scenarios/oracle.h"

#include <limits>
#include <tuple>

#include "core/record.h"

namespace tokura::scenarios {
namespace {

int64_t TtlOrder(const std::optional<int64_t>& ttl_us) {
  return ttl_us ? *ttl_us : std::numeric_limits<int64_t>::max();
}

std::string CanonicalBytes(const Value& value) {
  std::string bytes;
  AppendCanonicalValue(value, &bytes);
  return bytes;
}

// How the writes to one feature, or to one row in record mode, are ordered. The greatest decides.
using Rank = std::tuple<int64_t, uint64_t, int, std::string, int64_t>;

// 0 delete, 1 null, 2 value; nullopt if `write` says nothing about the feature.
std::optional<Rank> RankForFeature(const OracleWrite& write, const std::string& feature) {
  if (write.delete_row || write.deleted.contains(feature)) {
    return Rank{write.event_time_us, write.id_prefix, 0, "", 0};
  }
  const auto cell = write.values.find(feature);
  if (cell == write.values.end()) return std::nullopt;
  if (cell->second.is_null()) {
    return Rank{write.event_time_us, write.id_prefix, 1, "", TtlOrder(write.ttl_us)};
  }
  return Rank{write.event_time_us, write.id_prefix, 2, CanonicalBytes(cell->second),
              TtlOrder(write.ttl_us)};
}

// Record mode: the test never makes two different writes of one version, so two ranks suffice.
Rank RankForRow(const OracleWrite& write) {
  return {write.event_time_us, write.id_prefix, write.delete_row ? 0 : 1, "",
          TtlOrder(write.ttl_us)};
}

std::optional<int64_t> TtlOf(const FeatureGroup& group, const Feature& feature,
                             const OracleWrite& write) {
  std::optional<int64_t> ttl = write.ttl_us;
  if (!ttl) ttl = feature.ttl_us;
  if (!ttl) ttl = group.ttl_us;
  if (ttl && group.ttl_us && *ttl > *group.ttl_us) ttl = group.ttl_us;
  return ttl;
}

}  // namespace

void Oracle::Write(const std::string& group, const std::string& key, OracleWrite write) {
  writes_[group][key].push_back(std::move(write));
}

OracleAnswer Oracle::Online(const FeatureGroup& group, const std::string& key,
                            const Feature& feature, int64_t now_us) const {
  return Answer(View::kOnline, group, key, feature, now_us);
}

OracleAnswer Oracle::Training(const FeatureGroup& group, const std::string& key,
                              const Feature& feature, int64_t t) const {
  return Answer(View::kTraining, group, key, feature, t);
}

OracleAnswer Oracle::Answer(View view, const FeatureGroup& group, const std::string& key,
                            const Feature& feature, int64_t now_us) const {
  const auto by_key = writes_.find(group.name);
  if (by_key == writes_.end()) return {};
  const auto list = by_key->second.find(key);
  if (list == by_key->second.end()) return {};
  const OracleWrite* best = nullptr;
  Rank best_rank;
  for (const OracleWrite& write : list->second) {
    if (view == View::kOnline ? !write.online : !write.offline) continue;
    if (view == View::kTraining && write.event_time_us > now_us) continue;
    const std::optional<Rank> rank = group.merge == MergeMode::kCell
                                         ? RankForFeature(write, feature.name)
                                         : std::optional(RankForRow(write));
    if (!rank || (best != nullptr && *rank <= best_rank)) continue;
    best = &write;
    best_rank = *rank;
  }
  if (best == nullptr || best->delete_row || best->deleted.contains(feature.name)) return {};
  const auto cell = best->values.find(feature.name);
  if (cell == best->values.end()) return {};  // record mode: unset
  const std::optional<int64_t> ttl = TtlOf(group, feature, *best);
  if (ttl && best->event_time_us + *ttl <= now_us) {
    return {ReadStatus::kExpired, Value(), best->event_time_us};
  }
  if (cell->second.is_null()) return {ReadStatus::kNull, Value(), best->event_time_us};
  return {ReadStatus::kPresent, cell->second, best->event_time_us};
}

}  // namespace tokura::scenarios
