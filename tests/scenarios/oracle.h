// Oracle: what every read must say, by the definition and nothing else. It keeps each write to each
// key in a list, and for a question looks at all of them. It shares no merge, row or TTL code with
// the product; ties are decided by canonical value bytes, whose encoding has golden tests of its
// own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/row.h"
#include "core/schema.h"
#include "core/value.h"

namespace tokura::scenarios {

struct OracleWrite {
  int64_t event_time_us = 0;
  uint64_t id_prefix = 0;
  std::optional<int64_t> ttl_us;
  bool online = true;
  bool offline = true;
  bool delete_row = false;
  std::set<std::string> deleted;        // features
  std::map<std::string, Value> values;  // null: written as null
};

struct OracleAnswer {
  ReadStatus status = ReadStatus::kNotFound;
  Value value;
  int64_t event_time_us = 0;
  bool operator==(const OracleAnswer&) const = default;
};

class Oracle {
 public:
  void Write(const std::string& group, const std::string& key, OracleWrite write);

  // An online read at `now_us`.
  OracleAnswer Online(const FeatureGroup& group, const std::string& key, const Feature& feature,
                      int64_t now_us) const;
  // A training row at `t`, mode `event`.
  OracleAnswer Training(const FeatureGroup& group, const std::string& key, const Feature& feature,
                        int64_t t) const;

 private:
  enum class View { kOnline, kTraining };
  OracleAnswer Answer(View view, const FeatureGroup& group, const std::string& key,
                      const Feature& feature, int64_t now_us) const;
  std::map<std::string, std::map<std::string, std::vector<OracleWrite>>> writes_;
};

}  // namespace tokura::scenarios
