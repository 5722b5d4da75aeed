#include "offline/compactor.h"

#include <algorithm>
#include <utility>

#include "offline/compactor_impl.h"

namespace tokura::offline {
namespace {

using runtime::Task;
using namespace std::chrono_literals;

constexpr auto kRoundPauseMin = 10ms;
constexpr auto kRoundPauseMax = 1s;   // new groups get their table within it
constexpr auto kCoverPause = 200ms;   // between two looks of a waiter that nothing woke
constexpr auto kStatusTimeout = 10s;  // of a node
constexpr auto kStalled = 60s;        // CommitNow gives up when nothing moves for so long

}  // namespace

class Compactor::Impl::CallGuard {
 public:
  explicit CallGuard(Impl* impl) : impl_(impl) { ++impl_->calls_; }
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;
  ~CallGuard() {
    --impl_->calls_;
    impl_->progress_.NotifyAll();
  }

 private:
  Impl* impl_;
};

Compactor::Impl::Impl(CompactorOptions options, CompactorRuntime runtime,
                      const catalog::DefinitionsSource& definitions,
                      std::vector<runtime::Address> nodes)
    : options_(std::move(options)),
      runtime_(runtime),
      definitions_(definitions),
      round_lock_(*runtime.executor),
      progress_(*runtime.executor),
      wake_(*runtime.executor),
      tasks_(*runtime.executor),
      rows_total_(runtime.metrics->counter("tokura_offline_rows_total", "Rows committed.")),
      files_total_(runtime.metrics->counter("tokura_offline_files_total", "Data files committed.")),
      bytes_total_(runtime.metrics->counter("tokura_offline_bytes_total",
                                            "Bytes of the data files committed.")),
      duplicates_total_(runtime.metrics->counter("tokura_offline_duplicates_total",
                                                 "Records dropped because the table had them.")),
      failures_total_(runtime.metrics->counter("tokura_offline_commit_failures_total",
                                               "Commits that failed and are tried again.")),
      merged_files_total_(
          runtime.metrics->counter("tokura_offline_merged_files_total",
                                   "Small data files that were merged into larger ones.")),
      care_failures_total_(runtime.metrics->counter("tokura_offline_care_failures_total",
                                                    "Merges of data files that failed.")),
      commit_seconds_(runtime.metrics->histogram("tokura_offline_commit_seconds",
                                                 "Time of one commit to one table.")),
      lag_seconds_(runtime.metrics->gauge("tokura_offline_lag_seconds",
                                          "How far the table furthest behind is; 0: none is.")),
      buffer_bytes_(runtime.metrics->gauge("tokura_offline_buffer_bytes",
                                           "Memory of rows read and not yet committed.")) {
  for (runtime::Address& node : nodes) {
    auto feed = std::make_unique<Feed>();
    feed->client = std::make_unique<client::NodeClient>(*runtime_.executor, *runtime_.transport,
                                                        std::move(node));
    feeds_.push_back(std::move(feed));
  }
  if (feeds_.empty()) return;
  fill_ = std::make_unique<OnlineFill>(options_, runtime_, definitions_, *feeds_.front()->client,
                                       [this] { return CommitNow(); });
}

Task<Status> Compactor::Impl::Start() {
  Status status;
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    status = runtime_.files->CreateDirectories(options_.offline_root);
    if (!status.ok()) return;
    auto lock = runtime_.files->Lock(options_.offline_root + "/_tokura.lock");
    status = lock.ok() ? OkStatus() : lock.status();
    if (lock.ok()) lock_ = std::move(lock).value();
  });
  if (status.code() == Code::kFailedPrecondition) {
    status = FailedPrecondition("another compactor works on " + options_.offline_root + ": " +
                                status.message());
  }
  if (!status.ok()) co_return status;
  const Definitions definitions = definitions_.Current();
  co_await SyncTables(definitions);
  for (const auto& [id, table] : tables_) {
    if (id == tables_.begin()->first) {
      start_ = table.covered;
    } else {
      start_.MeetWith(table.covered);
    }
  }
  buffer_.Restart(start_);
  first_new_group_ = definitions->next_group_id;
  started_ = true;
  for (const std::unique_ptr<Feed>& feed : feeds_) tasks_.Spawn(Follow(feed.get()));
  tasks_.Spawn(Run());
  if (fill_ != nullptr) fill_->Start();
  tasks_.Spawn(TakeCare());
  co_return OkStatus();
}

Task<void> Compactor::Impl::Run() {
  const auto pause = std::clamp<std::chrono::nanoseconds>(options_.commit_interval, kRoundPauseMin,
                                                          kRoundPauseMax);
  auto last_commit = runtime_.clock->Monotonic();
  while (!stopping_) {
    co_await wake_.WaitFor(pause);
    if (stopping_) break;
    const runtime::Mutex::Guard guard = co_await round_lock_.Lock();
    if (runtime_.clock->Monotonic() - last_commit >= options_.commit_interval ||
        buffer_.bytes() >= options_.buffer_bytes_max) {
      last_commit = runtime_.clock->Monotonic();
      co_await Round(Persist::kWhenDue);
    } else {
      const Definitions definitions = definitions_.Current();
      co_await SyncTables(definitions);
    }
    double lag = 0;
    for (const auto& [id, table] : tables_) lag = std::max(lag, LagSeconds(table));
    lag_seconds_.Set(lag);
  }
}

bool Compactor::Impl::Covers(const PositionVector& vector) const {
  if (!unopened_.empty()) return false;
  for (const GroupId id : buffer_.groups()) {
    if (!tables_.contains(id)) return false;  // of definitions that are not here yet
  }
  if (tables_.empty()) return buffer_.read().Covers(vector);
  return std::all_of(tables_.begin(), tables_.end(),
                     [&](const auto& entry) { return entry.second.covered.Covers(vector); });
}

uint64_t Compactor::Impl::FeedFailures() const {
  uint64_t failures = 0;
  for (const std::unique_ptr<Feed>& feed : feeds_) failures += feed->failures;
  return failures;
}

// A feed that cannot be read for damage, and so not until somebody mends it.
Status Compactor::Impl::Damage() const {
  for (const std::unique_ptr<Feed>& feed : feeds_) {
    if (feed->failing.code() == Code::kCorrupt) return feed->failing;
  }
  return OkStatus();
}

Task<Status> Compactor::Impl::WaitCovered(PositionVector vector,
                                          std::chrono::microseconds timeout) {
  const CallGuard call(this);
  const auto deadline = runtime_.clock->Monotonic() + timeout;
  const uint64_t failures = FeedFailures();
  while (true) {
    if (stopping_ || !started_) co_return Unavailable("the compactor is stopping");
    {
      const runtime::Mutex::Guard guard = co_await round_lock_.Lock();
      const Definitions definitions = definitions_.Current();
      co_await SyncTables(definitions);
      if (Covers(vector)) co_return OkStatus();
      if (buffer_.read().Covers(vector)) co_await Round(Persist::kWhenDue);
      if (Covers(vector)) co_return OkStatus();
    }
    // What failed before the call may have been mended since.
    if (FeedFailures() > failures) TOKURA_CO_RETURN_IF_ERROR(Damage());
    const std::chrono::nanoseconds left = deadline - runtime_.clock->Monotonic();
    if (left <= 0ns) {
      co_return DeadlineExceeded(
          "the offline tables do not cover this yet; see the compactor's log if they stay behind");
    }
    co_await progress_.WaitFor(std::min<std::chrono::nanoseconds>(left, kCoverPause));
  }
}

Task<Result<PositionVector>> Compactor::Impl::AcceptedByNodes() {
  PositionVector accepted;
  for (const std::unique_ptr<Feed>& feed : feeds_) {
    Result<client::NodeInfo> info = co_await feed->client->GetStatus(kStatusTimeout);
    if (!info.ok()) {
      co_return info.status().WithContext("node " + feed->client->address().ToString());
    }
    Result<PositionVector> vector = PositionVector::Decode(info->vector);
    if (!vector.ok()) co_return vector.status();
    accepted.JoinWith(*vector);
  }
  co_return accepted;
}

Task<Status> Compactor::Impl::CommitNow() {
  const CallGuard call(this);
  Result<PositionVector> accepted = co_await AcceptedByNodes();
  if (!accepted.ok()) co_return accepted.status();
  while (true) {
    const uint64_t progress = progress_count_;
    const Status status = co_await WaitCovered(*accepted, kStalled);
    // A long log is read for longer than that; only standing still is a failure.
    if (status.code() != Code::kDeadline || progress == progress_count_) co_return status;
  }
}

double Compactor::Impl::LagSeconds(const TableState& table) const {
  const bool behind = !AllRead() || !table.covered.Covers(buffer_.read());
  if (!behind) return 0;
  const int64_t lag_us = runtime_.clock->NowUs() - table.covered_watermark_us;
  return static_cast<double>(std::max<int64_t>(0, lag_us)) / 1e6;
}

// As of the last round; but others may have published since, and have removed the version of the
// metadata that the round saw.
Task<std::vector<client::OfflineGroupStatus>> Compactor::Impl::GetStatus() {
  const CallGuard call(this);
  std::vector<client::OfflineGroupStatus> groups;
  std::vector<std::string> folders;
  for (const auto& [id, table] : tables_) {
    groups.push_back(table.status);
    groups.back().lag_seconds = LagSeconds(table);
    folders.push_back(table.writer->table().folder());
  }
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    for (size_t i = 0; i < folders.size(); ++i) {
      const MetadataFiles files(*runtime_.files, folders[i]);
      const Result<int64_t> newest = files.NewestVersion();
      if (newest.ok() && *newest > 0) {
        groups[i].metadata_location = UriOfPath(files.VersionPath(*newest));
      }
    }
  });
  co_return groups;
}

Task<void> Compactor::Impl::Stop() {
  stopping_ = true;
  wake_.NotifyAll();
  progress_.NotifyAll();
  for (const std::unique_ptr<Feed>& feed : feeds_) co_await feed->client->Stop();
  if (fill_ != nullptr) co_await fill_->Stop();
  co_await tasks_.Join();
  while (calls_ > 0) co_await progress_.WaitFor(kCoverPause);
  if (!started_) co_return;
  started_ = false;
  {
    const runtime::Mutex::Guard guard = co_await round_lock_.Lock();
    co_await Round(Persist::kAll);
  }
  tables_.clear();
  lock_.reset();
}

Compactor::Compactor(CompactorOptions options, CompactorRuntime runtime,
                     const catalog::DefinitionsSource& definitions,
                     std::vector<runtime::Address> nodes)
    : impl_(std::make_unique<Impl>(std::move(options), runtime, definitions, std::move(nodes))) {}
Compactor::~Compactor() = default;

Task<Status> Compactor::Start() { co_return co_await impl_->Start(); }

Task<Status> Compactor::CommitNow() { co_return co_await impl_->CommitNow(); }

Task<Status> Compactor::WaitCovered(std::string vector, std::chrono::microseconds timeout) {
  Result<PositionVector> decoded = PositionVector::Decode(vector);
  if (!decoded.ok()) co_return decoded.status();
  co_return co_await impl_->WaitCovered(std::move(decoded).value(), timeout);
}

Task<Result<std::vector<client::OfflineGroupStatus>>> Compactor::GetStatus() {
  co_return co_await impl_->GetStatus();
}

Task<void> Compactor::Stop() { co_await impl_->Stop(); }

}  // namespace tokura::offline
