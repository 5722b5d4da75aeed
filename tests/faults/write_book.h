// WriteBook: every write that a trial tried, and what may be said of it. Checks what a node serves
// against the data model by definition (tests/core/oracle.h), with all that is not known left open.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/definitions.h"
#include "core/record.h"
#include "core/row.h"

namespace tokura::faults {

class WriteBook {
 public:
  enum class Fate : uint8_t {
    kHeld,     // acknowledged, or seen in the log after a restart: must never be lost
    kUnknown,  // may be there or not
    kGone,     // refused, or found lost when it might be: must never appear
  };

  // `acknowledged_us` of a write that was acknowledged, else 0.
  void Add(const Record& record, Fate fate, int64_t acknowledged_us);
  // The power was cut, and what was acknowledged after `us` may be lost with it.
  void Doubt(int64_t us);
  // The log, whole, after a restart: settles what was unknown. "" or what is wrong.
  std::string Settle(const std::vector<std::string>& bodies);

  struct Cell {
    ReadStatus status = ReadStatus::kUnknown;
    Value value;
  };
  // What a read of all `features` of one row gave. "" or what is wrong.
  std::string CheckRow(const std::string& key, const FeatureGroup& group,
                       const std::vector<const Feature*>& features, int64_t now_us,
                       const std::vector<Cell>& cells) const;
  std::set<std::string> Keys() const;
  size_t size() const { return writes_.size(); }
  size_t held() const;

 private:
  struct Write {
    Record record;
    std::string body;
    Fate fate;
    int64_t acknowledged_us;
  };
  std::vector<Write> writes_;
};

}  // namespace tokura::faults
