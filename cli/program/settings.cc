#include "cli/program/settings.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "core/nearest.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;

Status FaultAt(const std::string& name, const YAML::Mark& mark, const std::string& what) {
  const int line = mark.is_null() ? 1 : mark.line + 1;
  return InvalidArgument(name + ":" + std::to_string(line) + ": " + what);
}

Result<std::vector<std::string>> ValuesOf(const std::string& name, const std::string& flag,
                                          const YAML::Node& node) {
  if (node.IsScalar()) return std::vector<std::string>{node.Scalar()};
  std::vector<std::string> values;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) return FaultAt(name, item.Mark(), flag + ": expected a list of texts");
      values.push_back(item.Scalar());
    }
  }
  if (values.empty()) {
    return FaultAt(name, node.Mark(), flag + ": expected a value or a list of values");
  }
  return values;
}

Result<std::vector<Setting>> SettingsOf(const std::string& name, const YAML::Node& root,
                                        const std::vector<std::string>& known_flags) {
  std::vector<Setting> settings;
  if (root.IsNull()) return settings;
  if (!root.IsMap()) return FaultAt(name, root.Mark(), "expected a map from flag names to values");
  std::set<std::string> seen;
  for (const auto& item : root) {
    const YAML::Mark mark = item.first.Mark();
    if (!item.first.IsScalar()) return FaultAt(name, mark, "expected a flag name");
    const std::string& flag = item.first.Scalar();
    if (std::find(known_flags.begin(), known_flags.end(), flag) == known_flags.end()) {
      return FaultAt(name, mark, "there is no flag '" + flag + "'" + DidYouMean(flag, known_flags));
    }
    if (!seen.insert(flag).second) return FaultAt(name, mark, "'" + flag + "' is there twice");
    TOKURA_ASSIGN_OR_RETURN(std::vector<std::string> values, ValuesOf(name, flag, item.second));
    settings.push_back({flag, std::move(values), name + ":" + std::to_string(mark.line + 1)});
  }
  return settings;
}

}  // namespace

Result<std::vector<Setting>> ParseSettings(const std::string& name, const std::string& text,
                                           const std::vector<std::string>& known_flags) {
  try {
    return SettingsOf(name, YAML::Load(text), known_flags);
  } catch (const YAML::Exception& fault) {
    return FaultAt(name, fault.mark, fault.msg);
  }
}

Result<std::vector<Setting>> ReadSettings(runtime::FileSystem& files, const std::string& path,
                                          const std::vector<std::string>& known_flags) {
  Result<std::string> text = runtime::ReadFile(files, path, kConfigBytesMax);
  if (!text.ok()) return text.status().WithContext("--config");
  return ParseSettings(path, *text, known_flags);
}

std::string EnvironmentName(std::string_view flag) {
  std::string name = "TOKURA_";
  for (const char c : flag) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::optional<Setting> SettingFromEnvironment(const Environment& environment,
                                              const std::string& flag, bool is_list) {
  const std::string name = EnvironmentName(flag);
  const char* text = environment(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  Setting setting{flag, {}, name};
  std::string_view rest = text;
  while (is_list && rest.find(',') != std::string_view::npos) {
    setting.values.emplace_back(rest.substr(0, rest.find(',')));
    rest.remove_prefix(rest.find(',') + 1);
  }
  setting.values.emplace_back(rest);
  return setting;
}

}  // namespace tokura::cli
