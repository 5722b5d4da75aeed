// Whether a group was seen online last, and how far it has been filled from its table since: a file
// beside the tables, so that a switch is not missed and a fill goes on where a process ended. And
// up to which revision of the definitions switches were looked for.
//
//   OFFLINE/_fills/<group id>.json
//   {"format":1,"online":true,"done":false,"after_key":"…hex…","records":12}
//   OFFLINE/_fills/revision.json
//   {"format":1,"revision":7}
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/ids.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct FillProgress {
  bool online = true;
  bool done = true;       // nothing is left to fill
  std::string after_key;  // every key up to it is filled
  uint64_t records = 0;   // that were written
  bool operator==(const FillProgress&) const = default;
};

// Without a file the group was never seen other than online. CORRUPT names the file.
Result<FillProgress> ReadFillProgress(runtime::FileSystem& files, const std::string& offline_root,
                                      GroupId group);
// Returned OK => durable.
Status WriteFillProgress(runtime::FileSystem& files, const std::string& offline_root, GroupId group,
                         const FillProgress& progress);

// nullopt: none was looked at yet.
Result<std::optional<Revision>> ReadFillRevision(runtime::FileSystem& files,
                                                 const std::string& offline_root);
Status WriteFillRevision(runtime::FileSystem& files, const std::string& offline_root,
                         Revision revision);

}  // namespace tokura::offline
