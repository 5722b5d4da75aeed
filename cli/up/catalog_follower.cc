#include "cli/up/catalog_follower.h"

#include <chrono>
#include <string>

namespace tokura::cli {
namespace {
constexpr std::chrono::seconds kInterval{1};
}  // namespace

CatalogFollower::CatalogFollower(runtime::Executor& executor, runtime::BlockingPool& blocking,
                                 catalog::FileCatalog& catalog, runtime::Logger& logger)
    : executor_(executor),
      blocking_(blocking),
      catalog_(catalog),
      logger_(logger),
      stop_signal_(executor),
      tasks_(executor) {}

void CatalogFollower::Start() { tasks_.Spawn(Follow()); }

runtime::Task<void> CatalogFollower::Stop() {
  stopping_ = true;
  stop_signal_.NotifyAll();
  co_await tasks_.Join();
}

runtime::Task<void> CatalogFollower::Follow() {
  Status last;
  while (!stopping_) {
    co_await stop_signal_.WaitFor(kInterval);
    if (stopping_) break;
    Result<bool> found = false;
    Result<bool>* out = &found;
    catalog::FileCatalog* catalog = &catalog_;
    co_await runtime::RunBlocking(blocking_, executor_,
                                  [catalog, out] { *out = catalog->Refresh(); });
    if (found.ok() && *found) {
      logger_.Info("definitions are at revision " +
                   std::to_string(catalog_.Current()->revision.value));
    }
    // The same trouble is told once, not every second.
    if (!found.ok() && !(found.status() == last)) {
      logger_.Warning("the catalog cannot be read: " + found.status().message());
    }
    last = found.status();
  }
}

}  // namespace tokura::cli
