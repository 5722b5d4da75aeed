// The data model by definition: keeps every record it was given and looks through all of them for
// each answer. Slow, and shares nothing with the merge but the canonical bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"

namespace tokura {

struct OracleAnswer {
  ReadStatus status = ReadStatus::kNotFound;
  std::optional<int64_t> event_time_us;
  Value value;  // of PRESENT
};

class Oracle {
 public:
  explicit Oracle(const FeatureGroup& group) : group_(group) {}

  void Add(const Record& record) { records_.push_back(record); }

  OracleAnswer Read(const Feature& feature, int64_t now_us,
                    std::optional<int64_t> max_staleness_us) const {
    const std::optional<Write> winner =
        group_.merge == MergeMode::kCell ? WinnerOfFeature(feature.id) : WinnerOfRow(feature.id);
    OracleAnswer answer;
    if (!winner || winner->cell == nullptr || winner->cell->state == CellState::kDelete) {
      return answer;
    }
    const int64_t event_time = winner->record->event_time_us;
    answer.event_time_us = event_time;
    const bool is_null = winner->cell->state == CellState::kNull;
    answer.status = is_null ? ReadStatus::kNull : ReadStatus::kPresent;
    if (max_staleness_us && now_us - event_time > *max_staleness_us) {
      answer.status = ReadStatus::kStale;
    }
    const int64_t ttl = Ttl(feature, *winner->record);
    if (ttl != kForever && event_time + ttl <= now_us) answer.status = ReadStatus::kExpired;
    if (answer.status == ReadStatus::kPresent) answer.value = winner->cell->value;
    return answer;
  }

 private:
  static constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

  // event time, prefix of the write id, what it does, canonical bytes, ttl
  using Rank = std::tuple<int64_t, uint64_t, int, std::string, int64_t>;
  struct Write {
    Rank rank;
    const Record* record;
    const Cell* cell;  // null: the feature is not in it
  };

  static Rank RankOf(const Record& record, int what, std::string bytes) {
    return {record.event_time_us, record.write_id.prefix(), what, std::move(bytes),
            record.ttl_us.value_or(kForever)};
  }
  static const Cell* CellOf(const Record& record, FeatureId feature) {
    for (const Cell& cell : record.cells) {
      if (cell.feature == feature) return &cell;
    }
    return nullptr;
  }
  static void Compete(Write write, std::optional<Write>* best) {
    if (!*best || write.rank > (*best)->rank) *best = std::move(write);
  }

  std::optional<Write> WinnerOfFeature(FeatureId feature) const {
    std::optional<Write> best;
    for (const Record& record : records_) {
      const Cell* cell = CellOf(record, feature);
      if (record.delete_row) Compete({RankOf(record, 0, ""), &record, nullptr}, &best);
      if (cell == nullptr) continue;
      std::string bytes;
      if (cell->state == CellState::kValue) AppendCanonicalValue(cell->value, &bytes);
      Compete({RankOf(record, static_cast<int>(cell->state), bytes), &record, cell}, &best);
    }
    return best;
  }

  std::optional<Write> WinnerOfRow(FeatureId feature) const {
    std::optional<Write> best;
    for (const Record& record : records_) {
      // The same header for all, so that only the cells decide.
      Record bare;
      bare.cells = record.cells;
      std::string bytes;
      EncodeRecord(bare, &bytes);
      Compete({RankOf(record, record.delete_row ? 0 : 1, bytes), &record, CellOf(record, feature)},
              &best);
    }
    return best;
  }

  int64_t Ttl(const Feature& feature, const Record& record) const {
    int64_t ttl = kForever;
    if (feature.ttl_us) ttl = *feature.ttl_us;
    if (record.ttl_us) ttl = *record.ttl_us;
    return std::min(ttl, group_.ttl_us.value_or(kForever));
  }

  const FeatureGroup& group_;
  std::vector<Record> records_;
};

}  // namespace tokura
