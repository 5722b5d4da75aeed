#include "cli/program/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/program/options.h"
#include "core/nearest.h"

namespace tokura::cli {
namespace {

bool IsFlag(const std::string& argument) { return argument.size() > 1 && argument[0] == '-'; }

// "--data-dir=x" -> "--data-dir".
std::string FlagName(const std::string& argument) { return argument.substr(0, argument.find('=')); }

bool Says(const std::vector<std::string>& arguments, const std::string& flag) {
  for (const std::string& argument : arguments) {
    if (argument == "--") return false;
    if (FlagName(argument) == flag) return true;
  }
  return false;
}

std::string ValueSaid(const std::vector<std::string>& arguments, const std::string& flag) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == flag && i + 1 < arguments.size()) return arguments[i + 1];
    if (arguments[i].starts_with(flag + "=")) return arguments[i].substr(flag.size() + 1);
  }
  return "";
}

bool IsSetting(const CLI::Option& option) {
  return !option.get_positional() && !option.get_lnames().empty();
}

void CollectFlags(const CLI::App& app, std::vector<std::string>* flags) {
  for (const CLI::Option* option : app.get_options()) {
    if (IsSetting(*option)) flags->push_back(option->get_lnames().front());
  }
}

void CollectAllFlags(const CLI::App& app, std::vector<std::string>* flags) {
  CollectFlags(app, flags);
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    CollectAllFlags(*verb, flags);
  }
}

std::vector<std::string> VerbNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

// What `error` says, in our words where CLI11's own speak of its parser.
std::string WordsOf(const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string flag = what.substr(0, what.find(':'));
    if (what.find("At Most") != std::string::npos) return flag + " is given more than once";
    return flag + " needs a value";
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    const size_t flag = what.find("--");
    const size_t equals = what.find(" = ");
    if (flag != std::string::npos && equals != std::string::npos && flag < equals) {
      return what.substr(flag, equals - flag) + ": expected true or false, got '" +
             what.substr(equals + 3) + "'";
    }
  }
  return what;
}

}  // namespace

std::string ProgramVersion() { return TOKURA_VERSION; }

CommandLine::CommandLine(VerbText text, Action action, Console& console, runtime::FileSystem& files,
                         Environment environment)
    : console_(console),
      files_(files),
      environment_(std::move(environment)),
      root_(std::make_unique<CLI::App>(text.summary, text.name)) {
  root_->set_help_flag();
  root_->option_defaults()->always_capture_default();
  root_->add_option("--config", config_path_, "settings in YAML; its keys are the flag names")
      ->type_name("FILE");
  root_->add_flag("--print-config", print_config_, "print the settings in force, and stop");
  root_->add_flag("--check-config", check_config_, "check the settings, and stop");
  bool unused = false;
  root_->add_flag("--version", unused, "print the version, and stop");
  root_->add_flag("-h,--help", unused, "print this help, and stop");
  if (!action) root_->require_subcommand(1);
  verbs_.emplace(root_.get(), Verb{std::move(text), std::move(action)});
}

CommandLine::~CommandLine() = default;

CLI::App& CommandLine::root() { return *root_; }

CLI::App& CommandLine::AddVerb(CLI::App& parent, VerbText text, Action action) {
  CLI::App* app = parent.add_subcommand(text.name, text.summary);
  app->set_help_flag();
  app->fallthrough();
  app->option_defaults()->always_capture_default();
  if (!action) app->require_subcommand(1);
  verbs_.emplace(app, Verb{std::move(text), std::move(action)});
  order_.push_back(app);
  return *app;
}

const VerbText& CommandLine::TextOf(const CLI::App& app) const { return verbs_.at(&app).text; }

std::string CommandLine::NameOf(const std::vector<const CLI::App*>& path) const {
  std::string name;
  for (const CLI::App* app : path) name += (name.empty() ? "" : " ") + app->get_name();
  return name;
}

Exit CommandLine::Run(const std::vector<std::string>& arguments) {
  Result<Exit> outcome = Dispatch(arguments);
  if (!outcome.ok()) {
    console_.Note(root_->get_name() + ": " + outcome.status().message());
    return ExitOf(outcome.status());
  }
  const bool shows_result = *outcome == Exit::kDone || *outcome == Exit::kDifference;
  if (shows_result && !console_.Flush()) {
    console_.Note(root_->get_name() + ": the result cannot be written to standard output");
    return Exit::kBroken;
  }
  return *outcome;
}

Result<Exit> CommandLine::Dispatch(const std::vector<std::string>& arguments) {
  TOKURA_ASSIGN_OR_RETURN(const Found found, FindVerb(arguments));
  if (Says(arguments, "--help") || Says(arguments, "-h")) {
    console_.Out(found.path.size() == 1 ? ProgramHelp() : HelpOf(found.path));
    return Exit::kDone;
  }
  if (Says(arguments, "--version")) {
    console_.Out(root_->get_name() + " " + ProgramVersion() + "\n");
    return Exit::kDone;
  }
  const Verb& verb = verbs_.at(found.path.back());
  if (!verb.action) {
    return InvalidArgument("'" + NameOf(found.path) + "' needs a verb; see '" + NameOf(found.path) +
                           " --help'");
  }
  TOKURA_ASSIGN_OR_RETURN(const std::vector<Setting> settings, SettingsFor(found, arguments));
  TOKURA_RETURN_IF_ERROR(Parse(found, arguments, settings));
  if (print_config_) {
    console_.Out(EffectiveConfig(found, settings));
    return Exit::kDone;
  }
  if (check_config_) {
    console_.Out("the settings are good\n");
    return Exit::kDone;
  }
  return verb.action();
}

Status CommandLine::UnknownFlag(const Found& found, const std::string& flag) const {
  std::vector<std::string> flags = FlagsOf(found);
  for (std::string& known : flags) known = "--" + known;
  return InvalidArgument("unknown flag '" + flag + "'" + DidYouMean(flag, flags) + " (see '" +
                         NameOf(found.path) + " --help')");
}

Result<CommandLine::Found> CommandLine::FindVerb(const std::vector<std::string>& arguments) const {
  Found found{{root_.get()}, 0};
  for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& argument = arguments[i];
    if (IsFlag(argument)) {
      const CLI::Option* option = FindOption(found.path, FlagName(argument));
      // Before the verb only what all verbs share can stand, and a wrong flag would hide the verb.
      if (option == nullptr && !VerbNames(*found.path.back()).empty()) {
        return UnknownFlag(found, FlagName(argument));
      }
      const bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
      if (takes_value && argument.find('=') == std::string::npos) ++i;
      continue;
    }
    const std::vector<std::string> verbs = VerbNames(*found.path.back());
    if (verbs.empty()) break;
    if (std::find(verbs.begin(), verbs.end(), argument) == verbs.end()) {
      return InvalidArgument("'" + NameOf(found.path) + "' has no verb '" + argument + "'" +
                             DidYouMean(argument, verbs) + " (see '" + NameOf(found.path) +
                             " --help')");
    }
    found.path.push_back(found.path.back()->get_subcommand(argument));
    found.after = i + 1;
  }
  return found;
}

std::vector<std::string> CommandLine::FlagsOf(const Found& found) const {
  std::vector<std::string> all;
  for (const CLI::App* app : found.path) CollectFlags(*app, &all);
  std::vector<std::string> flags;
  for (const std::string& flag : all) {
    if (std::find(flags.begin(), flags.end(), flag) == flags.end()) flags.push_back(flag);
  }
  return flags;
}

Result<std::vector<Setting>> CommandLine::SettingsFor(
    const Found& found, const std::vector<std::string>& arguments) const {
  std::vector<Setting> from_file;
  std::string path = ValueSaid(arguments, "--config");
  if (path.empty()) {
    const std::optional<Setting> named = SettingFromEnvironment(environment_, "config", false);
    if (named.has_value()) path = named->values.front();
  }
  if (!path.empty()) {
    // One file may serve several programs' verbs, so flags of other verbs are known too.
    std::vector<std::string> known;
    CollectAllFlags(*root_, &known);
    TOKURA_ASSIGN_OR_RETURN(from_file, ReadSettings(files_, path, known));
  }
  std::vector<Setting> settings;
  for (const std::string& flag : FlagsOf(found)) {
    if (IsAboutSettings(flag) || Says(arguments, "--" + flag)) continue;
    const CLI::Option* option = FindOption(found.path, "--" + flag);
    const bool is_list = option->get_items_expected_max() > 1;
    std::optional<Setting> setting = SettingFromEnvironment(environment_, flag, is_list);
    if (!setting.has_value()) {
      const auto in_file = std::find_if(from_file.begin(), from_file.end(),
                                        [&](const Setting& s) { return s.flag == flag; });
      if (in_file != from_file.end()) setting = *in_file;
    }
    if (setting.has_value()) settings.push_back(std::move(*setting));
  }
  return settings;
}

Status CommandLine::Parse(const Found& found, std::vector<std::string> arguments,
                          const std::vector<Setting>& settings) {
  // Settings become arguments just behind the verb, so that one parser checks all of them.
  std::vector<std::string> said;
  for (const Setting& setting : settings) {
    for (const std::string& value : setting.values)
      said.push_back("--" + setting.flag + "=" + value);
  }
  arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(found.after), said.begin(),
                   said.end());
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    root_->parse(arguments);
  } catch (const CLI::ParseError& error) {
    return Fault(found, error, settings);
  }
  return OkStatus();
}

Status CommandLine::Fault(const Found& found, const CLI::ParseError& error,
                          const std::vector<Setting>& settings) const {
  const bool has_verb = found.path.size() > 1;
  const std::string prefix =
      has_verb ? NameOf({found.path.begin() + 1, found.path.end()}) + ": " : "";
  std::string what;
  // A wrong flag is the cause also where CLI11 complains about what it left out.
  for (const std::string& left : root_->remaining(true)) {
    if (left == "--" || !what.empty()) continue;
    if (IsFlag(left)) {
      return InvalidArgument(prefix + UnknownFlag(found, FlagName(left)).message());
    }
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
      what = "unexpected argument '" + left + "'";
    }
  }
  if (what.empty()) what = WordsOf(error);
  for (const Setting& setting : settings) {
    if (what.find("--" + setting.flag) != std::string::npos) {
      what += " (from " + setting.source + ")";
    }
  }
  return InvalidArgument(prefix + what + " (see '" + NameOf(found.path) + " --help')");
}

}  // namespace tokura::cli
