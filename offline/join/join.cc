#include "offline/join/join.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "offline/join/chunk_join.h"
#include "offline/join/group_values.h"
#include "offline/join/radix_sort.h"
#include "offline/join/spine_chunk.h"
#include "offline/join/spine_sort.h"
#include "offline/join/spine_store.h"
#include "offline/join/workers.h"
#include "offline/records/arrow_file.h"

namespace tokura::offline {
namespace {

constexpr size_t kChunkRowsMin = 16;
constexpr size_t kChunkRowsMax = size_t{1} << 30;
constexpr uint64_t kBytesOfText = 32;  // a guess at strings, bytes and lists

// What a row of a chunk takes while it is joined: itself, what holds it, and its values twice.
uint64_t BytesPerRow(const JoinGroup& join, const SpineSort& sort) {
  constexpr uint64_t kHolderBytes = 24;
  constexpr uint64_t kRowBytes = 48;
  uint64_t bytes = kRowBytes + kHolderBytes + sort.key_bytes() / std::max<uint64_t>(sort.rows(), 1);
  for (const Feature* feature : join.features) {
    const uint64_t width = feature->type.fixed_width();
    bytes += kHolderBytes + 2 * (width > 0 ? width : kBytesOfText);
  }
  return bytes;
}

// The numbers of a chunk's rows, ascending, and the place of each row among them.
struct Places {
  std::shared_ptr<arrow::UInt64Array> rows;
  std::vector<uint32_t> of;
};

Places PlacesOf(const SpineChunk& chunk) {
  std::vector<RadixEntry> order(chunk.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = {chunk.row(i), static_cast<uint32_t>(i)};
  RadixSort(&order);
  Places places;
  places.of.resize(order.size());
  std::vector<uint64_t> rows(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    rows[i] = order[i].key;
    places.of[order[i].index] = static_cast<uint32_t>(i);
  }
  places.rows = std::make_shared<arrow::UInt64Array>(static_cast<int64_t>(rows.size()),
                                                     arrow::Buffer::FromVector(std::move(rows)));
  return places;
}

class Join {
 public:
  Join(runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const JoinOptions& options,
       const std::function<void(const JoinProgress&)>& progress)
      : files_(files),
        groups_(groups),
        options_(options),
        report_(progress),
        workers_(options.pool, options.threads),
        store_(files, InFolder("rows"), options.memory_bytes / 8) {}

  Status OpenFolder() {
    for (const JoinGroup& join : groups_) key_sets_.try_emplace(join.keys, nullptr);
    const uint64_t share = options_.memory_bytes / 4 / std::max<size_t>(key_sets_.size(), 1);
    for (auto& [keys, sort] : key_sets_) {
      const std::string stem = InFolder("keys-" + std::to_string(keys) + "-");
      sort = std::make_unique<SpineSort>(files_, stem, share);
    }
    if (options_.work_folder.empty()) return OkStatus();
    return files_.CreateDirectories(options_.work_folder);
  }

  Status Read(const std::function<Result<std::optional<SpineBatch>>()>& next) {
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(std::optional<SpineBatch> batch, next());
      if (!batch) break;
      for (auto& [keys, sort] : key_sets_) {
        TOKURA_RETURN_IF_ERROR(sort->Add(*batch->keys[keys], *batch->times_us, store_.rows()));
      }
      TOKURA_RETURN_IF_ERROR(store_.Add({std::move(batch->rows), std::move(batch->times_us)}));
    }
    return OkStatus();
  }

  Status JoinGroups() {
    for (const JoinGroup& join : groups_) {
      for (const DataFile& file : join.table->current().files) {
        progress_.history_rows_total += file.rows;
      }
    }
    for (size_t i = 0; i < groups_.size(); ++i) TOKURA_RETURN_IF_ERROR(JoinOne(i));
    return OkStatus();
  }

  Result<JoinOutcome> Give(
      const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& take) {
    JoinOutcome outcome;
    const std::optional<int64_t> begin_us = HistoryBeginUs();
    TOKURA_RETURN_IF_ERROR(store_.Begin());
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const SpineStore::Batch batch, store_.Next());
      if (batch.rows == nullptr) return outcome;
      arrow::FieldVector fields = batch.rows->schema()->fields();
      arrow::ArrayVector columns = batch.rows->columns();
      const int own = batch.rows->num_columns();
      const uint64_t end = outcome.rows + static_cast<uint64_t>(batch.rows->num_rows());
      for (size_t g = 0; g < groups_.size(); ++g) {
        TOKURA_ASSIGN_OR_RETURN(const arrow::ArrayVector values,
                                values_[g]->Take(outcome.rows, end));
        for (size_t f = 0; f < values.size(); ++f) {
          fields.push_back(arrow::field(groups_[g].columns[f], values[f]->type()));
          columns.push_back(values[f]);
        }
      }
      const auto whole = arrow::RecordBatch::Make(
          arrow::schema(std::move(fields), batch.rows->schema()->metadata()),
          batch.rows->num_rows(), std::move(columns));
      Count(*whole, own, *batch.times_us, begin_us, &outcome);
      TOKURA_RETURN_IF_ERROR(take(whole));
    }
  }

  // Nobody will ask for it again.
  Status RemoveFolder() {
    values_.clear();
    key_sets_.clear();
    return options_.work_folder.empty() ? OkStatus() : files_.RemoveAll(options_.work_folder);
  }

 private:
  std::string InFolder(const std::string& name) const {
    return options_.work_folder.empty() ? "" : options_.work_folder + "/" + name;
  }

  Status JoinOne(size_t number) {
    const JoinGroup& join = groups_[number];
    SpineSort& sort = *key_sets_.at(join.keys);
    TOKURA_ASSIGN_OR_RETURN(
        std::unique_ptr<GroupValues> values,
        GroupValues::Make(files_, InFolder("group-" + std::to_string(number) + "-"), join,
                          options_.memory_bytes / 8 / groups_.size()));
    uint64_t history_rows = 0;
    for (const DataFile& file : join.table->current().files) history_rows += file.rows;
    const uint64_t done = progress_.history_rows_done;
    TOKURA_ASSIGN_OR_RETURN(const bool resumed, values->Resume());
    if (!resumed) {
      TOKURA_RETURN_IF_ERROR(sort.Begin());
      const auto rows_max = static_cast<size_t>(std::clamp<uint64_t>(
          options_.memory_bytes / 2 / BytesPerRow(join, sort), kChunkRowsMin, kChunkRowsMax));
      const uint64_t chunks = (sort.rows() + rows_max - 1) / rows_max;
      for (uint64_t i = 0; i < chunks; ++i) {
        TOKURA_ASSIGN_OR_RETURN(SpineChunk chunk, sort.Next(rows_max));
        TOKURA_RETURN_IF_ERROR(JoinPart(
            join, std::move(chunk),
            [&](uint64_t rows) { Report(rows / chunks, done + history_rows); }, values.get()));
      }
      TOKURA_RETURN_IF_ERROR(values->Finish());
    }
    Report(history_rows, done + history_rows);
    values_.push_back(std::move(values));
    return OkStatus();
  }

  // In halves, if its values are larger than guessed.
  Status JoinPart(const JoinGroup& join, SpineChunk whole,
                  const std::function<void(uint64_t)>& on_rows, GroupValues* values) {
    std::vector<SpineChunk> parts;
    parts.push_back(std::move(whole));
    while (!parts.empty()) {
      const SpineChunk chunk = std::move(parts.back());
      parts.pop_back();
      const uint64_t bytes_max = chunk.size() <= kChunkRowsMin
                                     ? std::numeric_limits<uint64_t>::max()
                                     : options_.memory_bytes / 2;
      const Places places = PlacesOf(chunk);
      TOKURA_ASSIGN_OR_RETURN(
          const std::optional<arrow::ArrayVector> columns,
          JoinChunk(files_, join, options_, workers_, chunk, places.of, bytes_max, on_rows));
      if (columns) {
        TOKURA_RETURN_IF_ERROR(values->Add(places.rows, *columns));
      } else {
        parts.push_back(chunk.Part(chunk.size() / 2, chunk.size()));
        parts.push_back(chunk.Part(0, chunk.size() / 2));
      }
    }
    return OkStatus();
  }

  // Any thread.
  void Report(uint64_t rows, uint64_t rows_max) {
    const std::lock_guard lock(mutex_);
    progress_.history_rows_done = std::min(progress_.history_rows_done + rows, rows_max);
    if (report_) report_(progress_);
  }

  static void Count(const arrow::RecordBatch& batch, int own_columns,
                    const arrow::Int64Array& times_us, std::optional<int64_t> begin_us,
                    JoinOutcome* outcome) {
    outcome->rows += static_cast<uint64_t>(batch.num_rows());
    for (int64_t i = 0; i < batch.num_rows(); ++i) {
      bool any = false;
      for (int c = own_columns; c < batch.num_columns() && !any; ++c) {
        any = batch.column(c)->IsValid(i);
      }
      outcome->rows_without_any_value += any ? 0 : 1;
      const bool outside = times_us.IsValid(i) && (!begin_us || times_us.Value(i) < *begin_us);
      outcome->rows_outside_history += outside ? 1 : 0;
    }
  }

  // Of the first record of any group; nullopt: there is none.
  std::optional<int64_t> HistoryBeginUs() const {
    std::optional<int64_t> begin_us;
    for (const JoinGroup& join : groups_) {
      for (const DataFile& file : join.table->current().files) {
        begin_us = std::min(begin_us.value_or(file.event_time_min_us), file.event_time_min_us);
      }
    }
    return begin_us;
  }

  runtime::FileSystem& files_;
  const std::vector<JoinGroup>& groups_;
  const JoinOptions& options_;
  const std::function<void(const JoinProgress&)>& report_;
  const Workers workers_;
  SpineStore store_;
  std::map<size_t, std::unique_ptr<SpineSort>> key_sets_;
  std::vector<std::unique_ptr<GroupValues>> values_;  // of each group
  std::mutex mutex_;
  JoinProgress progress_;
};

}  // namespace

Result<JoinOutcome> JoinSpine(
    runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const JoinOptions& options,
    const std::function<Result<std::optional<SpineBatch>>()>& next,
    const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& take,
    const std::function<void(const JoinProgress&)>& progress) {
  Join join(files, groups, options, progress);
  TOKURA_RETURN_IF_ERROR(join.OpenFolder());
  TOKURA_RETURN_IF_ERROR(join.Read(next));
  TOKURA_RETURN_IF_ERROR(join.JoinGroups());
  TOKURA_ASSIGN_OR_RETURN(const JoinOutcome outcome, join.Give(take));
  TOKURA_RETURN_IF_ERROR(join.RemoveFolder());
  return outcome;
}

}  // namespace tokura::offline
