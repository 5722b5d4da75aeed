// Verify: log = online = files, by digest.
//
//   OpenSnapshots ──positions──▶ Api::GetDigest ──▶ Api::Wait(report.vector) ──▶ VerifyFiles
//
// The nodes sum up the log of each group up to the position of its table's snapshot, each record as
// often as it was logged; the snapshot's files and the repeats that it counted must give the same.
// The nodes' rows, at report.vector, must be the fold of base and log, and that of the files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "client/api.h"
#include "core/status.h"
#include "offline/table/table.h"
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
  std::vector<Difference> notes;        // what cannot be compared, and why that is no difference
  bool equal() const { return differences.empty(); }
};

// The tables of offline groups as they are at one moment. Blocking. `committed`: what the compactor
// said before of its commits; a table behind that is stale, an older copy of its files.
struct Snapshots {
  std::map<GroupId, std::unique_ptr<Table>> tables;
  std::map<GroupId, Status> unreadable;
  std::map<GroupId, std::string> positions;  // for client::DigestRequest
};
Snapshots OpenSnapshots(runtime::FileSystem& files, const catalog::Definitions& definitions,
                        const std::string& offline_root,
                        const std::vector<client::OfflineGroupStatus>& committed = {});

// REQUIRES: every table covers report.vector (Api::Wait). The fold of the rows takes at most about
// `memory_bytes_max`; what does not fit is folded in several passes over the files. Blocking.
Result<VerifyReport> VerifyFiles(runtime::FileSystem& files,
                                 const catalog::Definitions& definitions,
                                 const std::string& offline_root,
                                 const std::vector<std::string>& groups, const Snapshots& snapshots,
                                 const client::DigestReport& report, int64_t now_us,
                                 uint64_t memory_bytes_max = 256 << 20);

}  // namespace tokura::offline
