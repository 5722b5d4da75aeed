// Looking flags up along a path of verbs. Internal to program/.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tokura::cli {

// Flags that speak about the settings are no settings.
bool IsAboutSettings(const std::string& flag);

// The flag that is meant: a verb's own hides one of its parents that has the same name. Null if
// there is none. `path` begins at the program; `name` is as said: "--data-dir".
const CLI::Option* FindOption(const std::vector<const CLI::App*>& path, const std::string& name);

}  // namespace tokura::cli
