// Random groups, records and rows from a seed, for the tests of offline/.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/schema.h"
#include "offline/records/data_file.h"

namespace tokura::offline::testing {

class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t n) { return random_() % n; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  Value ValueOf(const Type& type);
  // A write, a delete of cells or a delete of the row; `keys` different keys.
  Record RecordOf(const FeatureGroup& group, uint64_t keys, int64_t event_time_us);
  HistoryRow RowOf(const FeatureGroup& group, uint64_t keys, int64_t event_time_us);

 private:
  Value ScalarOf(Kind kind);
  uint64_t next_write_ = 0;
  int64_t next_seq_ = 0;
  std::mt19937_64 random_;
};

// Key columns of every key type, one feature of every type of values.
FeatureGroup GroupOfAllTypes();
// "shop/prices@1": key `item` string; features `price` float64 (id 1) and `stock` int64 (id 2).
FeatureGroup PricesGroup();
std::string KeyOf(const FeatureGroup& group, const std::string& item);
HistoryRow PriceRow(const std::string& item, int64_t event_time_us, double price, uint64_t write,
                    int64_t seq);

// By key, event_time, write id: the order of data files.
void SortForFile(std::vector<HistoryRow>* rows);
std::string CanonicalBytes(const Record& record);

inline constexpr int64_t kHourUs = 3'600'000'000;
inline constexpr int64_t kDayUs = 24 * kHourUs;
inline constexpr int64_t kNoonUs = 1'767'268'800'000'000;  // 2026-01-01T12:00:00Z

}  // namespace tokura::offline::testing
