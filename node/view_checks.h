// What LevelDB does not check, or checks too late, of its own files: with these two checks every
// single damaged byte of a view is found, and none makes LevelDB end the process. Pure functions
// over bytes; the layouts are LevelDB's (doc/table_format.md, doc/log_format.md of its source).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/status.h"

namespace tokura::node {

// A table's last bytes. They have no checksum, and LevelDB allocates what they say.
inline constexpr size_t kTableFooterBytes = 48;

// CORRUPT unless `footer`, the last kTableFooterBytes of a table of `table_bytes`, can only be what
// was written: metaindex block, index block and footer lie end to end.
Status CheckTableFooter(std::string_view footer, uint64_t table_bytes);

// How many bytes of a MANIFEST there are in front of a last record that a crash tore. CORRUPT:
// anything else is wrong with it; LevelDB would pass over zeros and take up what follows.
Result<size_t> WholeManifestBytes(std::string_view manifest);

}  // namespace tokura::node
