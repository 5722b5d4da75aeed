// Names and references: how definitions, services and requests say which group or feature.
//
//   flights/weather            a group, entity or service
//   flights/weather@2          one version of it
//   flights/weather@2:temp     a feature; also :* and :[temp, visib]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura::catalog {

inline constexpr uint32_t kVersionMax = 1'000'000;

// INVALID_ARGUMENT unless `[a-z][a-z0-9_]{0,62}`.
Status CheckName(std::string_view name);
// The same, and not one of the columns that every table has: event_time, write_time, is_deleted.
Status CheckColumnName(std::string_view name);

struct Reference {
  std::string project;
  std::string name;
  std::optional<uint32_t> version;
  bool all = false;                   // ":*"
  std::vector<std::string> features;  // as listed; empty if `all` or none was named

  bool names_features() const { return all || !features.empty(); }
  std::string Qualified() const;  // "flights/weather", "flights/weather@2": without features
};

// INVALID_ARGUMENT says what is malformed. The project may be left out where there is a default.
Result<Reference> ParseReference(std::string_view text, std::string_view default_project = "");

}  // namespace tokura::catalog
