// Snapshots as the text of their files (docs/formats/offline_table.md).
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "offline/table.h"

namespace tokura::offline {

inline constexpr int kSnapshotFormat = 1;
inline constexpr uint64_t kSnapshotBytesMax = uint64_t{1} << 30;

// Same snapshot, same text.
std::string EncodeSnapshot(const Snapshot& snapshot);
// CORRUPT unless the text is whole; FAILED_PRECONDITION for a newer format. Names no file: the
// caller does.
Result<Snapshot> DecodeSnapshot(std::string_view text);

}  // namespace tokura::offline
