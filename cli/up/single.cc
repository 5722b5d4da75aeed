#include "cli/up/single.h"

#include <cstdlib>

#include "cli/program/flags.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

using runtime::Task;

Task<Status> Serve(Part* part, const Surroundings* around, CatalogFollower* follower,
                   ReadyFile* ready, runtime::Executor& main) {
  ReadyState state;
  state.pid = runtime::real::ProcessId();
  follower->Start();
  Status status = co_await part->Start(main, &state);
  if (status.ok()) {
    status = ready->Publish(state);
    if (status.ok() && part->runs_on()) {
      around->machine.logger->Info("ready: " + ReadyJson(state));
      status = co_await around->lifetime.WaitForEnd();
      if (!status.ok()) status = Internal("serves no more: " + status.message());
    }
    ready->Withdraw();
    co_await part->Stop(main);
  }
  co_await follower->Stop();
  co_return status;
}

}  // namespace

Result<std::string> CatalogDirectory(const std::string& uri) {
  if (uri.starts_with("etcd://")) {
    return InvalidArgument(
        "--catalog: etcd:// comes with clusters, in a later release; give "
        "file://DIR");
  }
  TOKURA_ASSIGN_OR_RETURN(const std::string path, LocalPath(uri, "--catalog"));
  return runtime::real::AbsolutePath(path);
}

Result<Exit> RunSingle(
    const std::string& catalog_uri, const std::string& ready_file, const ServingFlags& serving,
    const std::function<Result<std::unique_ptr<Part>>(const Surroundings&)>& make) {
  TOKURA_ASSIGN_OR_RETURN(const std::string directory, CatalogDirectory(catalog_uri));
  Machine machine(serving);
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<catalog::FileCatalog> catalog,
                          catalog::FileCatalog::Open(*machine.files, directory));
  runtime::real::EventLoop main("main");
  Lifetime lifetime(main, *machine.logger);
  const Surroundings around{machine, *catalog, lifetime};
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Part> part, make(around));
  TOKURA_ASSIGN_OR_RETURN(ReadyFile ready, ReadyFile::Claim(*machine.files, ready_file));
  CatalogFollower follower(main.executor(), *machine.blocking, *catalog, *machine.logger);
  const Status status = runtime::real::RunToCompletion(
      main, Serve(part.get(), &around, &follower, &ready, main.executor()));
  if (!status.ok()) return status;
  return Exit::kDone;
}

Result<router::NodeEndpoint> OnlyNode(runtime::FileSystem& files, const std::string& catalog_uri) {
  TOKURA_ASSIGN_OR_RETURN(const std::string directory, CatalogDirectory(catalog_uri));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<router::NodeEndpoint> nodes,
                          ReadRegisteredNodes(files, directory));
  if (nodes.empty()) {
    return Unavailable("no node is registered in " + directory + "; start tokura-node first");
  }
  if (nodes.size() > 1) {
    return FailedPrecondition("several nodes are registered in " + directory +
                              "/nodes; clusters come with a later release");
  }
  return nodes.front();
}

int RunProgram(int argc, char** argv, VerbText text,
               const std::function<Action(CommandLine& line, Console& console)>& define) {
  const std::unique_ptr<runtime::FileSystem> files = runtime::real::MakeFileSystem();
  Console console;
  Action action;
  CommandLine line(
      std::move(text), [&action] { return action(); }, console, *files,
      [](const std::string& name) { return std::getenv(name.c_str()); });
  action = define(line, console);
  return static_cast<int>(line.Run({argv + 1, argv + argc}));
}

}  // namespace tokura::cli
