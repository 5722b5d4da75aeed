#include "cli/session.h"

#include <algorithm>

#include "cli/program/flags.h"
#include "offline/table/table.h"
#include "runtime/sync.h"

namespace tokura::cli {
namespace {

// A table opens a moment after its group is applied: 60 times 50 ms are many such moments.
constexpr int kOpenAttempts = 60;
constexpr std::chrono::milliseconds kOpenPause{50};

runtime::Task<Status> Wait(runtime::Executor& executor, std::chrono::nanoseconds time) {
  co_await runtime::Sleep(executor, time);
  co_return OkStatus();
}

}  // namespace

Session::Session(const Context& context)
    : files_(context.files), endpoint_(AddressOf(context.endpoint).ToString()) {
  options_.timeout = DurationOf(context.timeout);
  api_ = std::make_unique<client::RemoteApi>(loop_.executor(), loop_.transport(),
                                             AddressOf(context.endpoint));
}

Session::~Session() { loop_.RunUntilDone(api_->Stop()); }

Status Session::Call(runtime::Task<Status> task) {
  const Status status = runtime::real::RunToCompletion(loop_, std::move(task));
  return status.ok() ? status : Explain(status);
}

Status Session::Pause(std::chrono::nanoseconds time) { return Call(Wait(executor(), time)); }

Status Session::Explain(const Status& status) const {
  // Only the channel's own errors begin with the address; the rest is what the server said.
  if (!status.message().starts_with(endpoint_)) return status;
  if (status.code() == Code::kUnavailable) {
    return Status(status.code(), status.message() + " (is 'tokura up' running? see --endpoint)");
  }
  if (status.code() == Code::kDeadline) {
    return Status(status.code(), status.message() + " (see --timeout)");
  }
  return status;
}

Result<client::Api::Definitions> Session::GetDefinitions() {
  return Call(api_->GetDefinitions(options_));
}

Result<Session::Group> Session::ResolveGroup(const std::string& reference) {
  Group found;
  TOKURA_ASSIGN_OR_RETURN(found.definitions, GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(found.group, found.definitions->ResolveGroup(reference));
  return found;
}

Result<std::vector<client::OfflineGroupStatus>> Session::OfflineTables(
    const catalog::Definitions& definitions) {
  for (int attempt = 0;; ++attempt) {
    TOKURA_ASSIGN_OR_RETURN(std::vector<client::OfflineGroupStatus> tables,
                            Call(api_->OfflineStatus(options_)));
    if (attempt == kOpenAttempts || UnopenedTables(definitions, tables).empty()) return tables;
    TOKURA_RETURN_IF_ERROR(Pause(kOpenPause));
  }
}

Result<std::string> Session::OfflineRoot() {
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(const std::vector<client::OfflineGroupStatus> tables,
                          OfflineTables(*definitions));
  if (tables.empty()) {
    const std::vector<std::string> unopened = UnopenedTables(*definitions, tables);
    if (!unopened.empty()) {
      return Internal("the offline table of " + unopened.front() +
                      " is not open: the server's log says why, and 'tokura inspect table' what "
                      "can be read");
    }
    return FailedPrecondition(
        "no feature group of this server is offline, so there is no table to work on");
  }
  TOKURA_ASSIGN_OR_RETURN(std::string root, OfflineRootOf(tables.front().location));
  TOKURA_ASSIGN_OR_RETURN(const bool here, files_.Exists(root));
  if (!here) {
    return FailedPrecondition("the offline tables lie at " + root +
                              ", which is not a directory of this machine");
  }
  return root;
}

std::vector<std::string> UnopenedTables(const catalog::Definitions& definitions,
                                        const std::vector<client::OfflineGroupStatus>& tables) {
  std::vector<std::string> unopened;
  for (const FeatureGroup& group : definitions.groups) {
    const std::string name = group.QualifiedName();
    const bool open = std::any_of(tables.begin(), tables.end(),
                                  [&](const auto& table) { return table.group == name; });
    if (group.offline && !open) unopened.push_back(name);
  }
  return unopened;
}

Result<std::string> OfflineRootOf(const std::string& location) {
  TOKURA_ASSIGN_OR_RETURN(std::string folder, offline::ParseOfflineUri(location));
  for (int level = 0; level < 2; ++level) {
    const size_t slash = folder.rfind('/');
    if (slash == std::string::npos || slash == 0 || folder[slash - 1] == '/') {
      return Internal("'" + location + "' is not the location of an offline table");
    }
    folder.resize(slash);
  }
  return folder;
}

}  // namespace tokura::cli
