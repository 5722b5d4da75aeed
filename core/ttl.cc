#include <algorithm>

#include "core/canonical.h"
#include "core/limits.h"
#include "core/row.h"
#include "core/visibility.h"

namespace tokura {
namespace {

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

int64_t SaturatingSubtract(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b > 0 ? INT64_MIN : INT64_MAX;
}

}  // namespace

std::string_view ReadStatusName(ReadStatus status) {
  switch (status) {
    case ReadStatus::kPresent:
      return "PRESENT";
    case ReadStatus::kNull:
      return "NULL";
    case ReadStatus::kNotFound:
      return "NOT_FOUND";
    case ReadStatus::kExpired:
      return "EXPIRED";
    case ReadStatus::kStale:
      return "STALE";
    case ReadStatus::kUnknown:
      return "UNKNOWN";
    case ReadStatus::kDenied:
      return "DENIED";
  }
  return "UNKNOWN";
}

ReadStatus Visibility::StatusOf(CellState state, int64_t event_time_us,
                                std::optional<int64_t> record_ttl_us) const {
  if (state == CellState::kDelete) return ReadStatus::kNotFound;
  const std::optional<int64_t> ttl_us = group.EffectiveTtl(feature, record_ttl_us);
  if (ttl_us && IsExpired(event_time_us, *ttl_us, now_us)) return ReadStatus::kExpired;
  if (max_staleness_us && SaturatingSubtract(now_us, event_time_us) > *max_staleness_us) {
    return ReadStatus::kStale;
  }
  return state == CellState::kNull ? ReadStatus::kNull : ReadStatus::kPresent;
}

int64_t Visibility::PresentSinceUs() const {
  int64_t since = INT64_MIN;
  const std::optional<int64_t> ttl_us = group.EffectiveTtl(feature, std::nullopt);
  if (ttl_us) since = SaturatingAdd(SaturatingSubtract(now_us, *ttl_us), 1);
  if (max_staleness_us) since = std::max(since, SaturatingSubtract(now_us, *max_staleness_us));
  return since;
}

CellView ReadCell(const Row* row, const FeatureGroup& group, const Feature& feature, int64_t now_us,
                  std::optional<int64_t> max_staleness_us) {
  CellView view;
  if (row == nullptr || feature.dropped) return view;
  const auto cell = std::lower_bound(
      row->cells.begin(), row->cells.end(), feature.id,
      [](const RowCell& c, FeatureId feature_id) { return c.feature < feature_id; });
  if (cell == row->cells.end() || cell->feature != feature.id) return view;
  view.status = Visibility{group, feature, now_us, max_staleness_us}.StatusOf(
      cell->state, cell->version.event_time_us, cell->ttl_us);
  if (view.status == ReadStatus::kNotFound) return view;
  if (cell->state == CellState::kValue && !IsOfType(cell->value, feature.type)) {
    view.status = ReadStatus::kUnknown;
    return view;
  }
  view.event_time_us = cell->version.event_time_us;
  if (view.status == ReadStatus::kPresent) view.value = &cell->value;
  return view;
}

std::optional<int64_t> HorizonUs(const FeatureGroup& group, int64_t watermark_us) {
  if (!group.ttl_us) return std::nullopt;
  return SaturatingSubtract(SaturatingSubtract(watermark_us, *group.ttl_us), kPurgeGraceUs);
}

}  // namespace tokura
