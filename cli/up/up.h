// `tokura up`: a node, a compactor and a router in one process on an embedded catalog.
#pragma once

#include <string>
#include <vector>

#include "cli/program/console.h"
#include "cli/program/exit_code.h"
#include "cli/up/serving_flags.h"
#include "cli/up/storage_flags.h"
#include "core/status.h"

namespace CLI {
class App;
}

namespace tokura::cli {

struct UpFlags {
  std::string data_dir = "tokura-data";
  std::string listen = "127.0.0.1:7400";
  std::string http = "127.0.0.1:7480";
  std::vector<std::string> definitions;
  uint64_t nodes = 1;
  uint64_t threads = 0;  // 0: one less than there are processors, at least 1
  std::string ready_file;
  std::string offline;  // "": DATA_DIR/offline
  std::string compact_interval = "60s";
  std::string durability = "fsync";
  StorageFlags storage;
  bool insecure = false;
  bool spin = false;
  ServingFlags serving;
};

// Serves until a signal. kDone after a drain; kBroken, with a line on stderr, when the disk failed.
Result<Exit> RunUp(const UpFlags& flags, Console& console);

inline constexpr uint64_t kStorageThreadsMax = 1024;
// Storage threads for `asked` (0: by the number of processors).
int StorageThreads(uint64_t asked);

}  // namespace tokura::cli
