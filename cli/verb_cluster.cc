#include <CLI/CLI.hpp>

#include "cli/verbs.h"

namespace tokura::cli {

void RegisterCluster(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(line.root(), {"cluster", "operate a cluster (with a later release)",
                                             kOperateSection, "VERB", "tokura cluster status"});
  for (const char* verb : {"init", "status", "add", "drain", "replace"}) {
    const std::string name = verb;
    CLI::App& sub = line.AddVerb(
        app, {name, "comes with a later release", kOperateSection, "", "tokura cluster " + name},
        [name] {
          return InvalidArgument("'cluster " + name +
                                 "': clusters come with a later release; this one runs one node");
        });
    sub.fallthrough(false)->allow_extras();  // whatever follows: the answer is the same
  }
}

}  // namespace tokura::cli
