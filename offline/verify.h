// Verify: log = online = files, by digest. The nodes report, at one position, the digests of their
// log and of their rows (client::DigestReport); this recomputes both from the files, looking only
// at rows whose place in the log that position covers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "client/api.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct Difference {
  std::string group;
  std::string day;   // "2013-01-01", or "" when it is not about a day
  std::string what;  // "log holds 24 records, files hold 23"
};

struct VerifyReport {
  uint64_t groups = 0;
  uint64_t files = 0;
  uint64_t records = 0;
  uint64_t rows = 0;
  std::vector<Difference> differences;  // an unreadable file is one, too
  bool equal() const { return differences.empty(); }
};

// REQUIRES: every table covers report.vector (Api::Wait). Blocking.
Result<VerifyReport> VerifyFiles(runtime::FileSystem& files,
                                 const catalog::Definitions& definitions,
                                 const std::string& offline_root,
                                 const std::vector<std::string>& groups,
                                 const client::DigestReport& report, int64_t now_us);

}  // namespace tokura::offline
