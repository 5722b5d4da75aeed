#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/verbs.h"

namespace tokura::cli {
namespace {

using Words = std::map<std::string, std::vector<std::string>>;

constexpr char kExamples[] =
    "source <(tokura completion bash)\n"
    "tokura completion zsh > \"${fpath[1]}/_tokura\"\n"
    "tokura completion fish > ~/.config/fish/completions/tokura.fish";

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// case "$path" in lines, most specific first is not needed: paths are compared whole.
std::string Cases(const Words& words) {
  std::string text;
  for (const auto& [path, own] : words) {
    std::vector<std::string> all = own;
    const std::vector<std::string>& shared = words.at("");
    if (!path.empty()) {
      std::copy_if(shared.begin(), shared.end(), std::back_inserter(all),
                   [](const std::string& word) { return word.starts_with("--"); });
    }
    text += "    \"" + path + "\") choices=\"" + Joined(all) + "\" ;;\n";
  }
  return text;
}

// The verbs among the words before the cursor, joined by spaces: "training-set build".
constexpr char kFindPath[] = R"(
  local verb_path="" word choices=""
  for word in "${before[@]}"; do
    case " $verbs " in *" ${verb_path:+$verb_path/}$word "*) verb_path="${verb_path:+$verb_path/}$word" ;; esac
  done
  verb_path="${verb_path//\// }"
)";

std::string VerbPaths(const Words& words) {
  std::string text;
  for (const auto& [path, own] : words) {
    if (path.empty()) continue;
    std::string slashed = path;
    std::replace(slashed.begin(), slashed.end(), ' ', '/');
    text += (text.empty() ? "" : " ") + slashed;
  }
  return text;
}

std::string Bash(const Words& words) {
  return "# bash completion of tokura\n_tokura() {\n  local verbs=\"" + VerbPaths(words) +
         "\"\n  local before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")" + kFindPath +
         "  case \"$verb_path\" in\n" + Cases(words) +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$choices\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
         "complete -o default -F _tokura tokura\n";
}

std::string Zsh(const Words& words) {
  return "#compdef tokura\n_tokura() {\n  local verbs=\"" + VerbPaths(words) +
         "\"\n  local before=(\"${(@)words[2,CURRENT-1]}\")" + kFindPath +
         "  case \"$verb_path\" in\n" + Cases(words) +
         "  esac\n  compadd -- ${=choices}\n  _files\n}\ncompdef _tokura tokura\n";
}

std::string Fish(const Words& words) {
  std::string text = "# fish completion of tokura\n";
  for (const auto& [path, own] : words) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      std::string rest = path + " ";
      while (!rest.empty()) {
        const size_t space = rest.find(' ');
        condition += (condition.empty() ? "" : "; and ") +
                     ("__fish_seen_subcommand_from " + rest.substr(0, space));
        rest.erase(0, space + 1);
      }
    }
    for (const std::string& word : own) {
      const bool flag = word.starts_with("--");
      // The flags of the program itself go with every verb.
      const std::string when = path.empty() && flag ? "" : " -n '" + condition + "'";
      text += "complete -c tokura" + when + (flag ? " -l " + word.substr(2) : " -a " + word) + "\n";
    }
  }
  return text;
}

}  // namespace

void RegisterCompletion(CommandLine& line, Context& context) {
  CLI::App& app =
      line.AddVerb(line.root(), {"completion", "print a script that completes verbs and flags",
                                 kOperateSection, "bash|zsh|fish", kExamples});
  const auto add = [&](const std::string& shell, std::string (*script)(const Words&)) {
    line.AddVerb(
        app, {shell, "completion for " + shell, kOperateSection, "", "tokura completion " + shell},
        [&line, &context, script]() -> Result<Exit> {
          context.console.Out(script(line.Words()));
          return Exit::kDone;
        });
  };
  add("bash", Bash);
  add("zsh", Zsh);
  add("fish", Fish);
}

}  // namespace tokura::cli
