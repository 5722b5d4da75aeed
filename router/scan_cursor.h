// The cursor of a prefix scan: where the next page begins, as opaque text. It holds no state of the
// router, so any router takes it, and rows written meanwhile do not move it.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace tokura::router {

// `last_key`: row key of the last row of the page.
std::string EncodeCursor(std::string_view last_key);
// The inverse. INVALID_ARGUMENT if the cursor is damaged or of a scan of another prefix.
Result<std::string> DecodeCursor(std::string_view cursor, std::string_view prefix);

}  // namespace tokura::router
