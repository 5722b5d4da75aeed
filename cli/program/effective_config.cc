// What --print-config prints.
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>

#include "cli/program/command_line.h"
#include "cli/program/options.h"

namespace tokura::cli {

std::string CommandLine::EffectiveConfig(const Found& found,
                                         const std::vector<Setting>& settings) const {
  YAML::Emitter yaml;
  yaml << YAML::BeginMap;
  for (const std::string& flag : FlagsOf(found)) {
    if (IsAboutSettings(flag)) continue;
    const CLI::Option* option = FindOption(found.path, "--" + flag);
    std::vector<std::string> values = option->results();
    std::string source = "command line";
    for (const Setting& setting : settings) {
      if (setting.flag == flag) source = setting.source;
    }
    if (values.empty()) {
      source = "default";
      const bool is_switch = option->get_items_expected_max() == 0;
      std::string text = is_switch ? "false" : option->get_default_str();
      if (text == "[]") text.clear();
      if (text.empty()) continue;
      values.push_back(text);
    }
    yaml << YAML::Key << flag << YAML::Value;
    if (option->get_items_expected_max() > 1) {
      yaml << YAML::Flow << values;
    } else {
      yaml << values.back();
    }
    yaml << YAML::Comment(source);
  }
  yaml << YAML::EndMap;
  return std::string(yaml.c_str()) + "\n";
}

}  // namespace tokura::cli
