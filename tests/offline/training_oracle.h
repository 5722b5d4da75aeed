// What a training set must hold, from data-model.md and offline.md alone: for each value it looks
// at every record of the key. Shares no merge, row or TTL code with the product.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/schema.h"
#include "offline/join/join.h"
#include "offline/records/data_file.h"

namespace tokura::offline::testing {

class TrainingOracle {
 public:
  // Borrows both; `rows`: each record once.
  TrainingOracle(const FeatureGroup& group, const std::vector<HistoryRow>& rows);

  // `key`: a row key.
  Value At(const std::string& key, int64_t t, const Feature& feature, JoinMode mode,
           int64_t lag_us) const;

 private:
  struct Write;
  std::optional<Write> WriteOf(const Record& record, const Feature& feature) const;

  const FeatureGroup& group_;
  std::map<std::string, std::vector<const HistoryRow*>> by_key_;
};

}  // namespace tokura::offline::testing
