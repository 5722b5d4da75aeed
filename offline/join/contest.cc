#include "offline/join/contest.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <arrow/array/array_primitive.h>
#include <arrow/util/byte_size.h>

#include "core/big_endian.h"
#include "core/visibility.h"
#include "offline/records/array_values.h"

namespace tokura::offline {
namespace {

WriteId WriteIdOf(uint64_t prefix) {
  WriteId id;
  PutBigEndian(prefix, id.bytes.data());
  return id;
}

}  // namespace

uint64_t Takings::bytes() const {
  auto bytes = static_cast<int64_t>(says.size() * sizeof(Says));
  if (ttls != nullptr) bytes += arrow::util::TotalBufferSize(*ttls);
  for (const auto& column : values) {
    if (column != nullptr) bytes += arrow::util::TotalBufferSize(*column);
  }
  return static_cast<uint64_t>(bytes);
}

Contest::Contest(const FeatureGroup& group, const std::vector<const Feature*>& features,
                 bool has_cells, size_t rows, uint64_t bytes_max)
    : group_(group),
      features_(features),
      has_cells_(has_cells),
      rows_(rows),
      bytes_max_(bytes_max),
      all_(rows),
      lanes_(features.size()) {
  for (const Feature* feature : features) {
    ttls_us_.push_back(group.EffectiveTtl(*feature, std::nullopt));
  }
}

Contest::Lane& Contest::LaneOf(uint32_t lane) {
  if (lane == kAll) return all_;
  if (lanes_[lane].empty()) lanes_[lane].resize(rows_);
  return lanes_[lane];
}

Lacking Contest::Sift(bool with_write_ids, std::vector<Candidate>* candidates) {
  const std::lock_guard lock(mutex_);
  Lacking lacking = Lacking::kNothing;
  const auto loses = [&](const Candidate& candidate) {
    const Holder& holder = LaneOf(candidate.lane)[candidate.bucket];
    if (holder.takings == kNone) return false;
    if (candidate.event_time_us != holder.event_time_us) {
      return candidate.event_time_us < holder.event_time_us;
    }
    if (!takings_[holder.takings]->has_write_ids) {
      lacking = Lacking::kIds;
    } else if (!with_write_ids) {
      lacking = std::max(lacking, Lacking::kIdsOfCandidates);
    }
    return candidate.write_prefix < holder.write_prefix;
  };
  std::erase_if(*candidates, loses);
  return lacking;
}

Lacking Contest::Enter(const std::vector<Candidate>& candidates, std::unique_ptr<Takings> takings) {
  const std::lock_guard lock(mutex_);
  const auto number = static_cast<uint32_t>(takings_.size());
  bytes_ += takings->bytes();
  takings_.push_back(std::move(takings));
  held_.push_back(1);  // until all have entered
  Lacking lacking = Lacking::kNothing;
  for (size_t i = 0; i < candidates.size() && lacking == Lacking::kNothing; ++i) {
    const Candidate& candidate = candidates[i];
    lacking =
        Offer(candidate.lane, candidate.bucket,
              {candidate.event_time_us, candidate.write_prefix, number, static_cast<uint32_t>(i)});
  }
  Release(number);
  return lacking == Lacking::kNothing && bytes_ > bytes_max_ ? Lacking::kMemory : lacking;
}

Lacking Contest::Offer(uint32_t lane, size_t bucket, const Holder& challenger) {
  Holder& holder = LaneOf(lane)[bucket];
  if (holder.takings == kNone || challenger.event_time_us > holder.event_time_us) {
    Replace(&holder, challenger);
    return Lacking::kNothing;
  }
  if (challenger.event_time_us < holder.event_time_us) return Lacking::kNothing;
  if (challenger.takings == holder.takings && challenger.row == holder.row) {
    return Lacking::kNothing;
  }
  if (!takings_[challenger.takings]->has_write_ids || !takings_[holder.takings]->has_write_ids) {
    return Lacking::kIds;
  }
  if (challenger.write_prefix != holder.write_prefix) {
    if (challenger.write_prefix > holder.write_prefix) Replace(&holder, challenger);
    return Lacking::kNothing;
  }
  if (lane == kAll && group_.merge == MergeMode::kCell) {
    // Of one feature this record may be the higher, of another that one.
    for (uint32_t feature = 0; feature < features_.size(); ++feature) {
      const Lacking lacking = Offer(feature, bucket, challenger);
      if (lacking != Lacking::kNothing) return lacking;
    }
    return Lacking::kNothing;
  }
  if (group_.merge == MergeMode::kRecord && !has_cells_) return Lacking::kCells;
  if (BeatsByContent(lane, challenger, holder)) Replace(&holder, challenger);
  return Lacking::kNothing;
}

void Contest::Replace(Holder* holder, const Holder& by) {
  ++held_[by.takings];
  if (holder->takings != kNone) Release(holder->takings);
  *holder = by;
}

void Contest::Release(uint32_t takings) {
  if (--held_[takings] > 0) return;
  bytes_ -= takings_[takings]->bytes();
  takings_[takings].reset();
}

bool Contest::BeatsByContent(uint32_t lane, const Holder& challenger, const Holder& holder) const {
  Row row;
  MergeRecord(RecordOf(lane, holder), group_.merge, &row);
  return MergeRecord(RecordOf(lane, challenger), group_.merge, &row);
}

// What the record says on this lane; its key does not matter.
Record Contest::RecordOf(uint32_t lane, const Holder& holder) const {
  const Takings& takings = *takings_[holder.takings];
  Record record;
  record.event_time_us = holder.event_time_us;
  record.write_id = WriteIdOf(holder.write_prefix);
  if (takings.ttls != nullptr && takings.ttls->IsValid(holder.row)) {
    record.ttl_us = takings.ttls->Value(holder.row);
  }
  for (size_t f = 0; f < features_.size(); ++f) {
    if (lane != kAll && lane != f) continue;
    const Says says = takings.Of(holder.row, f);
    if (says == Says::kNothing) continue;
    if (says == Says::kDeletesRow && lane == kAll) {
      record.delete_row = true;
      return record;
    }
    Cell cell{features_[f]->id, CellState::kDelete, {}};
    if (says == Says::kWrites) {
      if (takings.values[f] != nullptr) {
        cell.value = offline::ValueAt(*takings.values[f], holder.row, features_[f]->type);
      }
      cell.state = cell.value.is_null() ? CellState::kNull : CellState::kValue;
    }
    record.cells.push_back(std::move(cell));
  }
  std::sort(record.cells.begin(), record.cells.end(),
            [](const Cell& a, const Cell& b) { return a.feature < b.feature; });
  return record;
}

Lacking Contest::Finish(const SpineChunk& chunk) {
  std::vector<uint32_t> lanes{kAll};
  for (uint32_t feature = 0; feature < features_.size(); ++feature) lanes.push_back(feature);
  for (const uint32_t lane : lanes) {
    if (lane != kAll && lanes_[lane].empty()) continue;
    for (size_t key = 0; key < chunk.keys(); ++key) {
      for (size_t i = chunk.first(key) + 1; i < chunk.end(key); ++i) {
        const Holder before = LaneOf(lane)[i - 1];
        if (before.takings == kNone) continue;
        const Lacking lacking = Offer(lane, i, before);
        if (lacking != Lacking::kNothing) return lacking;
      }
    }
  }
  // Ties between what won everything and what won one feature.
  for (uint32_t feature = 0; feature < features_.size(); ++feature) {
    if (lanes_[feature].empty()) continue;
    for (size_t i = 0; i < rows_; ++i) {
      if (all_[i].takings == kNone) continue;
      const Lacking lacking = Offer(feature, i, Holder(all_[i]));
      if (lacking != Lacking::kNothing) return lacking;
    }
  }
  return Lacking::kNothing;
}

std::optional<Contest::Place> Contest::ValueAt(size_t row, size_t feature, int64_t now_us) const {
  const Holder& holder = lanes_[feature].empty() ? all_[row] : lanes_[feature][row];
  if (holder.takings == kNone) return std::nullopt;
  const Takings& takings = *takings_[holder.takings];
  if (takings.Of(holder.row, feature) != Says::kWrites) return std::nullopt;
  std::optional<int64_t> ttl_us = ttls_us_[feature];
  if (takings.ttls != nullptr && takings.ttls->IsValid(holder.row)) {
    ttl_us = group_.EffectiveTtl(*features_[feature], takings.ttls->Value(holder.row));
  }
  if (ttl_us && IsExpired(holder.event_time_us, *ttl_us, now_us)) return std::nullopt;
  return Place{holder.takings, holder.row};
}

}  // namespace tokura::offline
