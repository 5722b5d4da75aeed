// RowStore: the rows of one storage thread: the row table in memory, and behind it the view, which
// holds what is not in memory (ADR 9).
//
//   records --Apply--> table --TakeDirty--> view      rows on their way out: ViewKeeper
//   requests <--Find-- table <---Load------ view      cold rows on their way in: Fetch, FetchRange
//
// Everything runs on the thread's executor. Writing never waits for the view.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "core/status.h"
#include "node/read_fence.h"
#include "node/row_table.h"
#include "node/view.h"
#include "runtime/executor.h"
#include "runtime/metrics.h"
#include "runtime/task.h"

namespace tokura::node {

// Of all threads together.
struct RowMetrics {
  explicit RowMetrics(runtime::Metrics& metrics);
  runtime::Counter& found_in_memory;
  runtime::Counter& found_in_view;
  runtime::Counter& found_nowhere;
  runtime::Histogram& cold_read_seconds;
  runtime::Counter& evicted;
  runtime::Counter& refused;
  runtime::Gauge& rows;
  runtime::Gauge& memory_bytes;
  runtime::Gauge& dirty_rows;
};

class RowStore {
 public:
  static constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();
  // `memory_bytes_max`: of this thread's rows. References outlive the store.
  RowStore(runtime::Executor& executor, runtime::BlockingPool& blocking, runtime::Clock& clock,
           const catalog::DefinitionsSource& definitions, RowMetrics& metrics,
           size_t memory_bytes_max);

  RowTable& table() { return *table_; }
  // Begins again with an empty, complete table: what was recovered was of no use.
  void Reset();
  size_t memory_bytes_max() const { return memory_bytes_max_; }
  runtime::BlockingPool& blocking() { return blocking_; }

  // What lies behind the table; null: nothing, or it is being made again, so rows that are not in
  // memory are not known. `on_error` is called, on this executor, when a read of it fails.
  using OnViewError = std::function<void(Status)>;
  void SetView(std::shared_ptr<View> view, OnViewError on_error);
  const std::shared_ptr<View>& view() const { return view_; }

  // Brings rows into memory: returned OK => until the caller is next suspended, the table knows
  // every one of `keys`. UNAVAILABLE: the view does not answer. RESOURCE_EXHAUSTED: too many
  // such reads at a time. `keys` stay valid; each is of a group of `definitions`.
  runtime::Task<Status> Fetch(std::vector<std::string_view> keys,
                              const catalog::Definitions& definitions);
  // The same for rows that RowTable::Scan walks through: returned `end` => until the caller is next
  // suspended, the table has every row with `prefix` above `after` and not above `end` (nullopt:
  // all).
  runtime::Task<Result<std::optional<std::string>>> FetchRange(
      const FeatureGroup& group, std::string prefix, std::string after,
      const catalog::Definitions& definitions);
  // For the metric: so many rows of a request needed no Fetch.
  void CountFoundInMemory(size_t rows) { metrics_.found_in_memory.Add(static_cast<double>(rows)); }

  // RESOURCE_EXHAUSTED with a time to wait: rows that the view does not have yet fill the memory.
  Status CheckRoom();
  // Whether rows should go to the view soon, so that others can leave memory.
  bool wants_writing() const;
  // Drops rows over the bound that may leave, looking at about so many.
  void Trim(size_t rows_max);
  // The view has them (ok) or not; they may leave memory.
  void Written(std::span<const RowTable::DirtyRow> rows, bool ok);
  void UpdateGauges();

 private:
  struct Job;
  class Fetching;
  runtime::Task<Status> ReadView(std::shared_ptr<Job> job);
  Status LoadAll(const Job& job, uint64_t ticket);
  bool LoadNew(const FeatureGroup& group, const Job& job, const std::optional<std::string>& end,
               uint64_t begun, uint64_t ticket);
  bool IsKnown(std::string_view key) const;

  runtime::Executor& executor_;
  runtime::BlockingPool& blocking_;
  runtime::Clock& clock_;
  const catalog::DefinitionsSource& definitions_;
  RowMetrics& metrics_;
  const size_t memory_bytes_max_;
  std::optional<RowTable> table_;
  std::shared_ptr<View> view_;  // joint owners: the keeper, all threads, reads under way
  OnViewError on_error_;
  ReadFence fence_;      // of ranges
  size_t reads_ = 0;     // of the view, under way
  size_t fetching_ = 0;  // requests that wait for them
  // As last told to the gauges, which sum over threads.
  size_t told_rows_ = 0;
  size_t told_bytes_ = 0;
  size_t told_dirty_ = 0;
};

}  // namespace tokura::node
