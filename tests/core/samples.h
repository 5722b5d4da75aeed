// What the tests of core/ share: one group with a feature of every type, hex, and seeded random
// values and records drawn from pools small enough that ties are common.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/hex.h"
#include "core/record.h"
#include "core/row.h"
#include "core/schema.h"

namespace tokura {

// Blanks and line ends are ignored. REQUIRES: hexadecimal text else.
inline std::string FromHex(std::string_view hex) {
  std::string digits(hex);
  std::erase_if(digits, [](char c) { return c == ' ' || c == '\n'; });
  return DecodeHex(digits).value();
}

inline Type TypeOf(std::string_view text) { return *ParseType(text); }

// Features get ids 1, 2, 3, ... in this order.
inline FeatureGroup GroupOf(const std::vector<std::string>& types,
                            MergeMode merge = MergeMode::kCell) {
  FeatureGroup group;
  group.id = GroupId(7);
  group.project = "flights";
  group.name = "weather";
  group.merge = merge;
  group.entity = {"airport", "", {{"origin", TypeOf("string")}}, 1};
  for (const std::string& type : types) {
    Feature feature;
    feature.id = FeatureId(static_cast<uint32_t>(group.features.size()) + 1);
    feature.name = "f" + std::to_string(feature.id.value);
    feature.type = TypeOf(type);
    group.features.push_back(feature);
  }
  return group;
}

inline FeatureGroup GroupOfEveryType(MergeMode merge = MergeMode::kCell) {
  FeatureGroup group =
      GroupOf({"bool", "int32", "int64", "float32", "float64", "string", "bytes", "timestamp",
               "list<string>", "list<float64>", "list<bool>", "vector<float32, 3>"},
              merge);
  group.ttl_us = 1'000;
  group.features[1].ttl_us = 300;
  group.features[5].ttl_us = 700;
  return group;
}

inline WriteId WriteIdOf(uint64_t prefix, uint8_t rest = 0) {
  WriteId id;
  for (size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<uint8_t>(prefix >> (56 - 8 * i));
  for (size_t i = 8; i < 16; ++i) id.bytes[i] = rest;
  return id;
}

class Samples {
 public:
  explicit Samples(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t n) { return random_() % n; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename T>
  T Pick(const std::vector<T>& pool) {
    return pool[Below(pool.size())];
  }

  Value Scalar(Kind kind) {
    switch (kind) {
      case Kind::kBool:
        return OneIn(2);
      case Kind::kInt32:
        return Pick<int64_t>({0, 1, -1, INT32_MIN, INT32_MAX});
      case Kind::kInt64:
        return Pick<int64_t>({0, 1, -1, INT64_MIN, INT64_MAX, int64_t{1} << 40});
      case Kind::kFloat32:
        return Pick<double>({0.0, -0.0, 1.5, NAN, INFINITY, -INFINITY, 0x1p-149});
      case Kind::kFloat64:
        return Pick<double>({0.0, -0.0, 39.02, NAN, INFINITY, 1e300, 5e-324});
      case Kind::kString:
        return Pick<std::string>({"", "NE", "SSW", std::string("\0a", 2), "gr\xc3\xbc\xc3\x9f"});
      case Kind::kBytes:
        return Bytes{Pick<std::string>({"", "\xff\xfe", std::string("\0", 1), "abc"})};
      case Kind::kTimestamp:
        return Pick<Timestamp>({kMinTimestamp, Timestamp{0}, Timestamp{1}, kMaxTimestamp});
    }
    return {};
  }

  Value Any(const Type& type) {
    if (type.shape == Shape::kVector) {
      FloatVector vector(type.size);
      for (float& x : vector) x = Pick<float>({0.0F, -1.5F, NAN, INFINITY});
      return vector;
    }
    if (type.shape == Shape::kList) {
      List list(Below(3));
      for (Value& x : list) x = Scalar(type.kind);
      return list;
    }
    return Scalar(type.kind);
  }

  Record AnyRecord(const FeatureGroup& group) {
    Record record;
    record.key = FromHex("01000007 4a464b 0001");
    record.event_time_us = Pick<int64_t>({100, 200, 300, 400});
    record.write_id = WriteIdOf(Below(3), static_cast<uint8_t>(Below(2)));
    if (OneIn(2)) record.ttl_us = Pick<int64_t>({1, 150, 600, 5'000});
    record.stores = Pick<Stores>({Stores::kOnline, Stores::kBoth});
    record.delete_row = OneIn(8);
    if (record.delete_row) return record;
    for (const Feature& feature : group.features) {
      if (!OneIn(3)) continue;
      Cell cell{feature.id, CellState::kValue, {}};
      if (OneIn(5)) cell.state = CellState::kNull;
      if (group.merge == MergeMode::kCell && OneIn(6)) cell.state = CellState::kDelete;
      if (cell.state == CellState::kValue) cell.value = Any(feature.type);
      record.cells.push_back(std::move(cell));
    }
    return record;
  }

  std::vector<Record> Records(const FeatureGroup& group, size_t n) {
    std::vector<Record> records;
    while (records.size() < n) records.push_back(AnyRecord(group));
    return records;
  }

  // Changes, drops or doubles a few bytes.
  std::string Mutate(std::string bytes) {
    for (uint64_t i = 0; i <= Below(3); ++i) {
      if (bytes.empty()) return bytes;
      const size_t at = Below(bytes.size());
      const uint64_t way = Below(5);
      if (way < 2) bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
      if (way == 2) bytes[at] = static_cast<char>(Pick<int>({0, 1, 127, 128, 255}));
      if (way == 3) bytes.erase(at, 1 + Below(4));
      if (way == 4) bytes.insert(at, bytes.substr(at, 1 + Below(4)));
    }
    return bytes;
  }

  std::mt19937_64& random() { return random_; }

 private:
  std::mt19937_64 random_;
};

}  // namespace tokura
