// Session: one verb's connection to a router. Blocking: every call runs the event loop on the
// calling thread until its answer is there.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "catalog/definitions.h"
#include "cli/context.h"
#include "client/remote_api.h"
#include "core/status.h"
#include "runtime/real/real_runtime.h"

namespace tokura::cli {

class Session {
 public:
  // Nothing is sent before the first call.
  explicit Session(const Context& context);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  client::Api& api() { return *api_; }
  runtime::Executor& executor() { return loop_.executor(); }
  client::CallOptions options() const { return options_; }

  // Runs `task` to its end. Its UNAVAILABLE then says which address, and what to try.
  template <typename T>
  Result<T> Call(runtime::Task<Result<T>> task) {
    Result<T> result = runtime::real::RunToCompletion(loop_, std::move(task));
    if (result.ok()) return result;
    return Explain(result.status());
  }
  Status Call(runtime::Task<Status> task);
  Status Pause(std::chrono::nanoseconds time);

  Result<client::Api::Definitions> GetDefinitions();
  // The group that `reference` names, with its definitions kept alive.
  struct Group {
    client::Api::Definitions definitions;
    const FeatureGroup* group = nullptr;
  };
  Result<Group> ResolveGroup(const std::string& reference);
  // The offline tables; gives those of groups that were applied just now 3 s to open.
  Result<std::vector<client::OfflineGroupStatus>> OfflineTables(
      const catalog::Definitions& definitions);
  // The directory of the offline tables, as this machine sees it. FAILED_PRECONDITION if the server
  // has none or it is not a directory of this machine; INTERNAL if it could open none of them.
  Result<std::string> OfflineRoot();

 private:
  Status Explain(const Status& status) const;

  runtime::FileSystem& files_;
  std::string endpoint_;
  client::CallOptions options_;
  runtime::real::EventLoop loop_{"client"};
  std::unique_ptr<client::RemoteApi> api_;
};

// The groups that are offline but whose tables the server could not open.
std::vector<std::string> UnopenedTables(const catalog::Definitions& definitions,
                                        const std::vector<client::OfflineGroupStatus>& tables);

// The offline root that holds the table folder `location` (file:///ROOT/project/group_v1).
Result<std::string> OfflineRootOf(const std::string& location);

}  // namespace tokura::cli
