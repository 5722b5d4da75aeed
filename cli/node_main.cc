// `tokura-node`: one node on a catalog that a router and a compactor share with it.
#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/up/data_directory.h"
#include "cli/up/parts.h"
#include "cli/up/single.h"
#include "cli/up/up.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

struct NodeFlags {
  std::string id = "n1";
  std::string listen = "127.0.0.1:7401";
  std::string catalog;
  std::string data_dir;
  std::string rack;
  std::string durability = "fsync";
  std::string ready_file;
  uint64_t threads = 0;
  StorageFlags storage;
  bool insecure = false;
  bool spin = false;
  ServingFlags serving;
};

// A node's id becomes a file name and a name in the log.
Status CheckId(const std::string& id) {
  const bool good =
      !id.empty() && id.size() <= 63 &&
      id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
  if (good) return OkStatus();
  return InvalidArgument("--id: expected up to 63 of a-z, 0-9, '_' and '-'");
}

class SingleNode final : public Part {
 public:
  SingleNode(const Surroundings& around, const NodeFlags& flags, std::string catalog_directory,
             std::unique_ptr<DataDirectory> data)
      : files_(*around.machine.files),
        catalog_directory_(std::move(catalog_directory)),
        flags_(flags),
        data_(std::move(data)) {
    node::NodeOptions options;
    options.id = flags.id;
    options.directory = data_->node(flags.id);
    options.listen = AddressOf(flags.listen);
    options.durability = flags.durability == "fsync" ? replication::Durability::kFsync
                                                     : replication::Durability::kFlushed;
    options.pid = runtime::real::ProcessId();
    SetStorageOptions(flags.storage, &options);
    options.limits = LimitsOf(flags.serving);
    options.disk_reserve_bytes = DiskReserveOf(flags.serving);
    Lifetime* lifetime = &around.lifetime;
    part_.emplace(around.machine, options, StorageThreads(flags.threads), flags.spin,
                  around.catalog, [lifetime](Status why) { lifetime->Fail(std::move(why)); });
  }

  runtime::Task<Status> Start(runtime::Executor& main, ReadyState* ready) override {
    TOKURA_CO_RETURN_IF_ERROR(co_await part_->Start(main));
    ready->nodes = {part_->endpoint()};
    const Status registered =
        RegisterNode(files_, catalog_directory_, part_->endpoint(), flags_.rack);
    // Serve stops only what started well.
    if (!registered.ok()) co_await part_->Stop(main);
    co_return registered;
  }
  runtime::Task<void> Stop(runtime::Executor& main) override { co_await part_->Stop(main); }

 private:
  runtime::FileSystem& files_;
  std::string catalog_directory_;
  NodeFlags flags_;
  std::unique_ptr<DataDirectory> data_;
  std::optional<NodePart> part_;
};

Result<Exit> Run(const NodeFlags& flags) {
  TOKURA_RETURN_IF_ERROR(CheckId(flags.id));
  TOKURA_RETURN_IF_ERROR(CheckExposure(AddressOf(flags.listen), flags.insecure));
  return RunSingle(
      flags.catalog, flags.ready_file, flags.serving,
      [&flags](const Surroundings& around) -> Result<std::unique_ptr<Part>> {
        TOKURA_ASSIGN_OR_RETURN(std::string catalog, CatalogDirectory(flags.catalog));
        TOKURA_ASSIGN_OR_RETURN(std::string path, runtime::real::AbsolutePath(flags.data_dir));
        TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<DataDirectory> data,
                                DataDirectory::Open(*around.machine.files, std::move(path),
                                                    runtime::real::ProcessId()));
        return std::unique_ptr<Part>(
            std::make_unique<SingleNode>(around, flags, std::move(catalog), std::move(data)));
      });
}

Action Define(CommandLine& line, Console& console) {
  auto flags = std::make_shared<NodeFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = line.root();
  app.add_option("--id", flags->id, "the node's name, kept for its life")->type_name("NAME");
  AddAddress(app, "--listen", &flags->listen,
             "where routers reach it; keep the port over restarts");
  app.add_option("--catalog", flags->catalog, "file://DIR; etcd:// comes with clusters")
      ->type_name("URI")
      ->required();
  app.add_option("--data-dir", flags->data_dir, "the node's log and rows; made if it is not there")
      ->type_name("DIR")
      ->required();
  app.add_option("--rack", flags->rack, "what fails together; noted in the catalog")
      ->type_name("NAME");
  AddCount(app, "--threads", &flags->threads, "storage threads; 0: processors - 1, at least 1",
           kStorageThreadsMax);
  AddChoice(app, "--durability", &flags->durability,
            "a write is acknowledged when synced to disk, or when handed to the operating system",
            {"fsync", "flushed"});
  app.add_option("--ready-file", flags->ready_file,
                 "a JSON file that is there as long as requests are served")
      ->type_name("FILE");
  AddStorageFlags(app, &flags->storage);
  app.add_flag(
      "--spin", flags->spin,
      "an idle thread polls a while before it sleeps, as long as requests come often: quicker "
      "answers for a busy core");
  app.add_flag("--insecure", flags->insecure, "listen beyond loopback without TLS");
  AddServingFlags(app, &flags->serving, /*has_node=*/true, /*has_router=*/false);
  return [flags] { return Run(*flags); };
}

}  // namespace
}  // namespace tokura::cli

int main(int argc, char** argv) {
  return tokura::cli::RunProgram(
      argc, argv,
      {"tokura-node", "keep shards: the change log and the latest values", "",
       "--catalog URI --data-dir DIR [--id NAME] [--listen HOST:PORT]",
       "tokura-node --catalog file:///var/lib/tokura/catalog --data-dir /var/lib/tokura/n1"},
      tokura::cli::Define);
}
