// The flags of a node's storage: how much of it is in memory, and how much of it lies on disk. The
// same in `tokura up` and tokura-node.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"
#include "node/node.h"

namespace CLI {
class App;
}

namespace tokura::cli {

struct StorageFlags {
  std::string row_memory = "50%";
  std::string view_interval = "10s";
  std::string log_retention = "1GiB";
};

// `flags` outlives the action.
void AddStorageFlags(CLI::App& app, StorageFlags* flags);
// REQUIRES: `flags` passed AddStorageFlags.
void SetStorageOptions(const StorageFlags& flags, node::NodeOptions* options);

// A number of bytes, or a share of `whole`: "50%". INVALID_ARGUMENT says what is expected.
Result<uint64_t> ParseSize(std::string_view text, uint64_t whole);

}  // namespace tokura::cli
