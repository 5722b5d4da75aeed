// The loop of an application: one request at a time through the C++ client library, from values to
// values. What P3 and P5 show beside the bare protocol.
#pragma once

#include <string>

#include "bench/load/closed_loop.h"
#include "bench/load/row_shape.h"

namespace tokura::bench {

// Reads random entities by `service` for the duration. The time of a request ends when its values
// are there; they are checked after that. CORRUPT: a value was wrong.
Result<LoopReport> RunLibraryReads(const RowShape& shape, const std::string& service,
                                   const LoopOptions& options);

}  // namespace tokura::bench
