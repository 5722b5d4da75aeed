// Makes the rows of a view that was lost while the node runs: from the log's base and segments, up
// to where the log stood when the view was lost.
#pragma once

#include <atomic>
#include <string>

#include "catalog/definitions.h"
#include "core/status.h"
#include "node/view.h"
#include "replication/log_mark.h"
#include "runtime/file_system.h"

namespace tokura::node {

// Blocking, for long; ends early when `stopping`. `mark`: of the threads, all of it synced. OK: the
// view has all rows as of `mark`, and the mark. Errors: of the log or its base, with file and
// offset, or of the view.
Status RebuildView(runtime::FileSystem& files, const std::string& log_directory, View& view,
                   const replication::LogMark& mark, const catalog::Definitions& definitions,
                   const std::atomic<bool>& stopping);

}  // namespace tokura::node
