// ChangeStream: the changes of a made-up feature group, as they come in over a week: sessions of a
// million users, a few of them late, written again by a client that was not answered, partial, or
// deletes. The same for the same seed. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/record_writer.h"
#include "core/schema.h"

namespace tokura::bench {

// "bench/sessions@1": key `user_id` (18 bytes of text), six features of as many types, a partition
// a day.
FeatureGroup SessionsGroup();
inline constexpr size_t kSessionFeatures = 6;

struct Change {
  std::string user_id;
  int64_t event_time_us = 0;
  int64_t write_time_us = 0;  // ascends
  WriteId write_id;
  bool delete_row = false;
  std::array<CellState, kSessionFeatures> states{};  // kDelete: not named
  int64_t clicks = 0;
  double spend = 0;
  float score = 0;
  std::string segment;
  int64_t last_seen_us = 0;
  bool is_member = false;
  std::string body;  // canonical bytes of its record
};

class ChangeStream {
 public:
  // `changes`: how many there will be; `users`: of how many.
  ChangeStream(uint64_t changes, uint64_t users, uint64_t seed);
  // Valid until the next call. REQUIRES: fewer than `changes` calls.
  const Change& Next();

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  double Unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  void Make(Change* change);
  void Encode(Change* change);

  const FeatureGroup group_;
  const uint64_t users_;
  const int64_t step_us_;  // between two writes, on average
  std::mt19937_64 random_;
  WriteIdMaker write_ids_;
  RecordWriter writer_;
  std::vector<Change> recent_;  // what may be written again
  size_t newest_ = 0;
  int64_t now_us_;
};

}  // namespace tokura::bench
