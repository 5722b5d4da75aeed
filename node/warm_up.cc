#include "node/warm_up.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/sync.h"

namespace tokura::node {
namespace {

constexpr size_t kReadRows = 8'192;
constexpr size_t kReadBytes = 4 << 20;
constexpr size_t kRowsPerSlice = 1'024;  // loaded in one turn of the thread, in less than 1 ms

// Reads rows from the image on the blocking pool, shard after shard of a thread.
struct Read {
  std::shared_ptr<View> view;  // ends after its image
  std::unique_ptr<View::Image> image;
  size_t shard = 0;
  size_t step = 1;
  std::string after;  // the last row that was read of this shard
  // results
  Status status;
  std::vector<std::pair<std::string, std::string>> rows;
  bool ended = false;  // there are no more

  void Run() {
    size_t bytes = 0;
    rows.clear();
    bool full = false;
    const auto add = [&](std::string_view key, std::string_view row) {
      full = rows.size() >= kReadRows || bytes >= kReadBytes;
      if (full) return false;
      bytes += key.size() + row.size();
      rows.emplace_back(key, row);
      after = key;
      return true;
    };
    for (; shard < kShardCount; shard += step, after.clear()) {
      status = image->Scan(ShardId(static_cast<uint16_t>(shard)), "", std::string(after), add);
      if (full || !status.ok()) return;
    }
    ended = true;
  }
};

}  // namespace

runtime::Task<WarmUpOutcome> WarmUp(StorageThread& thread,
                                    const catalog::DefinitionsSource& definitions,
                                    const std::atomic<bool>& stopping) {
  WarmUpOutcome outcome;
  RowStore& store = thread.store();
  const std::shared_ptr<View> view = store.view();
  if (view == nullptr) co_return outcome;
  auto read = std::make_shared<Read>();  // joint owners: this task and the blocking pool
  read->view = view;
  read->image = view->TakeImage();
  // A row that changed since the image was taken is still in memory, and joins with what the image
  // has, as long as none was evicted.
  const uint64_t ticket = store.table().load_ticket();
  const auto ended = [&] {
    return stopping.load() || store.view() != view || !store.table().may_become_complete() ||
           store.table().memory_bytes() > store.memory_bytes_max();
  };
  read->shard = thread.index();
  read->step = thread.threads();
  while (!read->ended) {
    co_await runtime::RunBlocking(store.blocking(), thread.executor(), [read] { read->Run(); });
    outcome.status = read->status;
    if (!read->status.ok() || ended()) co_return outcome;
    for (size_t next = 0; next < read->rows.size();) {
      const std::shared_ptr<const catalog::Definitions> current = definitions.Current();
      const size_t end = std::min(next + kRowsPerSlice, read->rows.size());
      for (; next < end; ++next, ++outcome.rows) {
        const auto& [key, row] = read->rows[next];
        outcome.status = store.table().Load(key, row, ticket, *current).status();
        if (!outcome.status.ok()) co_return outcome;
      }
      store.UpdateGauges();
      co_await runtime::Yield(thread.executor());
      if (ended()) co_return outcome;
    }
  }
  store.table().SetComplete();
  outcome.complete = true;
  co_return outcome;
}

}  // namespace tokura::node
