// File patterns: '*', '?' and '[a-z]' in the names of files, for who quotes them or has more files
// than a command line takes.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::cli {

// `names` with each pattern replaced by the files that it matches, in order of their names. What
// exists under the very name, or has no pattern in it, stays as it is. A pattern never matches a
// folder, nor a name that begins with '.' unless it says so. INVALID_ARGUMENT: one matches nothing.
Result<std::vector<std::string>> ExpandPatterns(runtime::FileSystem& files,
                                                const std::vector<std::string>& names);

}  // namespace tokura::cli
