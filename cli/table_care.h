// `tokura offline compact` and `tokura offline expire`.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tokura::cli {

void RegisterTableCare(CommandLine& line, CLI::App& parent, Context& context);

}  // namespace tokura::cli
