// What `tokura doctor` finds, and its parts: the server over its address, its directory, and the
// machine. Each finding says what is wrong and what to do. None of them changes anything but a
// probe file that it removes again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "cli/context.h"
#include "runtime/file_system.h"

namespace tokura::cli {

struct Finding {
  enum class Level { kWarning, kError };
  Level level = Level::kError;
  std::string what;
  std::string advice;
};

class Findings {
 public:
  void Error(std::string what, std::string advice) {
    all_.push_back({Finding::Level::kError, std::move(what), std::move(advice)});
  }
  void Warning(std::string what, std::string advice) {
    all_.push_back({Finding::Level::kWarning, std::move(what), std::move(advice)});
  }
  const std::vector<Finding>& all() const { return all_; }

 private:
  std::vector<Finding> all_;
};

// Nodes, definitions, offline tables and clock of the server at the endpoint; if nobody answers
// there, who has the port.
void CheckServer(Context& context, Findings* findings);

// Whether the tables that can be opened are cared for: small files are merged.
void CheckTables(runtime::FileSystem& files, const catalog::Definitions& definitions,
                 const std::string& offline_root, int64_t now_us, Findings* findings);

// Format, permissions, owners, space and failure note of a data directory; while no server works in
// it, also its change log, as a start would read it. `directory` is absolute.
void CheckDataDirectory(Context& context, const std::string& directory, Findings* findings);

// Whether process `pid` may have enough files open.
void CheckOpenFiles(int64_t pid, Findings* findings);

// Where a failed server leaves the reason for it; gone after the next good start.
std::string FailureNotePath(const std::string& data_directory);

}  // namespace tokura::cli
