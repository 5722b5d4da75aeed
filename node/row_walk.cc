#include "node/row_walk.h"

#include <xxhash.h>

#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/key_codec.h"
#include "node/view_rows.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

constexpr size_t kRowsPerSlice = 1'000;
constexpr size_t kBytesPerSlice = 4 << 20;

using Rows = std::vector<std::pair<std::string, std::string>>;

// One visit to the blocking pool. An image of the view that is made in the same turn in which the
// rows in memory are noted has all that left memory before, and nothing that came after.
struct Job {
  std::shared_ptr<View> view;  // ends after its image
  std::unique_ptr<View::Image> image;
  Rows rows;
  // Of a slice of the image.
  ShardId shard;
  std::string after;
  bool more = false;
  // result
  Status status;

  // Joins what the image holds of the same keys into `rows`.
  void JoinHeld(const catalog::Definitions& definitions) {
    for (auto& [key, packed] : rows) {
      const std::optional<ShardId> place = ShardOfKey(key, definitions);
      if (!place) continue;
      std::optional<std::string> held;
      status = image->Scan(*place, key, "", [&](std::string_view found, std::string_view row) {
        if (found == key) held.emplace(row);
        return false;
      });
      if (!status.ok()) return;
      if (!held) continue;
      Result<std::string> joined =
          JoinPackedRows(packed, *held, *definitions.FindGroup(*RowKeyGroup(key)));
      status = joined.status();
      if (!status.ok()) return;
      packed = std::move(*joined);
    }
  }
  void ReadSlice() {
    size_t bytes = 0;
    rows.clear();
    more = false;
    status = image->Scan(shard, "", after, [&](std::string_view key, std::string_view row) {
      more = rows.size() >= kRowsPerSlice || bytes >= kBytesPerSlice;
      if (more) return false;
      bytes += key.size() + row.size();
      rows.emplace_back(key, row);
      return true;
    });
    if (!rows.empty()) after = rows.back().first;
  }
};

runtime::Task<Status> WalkMemory(StorageThread& thread,
                                 std::function<bool(std::string_view, std::string_view)> visit) {
  RowTable::Walk walk(thread.rows());
  bool wanted = true;
  const auto watch = [&](std::string_view key, std::string_view packed) {
    wanted = visit(key, packed);
    return wanted;
  };
  while (walk.Next(kRowsPerSlice, watch)) co_await runtime::Yield(thread.executor());
  co_return OkStatus();
}

}  // namespace

runtime::Task<Status> WalkRows(StorageThread& thread, const catalog::Definitions& definitions,
                               std::function<bool(std::string_view, std::string_view)> visit) {
  if (thread.rows().complete()) co_return co_await WalkMemory(thread, std::move(visit));
  auto job = std::make_shared<Job>();  // joint owners: this walk and the blocking pool
  job->view = thread.store().view();
  if (job->view == nullptr) {
    co_return Unavailable("the view is being made again; try again when it is there");
  }
  job->image = job->view->TakeImage();
  RowTable::Walk walk(thread.rows());

  boost::unordered_flat_set<uint64_t> in_memory;  // hashes of keys
  for (bool more = true; more;) {
    job->rows.clear();
    more = walk.Next(kRowsPerSlice, [&](std::string_view key, std::string_view packed) {
      job->rows.emplace_back(key, packed);
      return true;
    });
    co_await runtime::RunBlocking(thread.store().blocking(), thread.executor(),
                                  [job, &definitions] { job->JoinHeld(definitions); });
    if (!job->status.ok()) co_return job->status;
    for (const auto& [key, packed] : job->rows) {
      in_memory.insert(XXH3_64bits(key.data(), key.size()));
      if (!visit(key, packed)) co_return OkStatus();
    }
  }
  for (size_t shard = thread.index(); shard < kShardCount; shard += thread.threads()) {
    job->shard = ShardId(static_cast<uint16_t>(shard));
    job->after.clear();
    do {
      co_await runtime::RunBlocking(thread.store().blocking(), thread.executor(),
                                    [job] { job->ReadSlice(); });
      if (!job->status.ok()) co_return job->status;
      for (const auto& [key, packed] : job->rows) {
        if (in_memory.contains(XXH3_64bits(key.data(), key.size()))) continue;
        if (!visit(key, packed)) co_return OkStatus();
      }
    } while (job->more);
  }
  co_return OkStatus();
}

}  // namespace tokura::node
