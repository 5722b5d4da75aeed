#include "node/row_store.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/key_codec.h"
#include "node/view_rows.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr size_t kReadsMax = 256;        // of the view, at a time, for one thread
constexpr size_t kTrimRows = 2'048;      // looked at when rows were fetched
constexpr size_t kRangeRowsMax = 1'000;  // of one read of a range
constexpr size_t kRangeBytesMax = 1 << 20;
// A row that is written and evicted while it is read is read again; so often.
constexpr int kAttempts = 10;
// Memory may be so much over its bound while rows are fetched: else a bound that is small for the
// rows of one request could make them leave as fast as they come.
constexpr size_t kFetchBytesMin = 1 << 20;
constexpr size_t kFetchBytesMax = 64 << 20;
// Less than this waits for the view whatever the bound, or a small bound would stop all writing.
constexpr size_t kDirtyBytesMin = 1 << 20;

}  // namespace

RowMetrics::RowMetrics(runtime::Metrics& metrics)
    : found_in_memory(metrics.counter("tokura_node_row_lookups_total",
                                      "Rows looked up, by where they were found.",
                                      {{"found", "memory"}})),
      found_in_view(metrics.counter("tokura_node_row_lookups_total",
                                    "Rows looked up, by where they were found.",
                                    {{"found", "view"}})),
      found_nowhere(metrics.counter("tokura_node_row_lookups_total",
                                    "Rows looked up, by where they were found.",
                                    {{"found", "nowhere"}})),
      cold_read_seconds(metrics.histogram("tokura_node_cold_read_seconds",
                                          "Time of one batch of rows read from the view.")),
      evicted(metrics.counter("tokura_node_rows_evicted_total", "Rows that left memory.")),
      refused(metrics.counter("tokura_node_writes_refused_total",
                              "Appends refused because rows that the view lacks fill the memory.")),
      rows(metrics.gauge("tokura_node_rows", "Rows in memory.")),
      memory_bytes(metrics.gauge("tokura_node_row_memory_bytes", "Memory of the rows, about.")),
      dirty_rows(metrics.gauge("tokura_node_dirty_rows", "Rows that the view does not have yet.")) {
}

// One visit to the blocking pool; its results are read on the thread.
struct RowStore::Job {
  std::shared_ptr<View> view;
  std::vector<std::string> keys;
  std::vector<ShardId> shards;
  // A range instead of keys: its rows become keys and rows.
  std::optional<std::pair<std::string, std::string>> range;  // prefix, after
  bool more = false;
  // results
  Status status;
  std::vector<std::optional<std::string>> rows;

  void Run() { status = range ? RunRange() : RunKeys(); }
  Status RunKeys() {
    std::vector<View::Key> asked;
    asked.reserve(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) asked.push_back({shards[i], keys[i]});
    rows.assign(keys.size(), std::nullopt);
    return view->Get(asked, rows);
  }
  Status RunRange() {
    size_t bytes = 0;
    keys.clear();
    rows.clear();
    return view->Scan(shards[0], range->first, range->second,
                      [this, &bytes](std::string_view key, std::string_view row) {
                        more = keys.size() >= kRangeRowsMax || bytes >= kRangeBytesMax;
                        if (more) return false;
                        bytes += key.size() + row.size();
                        keys.emplace_back(key);
                        rows.emplace_back(row);
                        return true;
                      });
  }
};

RowStore::RowStore(runtime::Executor& executor, runtime::BlockingPool& blocking,
                   runtime::Clock& clock, const catalog::DefinitionsSource& definitions,
                   RowMetrics& metrics, size_t memory_bytes_max)
    : executor_(executor),
      blocking_(blocking),
      clock_(clock),
      definitions_(definitions),
      metrics_(metrics),
      memory_bytes_max_(memory_bytes_max) {
  Reset();
}

void RowStore::Reset() {
  table_.emplace();
  table_->TrackDirty();
}

void RowStore::SetView(std::shared_ptr<View> view, OnViewError on_error) {
  view_ = std::move(view);
  on_error_ = std::move(on_error);
}

// Reads what `job` asks on the blocking pool.
runtime::Task<Status> RowStore::ReadView(std::shared_ptr<Job> job) {
  if (view_ == nullptr) {
    co_return Unavailable(
        "the view is being made again, and rows that are not in memory are not known until then; "
        "try again");
  }
  if (reads_ >= kReadsMax) {
    co_return ResourceExhausted("over " + std::to_string(kReadsMax) +
                                " reads of rows that are not in memory at a time; try again")
        .WithRetryAfter(100ms);
  }
  job->view = view_;
  const std::chrono::nanoseconds begin = clock_.Monotonic();
  ++reads_;
  co_await runtime::RunBlocking(blocking_, executor_, [job] { job->Run(); });
  --reads_;
  metrics_.cold_read_seconds.Observe(
      std::chrono::duration<double>(clock_.Monotonic() - begin).count());
  if (job->status.ok()) co_return OkStatus();
  if (job->view == view_ && on_error_) on_error_(job->status);
  co_return Unavailable("the view failed; try again");
}

// Counts those who bring rows into memory. When one ends, and its caller has looked, what is over
// the bound leaves.
class RowStore::Fetching {
 public:
  explicit Fetching(RowStore& store) : store_(store) { ++store_.fetching_; }
  Fetching(const Fetching&) = delete;
  Fetching& operator=(const Fetching&) = delete;
  ~Fetching() {
    --store_.fetching_;
    store_.executor_.Post([store = &store_] { store->Trim(kTrimRows); });
  }

 private:
  RowStore& store_;
};

runtime::Task<Status> RowStore::Fetch(std::vector<std::string_view> keys,
                                      const catalog::Definitions& definitions) {
  const Fetching fetching(*this);
  size_t found = 0;
  std::vector<std::string_view> unknown = keys;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto job = std::make_shared<Job>();  // joint owners: this read and the blocking pool
    for (std::string_view key : unknown) {
      const std::optional<ShardId> shard = ShardOfKey(key, definitions);
      if (!shard) continue;
      job->keys.emplace_back(key);
      job->shards.push_back(*shard);
    }
    const uint64_t ticket = table_->load_ticket();
    TOKURA_CO_RETURN_IF_ERROR(co_await ReadView(job));
    TOKURA_CO_RETURN_IF_ERROR(LoadAll(*job, ticket));
    for (const auto& row : job->rows) found += row.has_value() ? 1 : 0;
    // Rows of which the view may know more by now; and some that left memory meanwhile.
    std::erase_if(unknown = keys, [this](std::string_view key) { return IsKnown(key); });
    if (!unknown.empty()) continue;
    metrics_.found_in_view.Add(static_cast<double>(std::min(found, keys.size())));
    metrics_.found_nowhere.Add(static_cast<double>(keys.size() - std::min(found, keys.size())));
    co_return OkStatus();
  }
  co_return Unavailable("rows changed all the time while they were read; try again");
}

bool RowStore::IsKnown(std::string_view key) const {
  return table_->Find(key).presence != RowTable::Presence::kUnknown;
}

// What was read becomes rows.
Status RowStore::LoadAll(const Job& job, uint64_t ticket) {
  // The newest, or rows written meanwhile could be of a later schema.
  const std::shared_ptr<const catalog::Definitions> current = definitions_.Current();
  for (size_t i = 0; i < job.keys.size(); ++i) {
    const Result<bool> loaded = table_->Load(job.keys[i], job.rows[i], ticket, *current);
    if (loaded.ok()) continue;
    if (job.view == view_ && on_error_) on_error_(loaded.status().WithContext("a row"));
    return Unavailable("the view failed; try again");
  }
  return OkStatus();
}

runtime::Task<Result<std::optional<std::string>>> RowStore::FetchRange(
    const FeatureGroup& group, std::string prefix, std::string after,
    const catalog::Definitions& definitions) {
  if (table_->complete()) co_return std::optional<std::string>();
  if (!RowTable::IsOrdered(group)) {
    const bool unknown =
        prefix > after && table_->Find(prefix).presence == RowTable::Presence::kUnknown;
    if (unknown) {
      std::vector<std::string_view> keys{prefix};
      TOKURA_CO_RETURN_IF_ERROR(co_await Fetch(std::move(keys), definitions));
    }
    co_return std::optional<std::string>();
  }
  const Fetching fetching(*this);
  auto job = std::make_shared<Job>();  // joint owners: this read and the blocking pool
  TOKURA_CO_ASSIGN_OR_RETURN(ShardId shard, ShardOfRowKey(prefix, group.entity));
  job->shards = {shard};
  job->range = {prefix, after};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint64_t begun = fence_.Begin();
    const uint64_t ticket = table_->load_ticket();
    Status status = co_await ReadView(job);
    if (status.ok()) status = LoadAll(*job, ticket);
    std::optional<std::string> end;
    if (job->more) end = job->keys.back();
    const bool all = status.ok() && LoadNew(group, *job, end, begun, ticket);
    fence_.End(begun);
    if (!status.ok()) co_return status;
    if (all) co_return end;
  }
  co_return Unavailable("rows changed all the time while they were read; try again");
}

// The rows of a range that were not in the view when it was read. False: some row is not known.
bool RowStore::LoadNew(const FeatureGroup& group, const Job& job,
                       const std::optional<std::string>& end, uint64_t begun, uint64_t ticket) {
  const auto& [prefix, after] = *job.range;
  std::vector<std::string> partial;
  table_->Scan(group, prefix, after, [&](std::string_view key, std::string_view) {
    if (end && key > *end) return false;
    if (!IsKnown(key)) partial.emplace_back(key);
    return true;
  });
  const std::shared_ptr<const catalog::Definitions> current = definitions_.Current();
  for (const std::string& key : partial) {
    const Result<bool> loaded = table_->Load(key, std::nullopt, ticket, *current);
    if (!loaded.ok() || !*loaded) return false;
  }
  for (const std::string& key : job.keys) {
    if (!IsKnown(key)) return false;
  }
  // A row that came, was written and evicted meanwhile is neither in what was read nor in memory.
  return fence_.AllWrittenSince(begun,
                                [&, prefix = std::string_view(prefix)](std::string_view key) {
                                  return !key.starts_with(prefix) || IsKnown(key);
                                });
}

Status RowStore::CheckRoom() {
  if (memory_bytes_max_ == kUnlimited) return OkStatus();
  const bool over = table_->memory_bytes() > memory_bytes_max_ + memory_bytes_max_ / 8 &&
                    table_->dirty_bytes() > std::max(memory_bytes_max_ / 2, kDirtyBytesMin);
  if (!over) return OkStatus();
  metrics_.refused.Add();
  return ResourceExhausted(
             "the rows that the view does not have yet fill --row-memory; slow down "
             "and try again")
      .WithRetryAfter(100ms);
}

bool RowStore::wants_writing() const {
  return memory_bytes_max_ != kUnlimited && table_->memory_bytes() > memory_bytes_max_ &&
         table_->dirty_bytes() > std::max(memory_bytes_max_ / 4, kDirtyBytesMin / 2);
}

void RowStore::Trim(size_t rows_max) {
  // Without a view nothing may leave: it could not be brought back.
  if (view_ == nullptr || memory_bytes_max_ == kUnlimited) return;
  size_t bound = memory_bytes_max_;
  if (fetching_ > 0) bound += std::clamp(bound / 16, kFetchBytesMin, kFetchBytesMax);
  if (table_->memory_bytes() <= bound) return;
  const size_t dropped = table_->Evict(bound, rows_max);
  metrics_.evicted.Add(static_cast<double>(dropped));
}

void RowStore::Written(std::span<const RowTable::DirtyRow> rows, bool ok) {
  table_->Written(rows, ok);
  if (!ok) return;
  for (const RowTable::DirtyRow& row : rows) fence_.NoteWritten(row.key);
  Trim(2 * rows.size());
}

void RowStore::UpdateGauges() {
  const auto tell = [](size_t now, size_t* told, runtime::Gauge& gauge) {
    if (now != *told) gauge.Add(static_cast<double>(now) - static_cast<double>(*told));
    *told = now;
  };
  tell(table_->rows(), &told_rows_, metrics_.rows);
  tell(table_->memory_bytes(), &told_bytes_, metrics_.memory_bytes);
  tell(table_->dirty_rows(), &told_dirty_, metrics_.dirty_rows);
}

}  // namespace tokura::node
