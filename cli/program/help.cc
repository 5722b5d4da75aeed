// The help pages of CommandLine and the words that shells complete.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/program/command_line.h"

namespace tokura::cli {
namespace {

constexpr size_t kLeftColumn = 30;
constexpr size_t kLineWidth = 96;

// "  left          right", wrapped at words.
void AppendEntry(const std::string& left, const std::string& right, std::string* out) {
  std::string line = "  " + left;
  if (line.size() + 2 > kLeftColumn) {
    *out += line + "\n";
    line.clear();
  }
  line.resize(kLeftColumn, ' ');
  size_t at = 0;
  bool first = true;
  while (at < right.size()) {
    const size_t end = std::min(right.find(' ', at), right.size());
    const std::string word = right.substr(at, end - at);
    if (!first && line.size() + 1 + word.size() > kLineWidth) {
      *out += line + "\n";
      line.assign(kLeftColumn, ' ');
      first = true;
    }
    line += (first ? "" : " ") + word;
    first = false;
    at = end + 1;
  }
  *out += line + "\n";
}

std::string LeftOf(const CLI::Option& option) {
  std::string left;
  for (const std::string& name : option.get_snames()) left += "-" + name + ", ";
  left += "--" + option.get_lnames().front();
  if (option.get_items_expected_max() > 0) left += " " + option.get_type_name();
  return left;
}

// The flags of `app`, without those that `hidden_by`, if it is not null, has of its own.
void AppendOptions(const CLI::App& app, const std::string& heading, const CLI::App* hidden_by,
                   std::string* out) {
  std::string entries;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (hidden_by != nullptr && hidden_by->get_option_no_throw(name) != nullptr) continue;
    std::string right = option->get_description();
    const std::string& standard = option->get_default_str();
    const bool has_default = option->get_items_expected_max() > 0 && !standard.empty() &&
                             standard != "[]" && standard != "\"\"";
    if (has_default) right += " [" + standard + "]";
    AppendEntry(LeftOf(*option), right, &entries);
  }
  if (!entries.empty()) *out += "\n" + heading + "\n" + entries;
}

std::string Indented(const std::string& lines) {
  std::string out;
  size_t at = 0;
  while (at < lines.size()) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    out += "  " + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string Sentence(std::string summary) {
  if (!summary.empty() && summary[0] >= 'a' && summary[0] <= 'z') summary[0] -= 'a' - 'A';
  return summary + ".";
}

}  // namespace

std::string CommandLine::HelpOf(const std::vector<const CLI::App*>& path) const {
  const CLI::App& app = *path.back();
  const VerbText& text = TextOf(app);
  std::string out = Sentence(text.summary) + "\n\nUsage: " + NameOf(path) + " " + text.usage + "\n";
  std::string verbs;
  std::string arguments;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    AppendEntry(verb->get_name(), TextOf(*verb).summary, &verbs);
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      AppendEntry(option->get_name(true), option->get_description(), &arguments);
    }
  }
  if (!verbs.empty()) out += "\nVerbs:\n" + verbs;
  if (!arguments.empty()) out += "\nArguments:\n" + arguments;
  AppendOptions(app, "Flags:", nullptr, &out);
  if (path.size() > 1) AppendOptions(*path.front(), "Flags of every verb:", &app, &out);
  if (!text.examples.empty()) out += "\nExamples:\n" + Indented(text.examples);
  return out;
}

std::string CommandLine::ProgramHelp() const {
  const VerbText& text = TextOf(*root_);
  if (order_.empty()) return HelpOf({root_.get()});
  std::string out = Sentence(text.summary) + "\n\nUsage: " + text.name + " " + text.usage + "\n";
  std::vector<std::string> sections;
  for (const CLI::App* verb : order_) {
    const std::string& section = TextOf(*verb).section;
    if (verb->get_parent() != root_.get()) continue;
    if (std::find(sections.begin(), sections.end(), section) == sections.end()) {
      sections.push_back(section);
    }
  }
  for (const std::string& section : sections) {
    out += "\n" + section + ":\n";
    for (const CLI::App* verb : order_) {
      if (verb->get_parent() != root_.get() || TextOf(*verb).section != section) continue;
      AppendEntry(verb->get_name(), TextOf(*verb).summary, &out);
    }
  }
  AppendOptions(*root_, "Flags of every verb:", nullptr, &out);
  out += "\nExamples:\n" + Indented(text.examples);
  return out + "\n'" + text.name + " VERB --help' says more about a verb.\n";
}

std::map<std::string, std::vector<std::string>> CommandLine::Words() const {
  std::map<std::string, std::vector<std::string>> words;
  std::vector<const CLI::App*> apps{root_.get()};
  apps.insert(apps.end(), order_.begin(), order_.end());
  for (const CLI::App* app : apps) {
    std::string path;
    for (const CLI::App* at = app; at != root_.get(); at = at->get_parent()) {
      path = at->get_name() + (path.empty() ? "" : " ") + path;
    }
    std::vector<std::string>& own = words[path];
    for (const CLI::App* verb : app->get_subcommands([](const CLI::App*) { return true; })) {
      own.push_back(verb->get_name());
    }
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional() && !option->get_lnames().empty()) {
        own.push_back("--" + option->get_lnames().front());
      }
    }
  }
  return words;
}

}  // namespace tokura::cli
