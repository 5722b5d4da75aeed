// Settings: what the configuration file and the environment say about flags, before the command
// line has its word (flags beat environment beat file beat default).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::cli {

struct Setting {
  std::string flag;                 // "data-dir"
  std::vector<std::string> values;  // several for a list
  std::string source;               // "tokura.yaml:3", "TOKURA_DATA_DIR"
};

// A YAML map from flag names to scalars or lists of scalars. INVALID_ARGUMENT names file and line
// for what is not YAML, not such a map, doubled, or not in `known_flags` (with the nearest one).
Result<std::vector<Setting>> ReadSettings(runtime::FileSystem& files, const std::string& path,
                                          const std::vector<std::string>& known_flags);
Result<std::vector<Setting>> ParseSettings(const std::string& name, const std::string& text,
                                           const std::vector<std::string>& known_flags);

using Environment = std::function<const char*(const std::string& name)>;
// "data-dir" -> "TOKURA_DATA_DIR".
std::string EnvironmentName(std::string_view flag);
// nullopt if the variable is unset or empty. `is_list`: commas separate the values.
std::optional<Setting> SettingFromEnvironment(const Environment& environment,
                                              const std::string& flag, bool is_list);

}  // namespace tokura::cli
