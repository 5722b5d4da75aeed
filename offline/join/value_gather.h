// The values that won a contest, as columns. Included by .cc files of offline/join only.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/schema.h"
#include "core/status.h"
#include "offline/join/contest.h"
#include "offline/join/spine_chunk.h"

namespace tokura::offline {

// A column for each of the first features of the contest. Row i of the chunk comes to places[i],
// each place once. Where there is no value, the feature's default.
Result<arrow::ArrayVector> GatherValues(const SpineChunk& chunk, const Contest& contest,
                                        const std::vector<const Feature*>& features,
                                        const std::vector<uint32_t>& places);

// Its default as an array of one; null if it has none.
Result<std::shared_ptr<arrow::Array>> DefaultOf(const Feature& feature);

}  // namespace tokura::offline
