// One row group of the history against a chunk of the spine: which of its records may decide a
// value, and what they say, are sent to the contest. Columns are read only if they can matter: all
// of them where records are partial, deletes or tied, else key and time, and the features of what
// wins. Included by .cc files of offline/join only.
#pragma once

#include <vector>

#include "core/schema.h"
#include "core/status.h"
#include "offline/join/appearance.h"
#include "offline/join/contest.h"
#include "offline/join/history_file.h"
#include "offline/join/spine_chunk.h"

namespace tokura::offline {

struct ScanTarget {
  const FeatureGroup& group;
  const std::vector<const Feature*>& features;  // as those of the files that are scanned
  bool has_cells = false;                       // these are all features of the group
  Appearance appearance;
  const SpineChunk& chunk;
  Contest& contest;
};

// Says what it lacks, if the contest could not take the row group. `with_write_ids`: even where no
// tie is in sight.
Result<Lacking> ScanRowGroup(const ScanTarget& target, HistoryFile& file, int row_group,
                             bool with_write_ids);

}  // namespace tokura::offline
