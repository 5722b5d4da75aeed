// `tokura-compactor`: lays the change log of a node into the offline tables.
#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/program/machine_files.h"
#include "cli/up/parts.h"
#include "cli/up/single.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

struct CompactorFlags {
  std::string catalog;
  std::string offline;
  std::string compact_interval = "60s";
  std::string ready_file;
  ServingFlags serving;  // of which it offers only those for the log
  bool once = false;
};

class SingleCompactor final : public Part {
 public:
  SingleCompactor(const Surroundings& around, offline::CompactorOptions options, bool once,
                  const router::NodeEndpoint& node)
      : once_(once), part_(around.machine, std::move(options), around.catalog, {node.address}) {}

  runtime::Task<Status> Start(runtime::Executor& main, ReadyState* ready) override {
    TOKURA_CO_RETURN_IF_ERROR(co_await part_.Start(main));
    if (!once_) co_return OkStatus();
    const Status committed = co_await part_.CommitNow(main);
    // Serve stops only what started well.
    if (!committed.ok()) co_await part_.Stop(main);
    co_return committed;
  }
  runtime::Task<void> Stop(runtime::Executor& main) override { co_await part_.Stop(main); }
  bool runs_on() const override { return !once_; }

 private:
  bool once_;
  CompactorPart part_;
};

Result<Exit> Run(const CompactorFlags& flags) {
  offline::CompactorOptions options;
  TOKURA_ASSIGN_OR_RETURN(options.offline_root, OfflinePath(flags.offline));
  options.commit_interval = DurationOf(flags.compact_interval);
  return RunSingle(
      flags.catalog, flags.ready_file, flags.serving,
      [&](const Surroundings& around) -> Result<std::unique_ptr<Part>> {
        TOKURA_ASSIGN_OR_RETURN(const router::NodeEndpoint node,
                                OnlyNode(*around.machine.files, flags.catalog));
        TOKURA_RETURN_IF_ERROR(around.machine.files->CreateDirectories(options.offline_root));
        options.definitions_at = [catalog = &around.catalog](Revision revision) {
          return catalog->At(revision);
        };
        return std::unique_ptr<Part>(
            std::make_unique<SingleCompactor>(around, options, flags.once, node));
      });
}

Action Define(CommandLine& line, Console& console) {
  auto flags = std::make_shared<CompactorFlags>();  // joint owners: the options, the action
  CLI::App& app = line.root();
  app.add_option("--catalog", flags->catalog, "file://DIR; etcd:// comes with clusters")
      ->type_name("URI")
      ->required();
  app.add_option("--offline", flags->offline,
                 "where the offline tables are: a directory, or s3://BUCKET/PREFIX")
      ->type_name("URI")
      ->required();
  AddDuration(app, "--compact-interval", &flags->compact_interval,
              "how often new records reach the offline tables");
  app.add_flag("--once", flags->once, "commit what was accepted so far, and end");
  app.add_option("--ready-file", flags->ready_file,
                 "a JSON file that is there as long as the log is followed")
      ->type_name("FILE");
  AddLogFlags(app, &flags->serving);
  return [flags] { return Run(*flags); };
}

}  // namespace
}  // namespace tokura::cli

int main(int argc, char** argv) {
  return tokura::cli::RunProgram(argc, argv,
                                 {"tokura-compactor", "lay the change log into offline tables", "",
                                  "--catalog URI --offline URI [--compact-interval 60s] [--once]",
                                  "tokura-compactor --catalog file:///var/lib/tokura/catalog "
                                  "--offline /var/lib/tokura/offline"},
                                 tokura::cli::Define);
}
