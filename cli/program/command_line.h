// CommandLine: the verbs and flags of one program and everything that all programs do with them:
// layered settings (flags beat TOKURA_<FLAG> beat --config FILE beat default), --help, --version,
// --print-config, --check-config, one-line errors that suggest the nearest name, exit codes.
//
//   CommandLine line("tokura", "A feature store.", console, files);
//   CLI::App& get = line.AddVerb(line.root(), {"get", "read features", ...}, [=] { ... });
//   get.add_option("--service", options->service, "...");
//   return line.Run(argc, argv);
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/program/console.h"
#include "cli/program/exit_code.h"
#include "cli/program/settings.h"
#include "core/status.h"
#include "runtime/file_system.h"

namespace CLI {
class App;
class Option;
class ParseError;
}  // namespace CLI

namespace tokura::cli {

struct VerbText {
  std::string name;
  std::string summary;   // one line, lower case, without a full stop
  std::string section;   // the heading under which the program's help lists it
  std::string usage;     // what follows the name: "GROUP FILE|- [--format csv|jsonl]"
  std::string examples;  // lines
};

// Does what was asked for; an error is printed and decides the exit code.
using Action = std::function<Result<Exit>()>;

class CommandLine {
 public:
  // `console` and `files` outlive it. `text.name` is the program's; `action` runs when no verb is
  // named and may be empty for a program of verbs.
  CommandLine(VerbText text, Action action, Console& console, runtime::FileSystem& files,
              Environment environment);
  ~CommandLine();

  CLI::App& root();
  // A verb below `parent`; without `action` it needs a verb below it in turn.
  CLI::App& AddVerb(CLI::App& parent, VerbText text, Action action = nullptr);
  // Parses, runs, flushes the console. `arguments` are without the program's name.
  Exit Run(const std::vector<std::string>& arguments);

  // Of the verb at the end of `path` ({} is the program).
  std::string HelpOf(const std::vector<const CLI::App*>& path) const;
  // Every verb path ("training-set build") with its own flags ("--spine"), for shell completion.
  std::map<std::string, std::vector<std::string>> Words() const;
  const VerbText& TextOf(const CLI::App& app) const;

 private:
  struct Verb {
    VerbText text;
    Action action;
  };
  struct Found {
    std::vector<const CLI::App*> path;  // root first
    size_t after = 0;                   // arguments up to here name the verb
  };
  Status UnknownFlag(const Found& found, const std::string& flag) const;
  Result<Found> FindVerb(const std::vector<std::string>& arguments) const;
  Result<Exit> Dispatch(const std::vector<std::string>& arguments);
  Result<std::vector<Setting>> SettingsFor(const Found& found,
                                           const std::vector<std::string>& arguments) const;
  Status Parse(const Found& found, std::vector<std::string> arguments,
               const std::vector<Setting>& settings);
  Status Fault(const Found& found, const CLI::ParseError& error,
               const std::vector<Setting>& settings) const;
  std::string EffectiveConfig(const Found& found, const std::vector<Setting>& settings) const;
  std::vector<std::string> FlagsOf(const Found& found) const;
  std::string NameOf(const std::vector<const CLI::App*>& path) const;
  std::string ProgramHelp() const;

  Console& console_;
  runtime::FileSystem& files_;
  Environment environment_;
  std::unique_ptr<CLI::App> root_;
  std::map<const CLI::App*, Verb> verbs_;
  std::vector<const CLI::App*> order_;  // as added
  std::string config_path_;
  bool print_config_ = false;
  bool check_config_ = false;
};

// The version that --version prints.
std::string ProgramVersion();

}  // namespace tokura::cli
