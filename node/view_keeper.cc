#include "node/view_keeper.h"

#include <algorithm>
#include <utility>

#include "node/view_rebuild.h"
#include "node/warm_up.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kPauseMin = 1s;
constexpr std::chrono::nanoseconds kPauseMax = 30s;
constexpr std::chrono::nanoseconds kReleaseWait = 5ms;
constexpr std::chrono::nanoseconds kViewPurgeRest = 20ms;  // between slices
constexpr size_t kMarkRows = 2'048;                        // between which requests are served

// On the thread.
runtime::Task<void> SetView(StorageThread& thread, std::shared_ptr<View> view,
                            RowStore::OnViewError on_error) {
  thread.store().SetView(std::move(view), std::move(on_error));
  co_return;
}
runtime::Task<bool> IsComplete(StorageThread& thread) { co_return thread.rows().complete(); }
runtime::Task<void> MarkAllDirty(StorageThread& thread) {
  while (!thread.rows().MarkAllDirty(kMarkRows)) co_await runtime::Yield(thread.executor());
}

}  // namespace

ViewKeeper::ViewKeeper(ViewKeeperOptions options, UpkeepParts parts,
                       const replication::RecoveredLog& recovered)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      writer_(*parts_.home, *parts_.blocking, *parts_.clock, *parts_.metrics, *parts_.definitions,
              parts_.threads, recovered.end),
      base_(options_.base, parts_, recovered.bytes, stopping_),
      purger_(options_.purge, parts_, stopping_),
      rebuilds_(parts_.metrics->counter("tokura_node_view_rebuilds_total",
                                        "Times that the view was lost and made again.")),
      lag_bytes_(parts_.metrics->gauge("tokura_node_view_lag_bytes",
                                       "Log that the view does not have yet.")),
      lag_seconds_(parts_.metrics->gauge("tokura_node_view_lag_seconds",
                                         "Since the view last had everything.")),
      wake_(*parts_.home),
      tasks_(*parts_.home) {}

runtime::Task<void> ViewKeeper::Start(std::shared_ptr<View> view, bool warm) {
  view_ = std::move(view);
  last_flush_ = parts_.clock->Monotonic();
  dirty_ = true;  // what was recovered
  if (view_ != nullptr) co_await GiveView(view_);
  if (view_ != nullptr && warm) {
    warm_begin_ = parts_.clock->Monotonic();
    warming_ = parts_.threads.size();
    for (StorageThread* thread : parts_.threads) tasks_.Spawn(Warm(*thread));
  }
  tasks_.Spawn(Run());
}

void ViewKeeper::NoteCommit(StorageThread& thread) {
  const bool much = thread.unmarked_bytes() > options_.flush_log_bytes / parts_.threads.size() ||
                    thread.store().wants_writing();
  const bool news = !dirty_.exchange(true);
  const bool urge = much && !urgent_.exchange(true);
  if (news || urge) {
    parts_.home->Post([this] { wake_.NotifyAll(); });
  }
}

runtime::Task<void> ViewKeeper::Run() {
  co_await base_.Begin();
  while (!stopping_) {
    if (view_ == nullptr) {
      co_await Renew();
      continue;
    }
    co_await WaitForWork();
    if (failure_.ok() && !stopping_) {
      const Status worked = co_await WorkOnce();
      if (failure_.ok()) failure_ = worked;
    }
    if (failure_.code() == Code::kInternal) break;  // the log failed: the node ends
    if (!failure_.ok()) co_await Drop();
  }
}

// Rows that hold up memory, and much log that is not in the view, are written soon; else what is
// dirty waits for the interval, so that rows that change often are not written each time.
runtime::Task<void> ViewKeeper::WaitForWork() {
  while (!stopping_ && failure_.ok() && !urgent_) {
    const std::optional<std::chrono::nanoseconds> next = NextWork();
    const std::chrono::nanoseconds now = parts_.clock->Monotonic();
    if (next && *next <= now) break;
    if (next) {
      co_await wake_.WaitFor(*next - now);
    } else {
      co_await wake_.Wait();
    }
  }
}

// When there is something to do if nothing else happens; nullopt: never.
std::optional<std::chrono::nanoseconds> ViewKeeper::NextWork() const {
  std::optional<std::chrono::nanoseconds> next;
  const auto consider = [&next](std::chrono::nanoseconds when) {
    next = next ? std::min(*next, when) : when;
  };
  if (dirty_) consider(last_flush_ + options_.flush_interval);
  if (!purging_) consider(purger_.due());
  if (purging_view_) consider(last_view_purge_ + kViewPurgeRest);
  return next;
}

runtime::Task<Status> ViewKeeper::WorkOnce() {
  const std::chrono::nanoseconds now = parts_.clock->Monotonic();
  const bool due = now - last_flush_ >= options_.flush_interval;
  if (urgent_ || (dirty_ && due)) {
    TOKURA_CO_RETURN_IF_ERROR(co_await Round(due ? 0 : options_.flush_log_bytes / 2));
    if (writer_.unflushed_bytes() == 0) {
      TOKURA_CO_RETURN_IF_ERROR(
          co_await base_.MaybeCut(view_, writer_.flushed(), writer_.log_bytes()));
    }
  }
  if (!purging_ && now >= purger_.due()) {
    TOKURA_CO_RETURN_IF_ERROR(co_await BeginPurge());
  }
  if (purging_view_) {
    TOKURA_CO_ASSIGN_OR_RETURN(purging_view_,
                               co_await purger_.PurgeView(view_, writer_.horizons_us()));
    last_view_purge_ = parts_.clock->Monotonic();
  }
  co_return OkStatus();
}

// Horizons are in the view's mark before anything is purged below them: whatever comes back after a
// crash knows them.
runtime::Task<Status> ViewKeeper::BeginPurge() {
  writer_.SetHorizons(co_await purger_.Horizons(writer_.horizons_us()));
  TOKURA_CO_RETURN_IF_ERROR(co_await Round(/*flush_bytes=*/0));
  purging_ = true;
  purging_view_ = true;
  tasks_.Spawn(PurgeMemory());
  co_return OkStatus();
}

runtime::Task<void> ViewKeeper::PurgeMemory() {
  co_await purger_.PurgeMemory(writer_.horizons_us());
  purging_ = false;
  dirty_ = true;
  wake_.NotifyAll();
}

runtime::Task<Status> ViewKeeper::Round(uint64_t flush_bytes) {
  dirty_ = false;  // what comes from here on is for the next round
  urgent_ = false;
  const std::chrono::nanoseconds begin = parts_.clock->Monotonic();
  TOKURA_CO_RETURN_IF_ERROR(co_await writer_.Round(view_, flush_bytes));
  if (writer_.unflushed_bytes() == 0) {
    last_flush_ = begin;
  } else {
    dirty_ = true;  // for the flush that is due
  }
  lag_seconds_.Set(std::chrono::duration<double>(begin - last_flush_).count());
  lag_bytes_.Set(static_cast<double>(writer_.unflushed_bytes()));
  co_return OkStatus();
}

// From any part of the node, on the first executor: the view that is there is of no use any more.
void ViewKeeper::NoteFailure(Status why) {
  if (view_ == nullptr || !failure_.ok()) return;
  failure_ = std::move(why);
  wake_.NotifyAll();
}

runtime::Task<void> ViewKeeper::Drop() {
  parts_.logger->Error(options_.view.directory + ": " + failure_.message() +
                       "; removed, and made again from the log");
  rebuilds_.Add();
  co_await Release();
  failure_ = OkStatus();
}

// Nobody uses the view any more when this returns.
runtime::Task<void> ViewKeeper::Release() {
  co_await GiveView(nullptr);
  while (view_.use_count() > 1) co_await runtime::Sleep(*parts_.home, kReleaseWait);
  // Closing it may take a while, and must end before anything else happens to its files.
  co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [this] { view_.reset(); });
}

runtime::Task<void> ViewKeeper::GiveView(std::shared_ptr<View> view) {
  RowStore::OnViewError on_error;
  if (view != nullptr) {
    on_error = [this, given = view.get()](Status why) {
      parts_.home->Post([this, given, why = std::move(why)] {
        if (view_.get() == given) NoteFailure(why);
      });
    };
  }
  for (StorageThread* thread : parts_.threads) {
    co_await runtime::RunOn(*parts_.home, thread->executor(), SetView(*thread, view, on_error));
  }
}

runtime::Task<void> ViewKeeper::Renew() {
  const std::chrono::nanoseconds until = parts_.clock->Monotonic() + pause_;
  while (!stopping_ && parts_.clock->Monotonic() < until) {
    co_await wake_.WaitFor(until - parts_.clock->Monotonic());
  }
  if (stopping_) co_return;
  Status status = co_await OpenEmpty();
  if (status.ok()) status = co_await Refill();
  if (status.ok()) {
    co_await GiveView(view_);
    pause_ = 0ns;
    dirty_ = true;
    urgent_ = true;
    parts_.logger->Info(options_.view.directory + ": made again");
    co_return;
  }
  if (view_ != nullptr) co_await Release();
  if (stopping_) co_return;
  pause_ = std::clamp(2 * pause_, kPauseMin, kPauseMax);
  parts_.logger->Error(options_.view.directory + ": cannot be made: " + status.message() +
                       "; rows that are not in memory read UNKNOWN until it is; trying again");
}

runtime::Task<Status> ViewKeeper::OpenEmpty() {
  auto status = std::make_shared<Status>();  // joint owners: this attempt and the blocking pool
  co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [this, status] {
    *status = View::Remove(*parts_.files, options_.view.directory);
    if (!status->ok()) return;
    Result<std::unique_ptr<View>> opened =
        View::Open(*parts_.files, options_.view, *parts_.metrics);
    *status = opened.status();
    if (opened.ok()) view_ = std::move(*opened);
  });
  co_return *status;
}

// The rows of a new view: all are in memory, and go there with the next round; or they are made
// from the log.
runtime::Task<Status> ViewKeeper::Refill() {
  bool complete = true;
  for (StorageThread* thread : parts_.threads) {
    const bool one = co_await runtime::RunOn(*parts_.home, thread->executor(), IsComplete(*thread));
    complete = complete && one;
  }
  if (complete) {
    for (StorageThread* thread : parts_.threads) {
      co_await runtime::RunOn(*parts_.home, thread->executor(), MarkAllDirty(*thread));
    }
    co_return OkStatus();
  }
  TOKURA_CO_ASSIGN_OR_RETURN(replication::LogMark mark, co_await writer_.SyncedMark());
  auto status = std::make_shared<Status>();  // joint owners: this attempt and the blocking pool
  co_await runtime::RunBlocking(
      *parts_.blocking, *parts_.home,
      [this, status, mark = std::move(mark), definitions = parts_.definitions->Current()] {
        *status =
            RebuildView(*parts_.files, parts_.log_directory, *view_, mark, *definitions, stopping_);
      });
  co_return *status;
}

runtime::Task<void> ViewKeeper::Warm(StorageThread& thread) {
  const WarmUpOutcome outcome = co_await runtime::RunOn(
      *parts_.home, thread.executor(), WarmUp(thread, *parts_.definitions, stopping_));
  if (!outcome.status.ok()) NoteFailure(outcome.status);
  warm_rows_ += outcome.rows;
  all_warm_ = all_warm_ && outcome.complete;
  if (--warming_ > 0 || stopping_) co_return;
  const std::chrono::duration<double> took = parts_.clock->Monotonic() - warm_begin_;
  parts_.metrics->gauge("tokura_node_warm_seconds", "Time until memory was warm after the start.")
      .Set(took.count());
  parts_.logger->Info("brought " + std::to_string(warm_rows_) + " rows into memory in " +
                      std::to_string(took.count()) + " s; " +
                      (all_warm_ ? "all are there" : "others stay in the view"));
}

runtime::Task<void> ViewKeeper::Stop() {
  stopping_ = true;
  wake_.NotifyAll();
  co_await tasks_.Join();
  if (view_ == nullptr) co_return;
  if (failure_.ok()) failure_ = co_await Round(/*flush_bytes=*/0);
  if (!failure_.ok()) {
    parts_.logger->Warning(options_.view.directory + ": " + failure_.message() +
                           "; the next start makes what it lacks from the log");
  }
  co_await Release();
}

}  // namespace tokura::node
