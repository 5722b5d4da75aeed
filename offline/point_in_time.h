// Point-in-time join of one feature group: for each spine row the values of its features as they
// were at the row's time. Pure but for reading the table's files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/schema.h"
#include "core/status.h"
#include "core/value.h"
#include "offline/table.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// The values of one feature over the spine, packed by kind; null until set.
class SpineColumn {
 public:
  SpineColumn(const Type& type, size_t rows);
  void Set(size_t row, const Value& value);
  Value At(size_t row) const;
  bool has(size_t row) const { return has_[row] != 0; }
  const Type& type() const { return type_; }
  size_t size() const { return has_.size(); }

 private:
  enum class Storage { kIntegers, kFloats, kTexts, kValues };
  static Storage StorageOf(const Type& type);

  Type type_;
  Storage storage_;
  std::vector<uint8_t> has_;
  std::vector<int64_t> integers_;  // bool, int32, int64, timestamp
  std::vector<double> floats_;
  std::vector<std::string> texts_;  // string, bytes
  std::vector<Value> values_;       // lists, vectors
};

struct SpineKeys {
  std::vector<std::string> row_keys;  // encoded, of this group; empty: none
  const std::vector<std::optional<int64_t>>* times_us = nullptr;  // of the same rows
};

// Sets `columns` (one a feature of `features`, of the spine's length). A value that the group does
// not have at that time is the feature's default, else stays null; so it is in rows without key or
// time. `on_rows` is told the number of history rows read, now and then.
Status JoinGroup(runtime::FileSystem& files, const Table& table, const FeatureGroup& group,
                 const std::vector<const Feature*>& features, const SpineKeys& spine,
                 const std::function<void(uint64_t)>& on_rows, std::vector<SpineColumn>* columns);

// History rows that JoinGroup would read at most.
uint64_t RowsToRead(const Table& table, const FeatureGroup& group, const SpineKeys& spine);

}  // namespace tokura::offline
