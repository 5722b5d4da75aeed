// `tokura-router`: the address that clients know, for a node in a process of its own.
#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/up/parts.h"
#include "cli/up/single.h"

namespace tokura::cli {
namespace {

struct RouterFlags {
  std::string listen = "127.0.0.1:7400";
  std::string http = "127.0.0.1:7480";
  std::string catalog;
  std::string ready_file;
  bool insecure = false;
  bool spin = false;
  ServingFlags serving;
};

// Without a compactor in its process a router cannot answer for the offline side: such requests are
// UNAVAILABLE.
class SingleRouter final : public Part {
 public:
  SingleRouter(const Surroundings& around, const RouterFlags& flags, router::NodeEndpoint node)
      : node_(std::move(node)),
        part_(around.machine,
              {AddressOf(flags.listen), AddressOf(flags.http), LimitsOf(flags.serving),
               SlowRequestOf(flags.serving)},
              around.catalog, {node_}, nullptr, nullptr, flags.spin) {}

  runtime::Task<Status> Start(runtime::Executor& main, ReadyState* ready) override {
    TOKURA_CO_RETURN_IF_ERROR(co_await part_.Start(main));
    ready->router = part_.listen();
    ready->http = part_.http();
    ready->nodes = {node_};
    co_return OkStatus();
  }
  runtime::Task<void> Stop(runtime::Executor& main) override { co_await part_.Stop(main); }

 private:
  router::NodeEndpoint node_;
  RouterPart part_;
};

Result<Exit> Run(const RouterFlags& flags) {
  TOKURA_RETURN_IF_ERROR(CheckExposure(AddressOf(flags.listen), flags.insecure));
  TOKURA_RETURN_IF_ERROR(CheckExposure(AddressOf(flags.http), flags.insecure));
  return RunSingle(flags.catalog, flags.ready_file, flags.serving,
                   [&flags](const Surroundings& around) -> Result<std::unique_ptr<Part>> {
                     TOKURA_ASSIGN_OR_RETURN(router::NodeEndpoint node,
                                             OnlyNode(*around.machine.files, flags.catalog));
                     return std::unique_ptr<Part>(
                         std::make_unique<SingleRouter>(around, flags, std::move(node)));
                   });
}

Action Define(CommandLine& line, Console& console) {
  auto flags = std::make_shared<RouterFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = line.root();
  AddAddress(app, "--listen", &flags->listen, "native protocol; port 0 takes a free one");
  AddAddress(app, "--http", &flags->http, "HTTP and JSON; port 0 takes a free one");
  app.add_option("--catalog", flags->catalog, "file://DIR; etcd:// comes with clusters")
      ->type_name("URI")
      ->required();
  app.add_option("--ready-file", flags->ready_file,
                 "a JSON file that is there as long as requests are served")
      ->type_name("FILE");
  app.add_flag(
      "--spin", flags->spin,
      "an idle thread polls a while before it sleeps, as long as requests come often: quicker "
      "answers for a busy core");
  app.add_flag("--insecure", flags->insecure, "listen beyond loopback without TLS");
  AddServingFlags(app, &flags->serving, /*has_node=*/false, /*has_router=*/true);
  return [flags] { return Run(*flags); };
}

}  // namespace
}  // namespace tokura::cli

int main(int argc, char** argv) {
  return tokura::cli::RunProgram(
      argc, argv,
      {"tokura-router", "answer clients: plan requests, ask nodes, merge answers", "",
       "--catalog URI [--listen HOST:PORT] [--http HOST:PORT]",
       "tokura-router --catalog file:///var/lib/tokura/catalog"},
      tokura::cli::Define);
}
