#include "bench/history/change_stream.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/key_codec.h"

namespace tokura::bench {
namespace {

constexpr int64_t kBeginUs = 1'767'225'600'000'000;  // 2026-01-01
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kHourUs = 3'600 * kSecondUs;
constexpr int64_t kWeekUs = 7 * 24 * kHourUs;
constexpr size_t kRecent = 4'096;
constexpr uint64_t kSegments = 50;

// Chances of one in so many.
constexpr uint64_t kWrittenAgain = 50;
constexpr uint64_t kLate = 200;
constexpr uint64_t kPartial = 20;
constexpr uint64_t kNull = 100;
constexpr uint64_t kDeletes = 1'000;

}  // namespace

FeatureGroup SessionsGroup() {
  FeatureGroup group;
  group.id = GroupId(1);
  group.project = "bench";
  group.name = "sessions";
  group.entity.name = "user";
  group.entity.keys = {{"user_id", {Kind::kString}}};
  group.entity.partition_key_count = 1;
  const auto add = [&group](const char* name, Kind kind) {
    Feature feature;
    feature.id = FeatureId(static_cast<uint32_t>(group.features.size() + 1));
    feature.name = name;
    feature.type = {kind};
    group.features.push_back(std::move(feature));
  };
  add("clicks_7d", Kind::kInt64);
  add("spend_30d", Kind::kFloat64);
  add("score", Kind::kFloat32);
  add("segment", Kind::kString);
  add("last_seen", Kind::kTimestamp);
  add("is_member", Kind::kBool);
  return group;
}

ChangeStream::ChangeStream(uint64_t changes, uint64_t users, uint64_t seed)
    : group_(SessionsGroup()),
      users_(users),
      step_us_(std::max<int64_t>(kWeekUs / static_cast<int64_t>(changes), 2)),
      random_(seed),
      recent_(kRecent),
      now_us_(kBeginUs) {}

const Change& ChangeStream::Next() {
  now_us_ += 1 + static_cast<int64_t>(Below(static_cast<uint64_t>(2 * step_us_ - 1)));
  if (Below(kWrittenAgain) == 0) {
    Change& again = recent_[Below(kRecent)];
    if (!again.body.empty()) {
      again.write_time_us = now_us_;
      return again;
    }
  }
  newest_ = (newest_ + 1) % kRecent;
  Change& change = recent_[newest_];
  change.write_time_us = now_us_;
  Make(&change);
  Encode(&change);
  return change;
}

void ChangeStream::Make(Change* change) {
  // A few users do most of it.
  const double skewed = Unit();
  char user_id[32];
  std::snprintf(user_id, sizeof user_id, "user-%013llu",
                static_cast<unsigned long long>(skewed * skewed * static_cast<double>(users_)));
  change->user_id = user_id;
  const int64_t delay_us = Below(kLate) == 0
                               ? static_cast<int64_t>(Below(6 * kHourUs))
                               : static_cast<int64_t>(-std::log(1 - Unit()) * 2 * kSecondUs);
  change->event_time_us = (now_us_ - delay_us) / 1'000 * 1'000;
  change->write_id = write_ids_.Next(now_us_, random_());
  change->delete_row = Below(kDeletes) == 0;
  const bool partial = Below(kPartial) == 0;
  for (CellState& state : change->states) {
    const bool left_out = change->delete_row || (partial && Below(2) == 0);
    state = left_out            ? CellState::kDelete
            : Below(kNull) == 0 ? CellState::kNull
                                : CellState::kValue;
  }
  change->clicks = static_cast<int64_t>(-std::log(1 - Unit()) * 30);
  change->spend = std::round(-std::log(1 - Unit()) * 6'000) / 100;
  change->score = static_cast<float>(Unit());
  change->segment = "segment-" + std::to_string(Below(kSegments));
  change->last_seen_us = change->event_time_us - static_cast<int64_t>(Below(kWeekUs));
  change->is_member = Below(3) == 0;
}

void ChangeStream::Encode(Change* change) {
  const auto named = std::count_if(change->states.begin(), change->states.end(),
                                   [](CellState state) { return state != CellState::kDelete; });
  std::string key = RowKeyHeader(group_.id);
  AppendKeyColumn(Value(change->user_id), &key);
  if (change->delete_row) {
    Record record;
    record.key = std::move(key);
    record.event_time_us = change->event_time_us;
    record.write_id = change->write_id;
    record.delete_row = true;
    change->body.clear();
    EncodeRecord(record, &change->body);
    return;
  }
  writer_.Begin({.event_time_us = change->event_time_us,
                 .write_id = change->write_id,
                 .ttl_us = std::nullopt,
                 .key = key,
                 .cells = static_cast<size_t>(named)});
  bool added = true;
  for (size_t i = 0; i < kSessionFeatures; ++i) {
    const Feature& feature = group_.features[i];
    if (change->states[i] == CellState::kDelete) continue;
    if (change->states[i] == CellState::kNull) {
      writer_.AddNull(feature);
      continue;
    }
    switch (feature.type.kind) {
      case Kind::kInt64:
        added &= writer_.AddInt(feature, change->clicks);
        break;
      case Kind::kFloat64:
        added &= writer_.AddFloat(feature, change->spend);
        break;
      case Kind::kFloat32:
        added &= writer_.AddFloat(feature, static_cast<double>(change->score));
        break;
      case Kind::kString:
        added &= writer_.AddText(feature, change->segment);
        break;
      case Kind::kTimestamp:
        added &= writer_.AddTimestamp(feature, change->last_seen_us);
        break;
      default:
        added &= writer_.AddBool(feature, change->is_member);
    }
  }
  TOKURA_CHECK(added);
  change->body = writer_.record();
}

}  // namespace tokura::bench
