// The identity of a data directory: whose it is, and which life of the node is the newest
// (docs/formats/node_directory.md).
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::node {

// Registers a new incarnation in `directory`/identity.json: the second of the clock, but above the
// one there and above `log_incarnation`, the newest that the log knows (0: the log is empty). So a
// directory that was lost, or put back from an old copy, gives no place in the log a second time,
// and tables that know the lost records take the new ones. Returned OK => durable.
// FAILED_PRECONDITION: the directory is another node's, or of a newer format. CORRUPT: the file is
// malformed, or missing beside a log. REQUIRES: the caller holds the directory's lock.
Result<uint32_t> RegisterIncarnation(runtime::FileSystem& files, const std::string& directory,
                                     const std::string& node_id, uint32_t log_incarnation,
                                     int64_t now_us);

// The same checks without registering: before the log is read.
Status CheckIdentity(runtime::FileSystem& files, const std::string& directory,
                     const std::string& node_id);

}  // namespace tokura::node
