// The two ways that rows of an import take past the router: into the table (lane backfill), and
// nowhere (--dry-run). Both judge rows as a put does.
#pragma once

#include <string>

#include "cli/ingest/counts.h"
#include "cli/ingest/import_registry.h"
#include "cli/ingest/row_source.h"
#include "cli/session.h"
#include "core/schema.h"

namespace tokura::cli {

// Reads and checks, and writes nothing but rejects.
Result<Counts> CheckRows(Context& context, const FeatureGroup& group, Stores stores,
                         const RowSource& source);

struct BackfillJob {
  RowSource source;
  Import import;
  std::string offline_root;
  uint64_t rows_per_second = 0;  // 0: as fast as it goes
};

// Returned OK => the table has every row that was not rejected, once. An error says how many rows
// are in the table by then; run again, the import goes on from there.
Result<Counts> BackfillRows(Session& session, Context& context, const FeatureGroup& group,
                            const BackfillJob& job);

}  // namespace tokura::cli
