// ChunkJoin: the values of one group's features for a chunk of the spine, from one pass over those
// files of the group that can matter. Included by .cc files of offline/join only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/join/join.h"
#include "offline/join/spine_chunk.h"
#include "offline/join/workers.h"

namespace tokura::offline {

// The files that can hold a record seen from the chunk.
std::vector<const DataFile*> FilesToRead(const JoinGroup& join, JoinMode mode,
                                         const SpineChunk& chunk);

// A column for each feature: place[i] of it is the value for row i of the chunk. nullopt: the
// values take more than `bytes_max`. `on_rows` is told of rows of the history that are done, on any
// thread.
Result<std::optional<arrow::ArrayVector>> JoinChunk(
    runtime::FileSystem& files, const JoinGroup& join, const JoinOptions& options,
    const Workers& workers, const SpineChunk& chunk, const std::vector<uint32_t>& places,
    uint64_t bytes_max, const std::function<void(uint64_t)>& on_rows);

}  // namespace tokura::offline
