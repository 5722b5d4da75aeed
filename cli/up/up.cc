#include "cli/up/up.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "cli/doctor/findings.h"
#include "cli/program/command_line.h"
#include "cli/program/flags.h"
#include "cli/program/machine_files.h"
#include "cli/text/format.h"
#include "cli/up/data_directory.h"
#include "cli/up/lifetime.h"
#include "cli/up/machine.h"
#include "cli/up/parts.h"
#include "cli/up/ready_file.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

using runtime::Task;

constexpr char kNodeId[] = "n1";
constexpr uint64_t kDefinitionsBytesMax = 4 << 20;

// The flags, checked and with their meaning.
struct Settings {
  std::string data_dir;
  std::string offline_root;
  runtime::Address listen;
  runtime::Address http;
  offline::CompactorOptions compactor;
  node::NodeOptions node;
  int threads = 1;
  bool spin = false;
  runtime::ServingLimits limits;
  std::chrono::nanoseconds slow_request{};
};

Result<Settings> Settle(const UpFlags& flags) {
  if (flags.nodes != 1) {
    return InvalidArgument("--nodes " + std::to_string(flags.nodes) +
                           ": clusters come with a later release; this one runs one node");
  }
  Settings settings;
  TOKURA_ASSIGN_OR_RETURN(settings.data_dir, runtime::real::AbsolutePath(flags.data_dir));
  settings.offline_root = settings.data_dir + "/offline";
  if (!flags.offline.empty()) {
    TOKURA_ASSIGN_OR_RETURN(settings.offline_root, OfflinePath(flags.offline));
  }
  settings.listen = AddressOf(flags.listen);
  settings.http = AddressOf(flags.http);
  TOKURA_RETURN_IF_ERROR(CheckExposure(settings.listen, flags.insecure));
  TOKURA_RETURN_IF_ERROR(CheckExposure(settings.http, flags.insecure));
  settings.compactor.offline_root = settings.offline_root;
  settings.compactor.commit_interval = DurationOf(flags.compact_interval);
  settings.node.id = kNodeId;
  settings.node.durability = flags.durability == "fsync" ? replication::Durability::kFsync
                                                         : replication::Durability::kFlushed;
  settings.node.pid = runtime::real::ProcessId();
  SetStorageOptions(flags.storage, &settings.node);
  settings.threads = StorageThreads(flags.threads);
  settings.spin = flags.spin;
  settings.limits = LimitsOf(flags.serving);
  settings.slow_request = SlowRequestOf(flags.serving);
  settings.node.limits = settings.limits;
  settings.node.disk_reserve_bytes = DiskReserveOf(flags.serving);
  return settings;
}

Status ApplyDefinitions(runtime::FileSystem& files, catalog::Catalog& catalog,
                        const std::vector<std::string>& paths) {
  if (paths.empty()) return OkStatus();
  std::vector<catalog::DefinitionText> texts;
  for (const std::string& path : paths) {
    Result<std::string> text = runtime::ReadFile(files, path, kDefinitionsBytesMax);
    if (!text.ok()) return text.status().WithContext("--definitions");
    texts.push_back({path, std::move(*text)});
  }
  const Result<catalog::Plan> plan = catalog.Apply(texts, {});
  return plan.ok() ? OkStatus() : plan.status().WithContext("--definitions");
}

// The process from its first part to its last. Parts are stopped in the reverse of this order.
struct Up {
  Up(const Settings& what, Machine& on, catalog::FileCatalog& definitions, Lifetime& until)
      : settings(what), machine(on), catalog(definitions), lifetime(until) {}
  const Settings& settings;
  Machine& machine;
  catalog::FileCatalog& catalog;
  Lifetime& lifetime;
  std::optional<NodePart> node;
  std::optional<CompactorPart> compactor;
  std::optional<RouterPart> router;
};

router::RouterOptions RouterOptionsOf(const Settings& settings) {
  return {settings.listen, settings.http, settings.limits, settings.slow_request};
}

Task<Status> StartAll(Up* up, runtime::Executor& main) {
  Lifetime* lifetime = &up->lifetime;
  up->node.emplace(up->machine, up->settings.node, up->settings.threads, up->settings.spin,
                   up->catalog, [lifetime](Status why) { lifetime->Fail(std::move(why)); });
  const Status node_started = co_await up->node->Start(main);
  if (!node_started.ok()) {
    up->node.reset();
    co_return node_started;
  }
  const router::NodeEndpoint endpoint = up->node->endpoint();
  offline::CompactorOptions compactor = up->settings.compactor;
  compactor.definitions_at = [catalog = &up->catalog](Revision revision) {
    return catalog->At(revision);
  };
  up->compactor.emplace(up->machine, std::move(compactor), up->catalog,
                        std::vector<runtime::Address>{endpoint.address});
  const Status compactor_started = co_await up->compactor->Start(main);
  if (!compactor_started.ok()) {
    up->compactor.reset();
    co_return compactor_started;
  }
  up->router.emplace(up->machine, RouterOptionsOf(up->settings), up->catalog,
                     std::vector<router::NodeEndpoint>{endpoint}, &*up->compactor, &*up->node);
  const Status router_started = co_await up->router->Start(main);
  if (!router_started.ok()) up->router.reset();
  co_return router_started;
}

// No request is cut off: first nothing new comes in, then what came is laid out, then the log is
// closed.
Task<void> StopAll(Up* up, runtime::Executor& main) {
  if (up->router.has_value()) co_await up->router->Stop(main);
  if (up->compactor.has_value()) co_await up->compactor->Stop(main);
  if (up->node.has_value()) co_await up->node->Stop(main);
}

std::string Banner(const Up& up) {
  const std::shared_ptr<const catalog::Definitions> definitions = up.catalog.Current();
  const std::string http = "http://" + up.router->http().ToString();
  const std::string native = up.router->listen().ToString();
  const std::string endpoint = native == "127.0.0.1:7400" ? "" : " --endpoint " + native;
  std::string text = "\ntokura " + ProgramVersion() + " is ready\n\n";
  text += "  native       " + native + "\n";
  text += "  HTTP         " + http + "\n";
  text += "  data         " + up.settings.data_dir + "\n";
  text += "  offline      " + up.settings.offline_root + "\n";
  text += "  definitions  revision " + std::to_string(definitions->revision.value) + ", " +
          Counted(definitions->groups.size(), "feature group") + ", " +
          Counted(definitions->services.size(), "feature service") + "\n\n";
  text += "Try next:\n";
  text += definitions->groups.empty() ? "  tokura" + endpoint + " apply features.yaml\n"
                                      : "  tokura" + endpoint + " describe " +
                                            definitions->groups.front().QualifiedName() + "\n";
  text += "  tokura" + endpoint + " list\n";
  text += "  curl " + http + "/v1/definitions\n\n";
  return text + "Ctrl-C drains and ends.\n\n";
}

// For `tokura doctor`; on a disk that failed this may fail too, and then the log has to do.
void NoteFailure(const Up& up, const Status& why) {
  (void)runtime::WriteFileAtomically(*up.machine.files, FailureNotePath(up.settings.data_dir),
                                     why.message() + "\n");
}

Task<Status> Serve(Up* up, ReadyFile* ready, Console* console, runtime::Executor& main) {
  Status status = co_await StartAll(up, main);
  if (status.ok()) {
    (void)up->machine.files->Remove(FailureNotePath(up->settings.data_dir));
    status = ready->Publish(
        {up->settings.node.pid, up->router->listen(), up->router->http(), {up->node->endpoint()}});
  }
  if (status.ok()) {
    console->Print(Banner(*up));
    status = co_await up->lifetime.WaitForEnd();
    ready->Withdraw();
    if (!status.ok()) {
      NoteFailure(*up, status);
      // Nothing is acknowledged any more, whatever this says to the caller's retries.
      status = Internal("the node failed and serves no more: " + status.message());
    }
  }
  co_await StopAll(up, main);
  co_return status;
}

}  // namespace

int StorageThreads(uint64_t asked) {
  return asked > 0 ? static_cast<int>(asked) : std::max(1, runtime::real::ProcessorCount() - 1);
}

Result<Exit> RunUp(const UpFlags& flags, Console& console) {
  TOKURA_ASSIGN_OR_RETURN(Settings settings, Settle(flags));
  Machine machine(flags.serving);
  runtime::FileSystem& files = *machine.files;
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<DataDirectory> directory,
                          DataDirectory::Open(files, settings.data_dir, settings.node.pid));
  TOKURA_ASSIGN_OR_RETURN(ReadyFile ready, ReadyFile::Claim(files, flags.ready_file));
  settings.node.directory = directory->node(kNodeId);
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(settings.offline_root));
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<catalog::FileCatalog> catalog,
                          catalog::FileCatalog::Open(files, directory->catalog()));
  TOKURA_RETURN_IF_ERROR(ApplyDefinitions(files, *catalog, flags.definitions));

  runtime::real::EventLoop main("main");
  Lifetime lifetime(main, *machine.logger);
  Up up(settings, machine, *catalog, lifetime);
  const Status status =
      runtime::real::RunToCompletion(main, Serve(&up, &ready, &console, main.executor()));
  if (status.ok()) {
    machine.logger->Info("drained; nothing is left to recover");
    return Exit::kDone;
  }
  // A server that gives up is never "not reachable": an I/O error is a broken machine.
  if (ExitOf(status) == Exit::kUnreachable) return Internal(status.message());
  return status;
}

}  // namespace tokura::cli
