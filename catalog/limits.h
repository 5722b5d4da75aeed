// The limits of definitions, stated in docs/definitions.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tokura::catalog {

inline constexpr size_t kKeyColumnsMax = 32;
inline constexpr size_t kGroupFeaturesMax = 1'000;    // live ones, of one version of a group
inline constexpr size_t kServiceFeaturesMax = 1'000;  // what one request may read
inline constexpr size_t kGroupsMax = 10'000;          // all versions, over all projects
inline constexpr size_t kTextsBytesMax = 64 << 20;    // of one apply
inline constexpr uint32_t kGroupIdMax = (1u << 24) - 1;
inline constexpr uint16_t kSchemaVersionMax = 65'535;

}  // namespace tokura::catalog
