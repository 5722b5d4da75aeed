#include "node/purger.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/key_codec.h"
#include "core/purge.h"
#include "core/row.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

// A thread purges for so long in one turn, and then lets others run for so long.
constexpr std::chrono::nanoseconds kTurn = 500us;
constexpr std::chrono::nanoseconds kRest = 10ms;
constexpr size_t kRowsPerLook = 128;     // between looks at the clock
constexpr size_t kRowsPerTurn = 16'384;  // where the clock stands still in a turn
constexpr size_t kViewRowsPerSlice = 4'096;

runtime::Task<int64_t> CloseHlc(StorageThread& thread) { co_return thread.log().CloseHlc(); }

constexpr char kRemoved[] = "tokura_node_rows_purged_total";
constexpr char kRemovedHelp[] = "Rows of which nothing was left below the horizon.";
constexpr char kShrunk[] = "tokura_node_rows_shrunk_total";
constexpr char kShrunkHelp[] = "Rows of which something went below the horizon.";

}  // namespace

// Some rows of the view, shard after shard, on the blocking pool.
struct Purger::ViewSlice {
  std::shared_ptr<View> view;
  std::shared_ptr<const catalog::Definitions> definitions;
  std::map<GroupId, int64_t> horizons_us;
  int64_t now_us = 0;
  // Where it begins, and then where it ended; all shards: the round ended.
  uint16_t shard = 0;
  std::string after;
  // results
  Status status;
  size_t removed = 0;
  size_t shrunk = 0;

  struct Purged {
    ShardId shard;
    std::string key;
    std::optional<std::string> row;
  };
  std::vector<Purged> purged;

  void Run() {
    size_t looked_at = 0;
    bool full = false;
    const auto look = [&](std::string_view key, std::string_view packed) {
      full = ++looked_at > kViewRowsPerSlice;
      if (full) return false;
      after = key;
      Look(key, packed);
      return true;
    };
    for (; shard < kShardCount; ++shard, after.clear()) {
      status = view->Scan(ShardId(shard), "", std::string(after), look);
      if (!status.ok()) return;
      if (full) break;
    }
    if (purged.empty()) return;
    std::vector<View::Change> changes;
    for (const Purged& one : purged) changes.push_back({one.shard, one.key, one.row});
    status = view->Write(changes, std::nullopt);
  }

  void Look(std::string_view key, std::string_view packed) {
    const Result<GroupId> id = RowKeyGroup(key);
    const FeatureGroup* group = id.ok() ? definitions->FindGroup(*id) : nullptr;
    if (group == nullptr) {  // dropped
      purged.push_back({ShardId(shard), std::string(key), std::nullopt});
      ++removed;
      return;
    }
    const auto horizon = horizons_us.find(*id);
    const std::optional<int64_t> horizon_us =
        horizon == horizons_us.end() ? std::nullopt : std::optional(horizon->second);
    if (!MayPurge(packed, *group, horizon_us, now_us)) return;
    Result<Row> row = UnpackRow(packed, *group);
    if (!row.ok() || !PurgeRow(*group, horizon_us, now_us, &*row)) return;
    if (IsNothing(*row)) {
      purged.push_back({ShardId(shard), std::string(key), std::nullopt});
      ++removed;
    } else {
      purged.push_back({ShardId(shard), std::string(key), PackRow(*row, *group)});
      ++shrunk;
    }
  }
};

Purger::Purger(PurgeOptions options, UpkeepParts parts, const std::atomic<bool>& stopping)
    : options_(options),
      parts_(std::move(parts)),
      stopping_(stopping),
      due_(parts_.clock->Monotonic() + options_.interval),
      view_due_(due_),
      memory_removed_(parts_.metrics->counter(kRemoved, kRemovedHelp, {{"place", "memory"}})),
      memory_shrunk_(parts_.metrics->counter(kShrunk, kShrunkHelp, {{"place", "memory"}})),
      view_removed_(parts_.metrics->counter(kRemoved, kRemovedHelp, {{"place", "view"}})),
      view_shrunk_(parts_.metrics->counter(kShrunk, kShrunkHelp, {{"place", "view"}})),
      rounds_(parts_.metrics->counter("tokura_node_purge_rounds_total",
                                      "Times that all rows in memory were looked at.")) {}

runtime::Task<std::map<GroupId, int64_t>> Purger::Horizons(std::map<GroupId, int64_t> current) {
  int64_t watermark_us = std::numeric_limits<int64_t>::max();
  for (StorageThread* thread : parts_.threads) {
    const int64_t closed =
        co_await runtime::RunOn(*parts_.home, thread->executor(), CloseHlc(*thread));
    watermark_us = std::min(watermark_us, closed);
  }
  const std::shared_ptr<const catalog::Definitions> definitions = parts_.definitions->Current();
  std::erase_if(current, [&](const auto& one) {
    return definitions->FindGroup(one.first) == nullptr;  // its rows go as a whole
  });
  for (const FeatureGroup& group : definitions->groups) {
    const std::optional<int64_t> horizon_us = HorizonUs(group, watermark_us);
    if (!horizon_us) continue;
    const auto [it, added] = current.try_emplace(group.id, *horizon_us);
    it->second = std::max(it->second, *horizon_us);
  }
  co_return current;
}

runtime::Task<void> Purger::PurgeMemory(std::map<GroupId, int64_t> horizons_us) {
  due_ = parts_.clock->Monotonic() + options_.interval;
  const std::vector<std::pair<GroupId, int64_t>> horizons(horizons_us.begin(), horizons_us.end());
  runtime::TaskGroup threads(*parts_.home);
  for (StorageThread* thread : parts_.threads) {
    threads.Spawn(runtime::RunOn(*parts_.home, thread->executor(), PurgeThread(*thread, horizons)));
  }
  co_await threads.Join();
  rounds_.Add();
  // The interval lies between rounds, however long they take.
  due_ = parts_.clock->Monotonic() + options_.interval;
}

runtime::Task<void> Purger::PurgeThread(StorageThread& thread,
                                        std::vector<std::pair<GroupId, int64_t>> horizons_us) {
  thread.rows().SetHorizons(std::move(horizons_us));
  for (bool wrapped = false; !wrapped && !stopping_;) {
    const std::shared_ptr<const catalog::Definitions> definitions = parts_.definitions->Current();
    const std::chrono::nanoseconds end = parts_.clock->Monotonic() + kTurn;
    for (size_t rows = 0; !wrapped && rows < kRowsPerTurn; rows += kRowsPerLook) {
      const RowTable::PurgeResult result =
          thread.rows().Purge(*definitions, parts_.clock->NowUs(), kRowsPerLook);
      memory_removed_.Add(static_cast<double>(result.rows_removed));
      memory_shrunk_.Add(static_cast<double>(result.rows_shrunk));
      wrapped = result.wrapped;
      if (parts_.clock->Monotonic() >= end) break;
    }
    thread.store().UpdateGauges();
    if (!wrapped) co_await runtime::Sleep(thread.executor(), kRest);
  }
}

runtime::Task<Result<bool>> Purger::PurgeView(std::shared_ptr<View> view,
                                              const std::map<GroupId, int64_t>& horizons_us) {
  if (shard_ == 0 && after_.empty() && parts_.clock->Monotonic() < view_due_) co_return false;
  auto slice = std::make_shared<ViewSlice>();  // joint owners: this task and the blocking pool
  slice->view = std::move(view);
  slice->definitions = parts_.definitions->Current();
  slice->horizons_us = horizons_us;
  slice->now_us = parts_.clock->NowUs();
  slice->shard = shard_;
  slice->after = after_;
  co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [slice] { slice->Run(); });
  slice->view.reset();
  if (!slice->status.ok()) co_return slice->status;
  view_removed_.Add(static_cast<double>(slice->removed));
  view_shrunk_.Add(static_cast<double>(slice->shrunk));
  const bool ended = slice->shard >= kShardCount;
  shard_ = ended ? 0 : slice->shard;
  after_ = std::move(slice->after);
  if (!ended) co_return true;
  view_due_ = parts_.clock->Monotonic() + options_.view_interval;
  co_return false;
}

}  // namespace tokura::node
