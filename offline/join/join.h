// The point-in-time join: for each row of a spine (keys, time) the values of features as they were
// then (offline.md, "Training sets"). The spine streams through: it is sorted by key and time, with
// spill beyond a memory bound; each group's history passes by once; rows come out in the order and
// with the columns of the spine, followed by a column for each feature.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/schema.h"
#include "core/status.h"
#include "offline/join/join_mode.h"
#include "offline/table/table.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// One feature group: its features in the order of their columns.
struct JoinGroup {
  const FeatureGroup* group = nullptr;
  std::vector<const Feature*> features;
  std::vector<std::string> columns;  // their names in the result
  const Table* table = nullptr;      // opened at the snapshot that is to be read
  size_t keys = 0;                   // which of SpineBatch::keys are this group's
};

struct SpineBatch {
  std::shared_ptr<arrow::RecordBatch> rows;     // the spine's columns, as they are in the result
  std::shared_ptr<arrow::Int64Array> times_us;  // null: the row is not found
  // For each set of key columns, the encoded columns of each row without the group's prefix
  // (core/key_codec.h); null: not found.
  std::vector<std::shared_ptr<arrow::BinaryArray>> keys;
};

struct JoinOptions {
  JoinMode mode = JoinMode::kEvent;
  int64_t lag_us = 0;                     // of kKnown
  uint64_t memory_bytes = 2ull << 30;     // of all that it holds, about
  runtime::BlockingPool* pool = nullptr;  // does the work; null: the calling thread does
  size_t threads = 1;                     // of the pool, to use side by side
  // What does not fit is spilled here. Groups that an earlier run of the same join finished are
  // taken from here; a run that ends well leaves nothing.
  std::string work_folder;
};

struct JoinOutcome {
  uint64_t rows = 0;
  uint64_t rows_without_any_value = 0;
  uint64_t rows_outside_history = 0;  // t before the first record of every group
};

// `next`: nullopt at the end. `take` gets the result batch by batch, in order. Blocking.
Result<JoinOutcome> JoinSpine(
    runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const JoinOptions& options,
    const std::function<Result<std::optional<SpineBatch>>()>& next,
    const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& take,
    const std::function<void(const JoinProgress&)>& progress);

}  // namespace tokura::offline
