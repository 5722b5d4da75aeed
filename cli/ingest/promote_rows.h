// PromoteRows: `import --promote`: writes online, through the log, those rows of imports that hold
// a winning cell of their key (offline/promotion.h). Run again, it writes what is still missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/ingest/counts.h"
#include "cli/session.h"
#include "core/schema.h"

namespace tokura::cli {

struct PromoteJob {
  std::vector<std::string> import_ids;
  std::string offline_root;
  uint64_t rows_per_second = 0;  // 0: as fast as it goes
};

// REQUIRES: the rows are in the table.
Result<Counts> PromoteRows(Session& session, Context& context, const FeatureGroup& group,
                           const PromoteJob& job);

}  // namespace tokura::cli
