// The body of a NODE_READ, cut by hand: made into a message, its hundred keys cost as much as
// finding their rows in a cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura::node {

// Borrows the body. Fields as in v1.NodeReadRequest.
struct ReadRequest {
  struct GroupRead {
    uint32_t group = 0;
    std::vector<uint32_t> features;
    std::vector<uint32_t> key_ends;
    std::string_view keys;
  };
  std::vector<GroupRead> reads;
  std::optional<int64_t> max_staleness_us;
  bool want_event_time = false;
  std::string_view token;
};

// Reads what protobuf reads, but for groups, which proto3 does not have. INVALID_ARGUMENT: it is
// not such a message.
Result<ReadRequest> ParseReadRequest(std::string_view body);

}  // namespace tokura::node
