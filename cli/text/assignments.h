// "origin=JFK,carrier=UA": how key columns are written on the command line.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace tokura::cli {

using Assignments = std::vector<std::pair<std::string, std::string>>;

// A value with a comma or a quote in it is quoted: origin="a,b",note="say ""hi""". Whatever else it
// holds, '=' included, is taken as it is. INVALID_ARGUMENT for a missing '=', an open quote, or a
// name twice.
Result<Assignments> ParseAssignments(std::string_view text);

// "a/b:[x, y],c/d:*" -> {"a/b:[x, y]", "c/d:*"}: commas outside brackets.
std::vector<std::string> SplitReferences(std::string_view text);

}  // namespace tokura::cli
