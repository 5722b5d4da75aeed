// What plan and apply have in common: reading definition files, and printing the difference.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "client/api.h"

namespace tokura::cli {

// Each of `paths`; "-" is standard input, once. NOT_FOUND, RESOURCE_EXHAUSTED name the file.
Result<std::vector<catalog::DefinitionText>> ReadDefinitionFiles(
    Context& context, const std::vector<std::string>& paths);

// {"changes": [...], "warnings": [...], "revision": 7}, as HTTP answers.
std::string ChangesJson(const client::Api::Applied& applied);

// "~ feature flights/weather@1:temp  ttl: 6h -> 3h  (destructive)", a line a change, then the
// warnings. In colour on a terminal.
std::string ChangesText(const Console& console, const client::Api::Applied& applied);
// "2 to create, 1 to update"; "no changes".
std::string ChangesSummary(const client::Api::Applied& applied, bool done);

}  // namespace tokura::cli
