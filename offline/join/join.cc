#include "offline/join/join.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "core/row.h"
#include "offline/arrow_file.h"
#include "offline/data_file_reader.h"
#include "offline/data_file_schema.h"
#include "offline/join/appearance.h"
#include "offline/join/spine_chunk.h"
#include "offline/value_builder.h"

namespace tokura::offline {
namespace {

constexpr uint64_t kReportEveryRows = 64 << 10;

// The files that can hold a record visible at some time of the chunk. A record beyond its group's
// TTL can hide nothing that is not expired too.
std::vector<const DataFile*> FilesToRead(const JoinGroup& join, const JoinOptions& options,
                                         const SpineChunk& chunk) {
  std::vector<const DataFile*> files;
  if (chunk.empty()) return files;
  const std::optional<int64_t>& ttl_us = join.group->ttl_us;
  for (const DataFile& file : join.table->current().files) {
    const bool too_late =
        options.mode != JoinMode::kServed && file.event_time_min_us > chunk.time_max_us();
    const bool expired = ttl_us && file.event_time_max_us < chunk.time_min_us() &&
                         chunk.time_min_us() - file.event_time_max_us >= *ttl_us;
    if (!too_late && !expired) files.push_back(&file);
  }
  return files;
}

SpineChunk ChunkOf(const std::vector<SpineBatch>& batches, size_t keys) {
  struct Entry {
    std::string_view key;
    int64_t time_us = 0;
    uint64_t row = 0;
    auto operator<=>(const Entry&) const = default;
  };
  std::vector<Entry> entries;
  uint64_t first_row = 0;
  for (const SpineBatch& batch : batches) {
    const arrow::BinaryArray& encoded = *batch.keys[keys];
    for (int64_t i = 0; i < encoded.length(); ++i) {
      if (encoded.IsNull(i) || batch.times_us->IsNull(i)) continue;
      entries.push_back(
          {encoded.GetView(i), batch.times_us->Value(i), first_row + static_cast<uint64_t>(i)});
    }
    first_row += static_cast<uint64_t>(batch.rows->num_rows());
  }
  std::sort(entries.begin(), entries.end());
  SpineChunk chunk;
  for (const Entry& entry : entries) chunk.Add(entry.key, entry.time_us, entry.row);
  return chunk;
}

// Joins the history of one group into the buckets of a chunk.
class GroupFold {
 public:
  GroupFold(const JoinGroup& join, const JoinOptions& options, const SpineChunk& chunk)
      : join_(join),
        appearance_{options.mode, options.lag_us},
        chunk_(chunk),
        rows_(chunk.size()) {}

  void Take(const HistoryRow& row) {
    const Record& record = row.record;
    if (!appearance_.Counts(static_cast<int32_t>(record.stores))) return;
    const std::string_view key = std::string_view(record.key).substr(kRowKeyHeaderBytes);
    const size_t found = chunk_.LowerBound(key, 0);
    if (found == chunk_.keys() || chunk_.key(found) != key) return;
    const size_t bucket = chunk_.Bucket(
        found, appearance_.At(record.event_time_us, row.write_time_us), chunk_.first(found));
    if (bucket < chunk_.end(found)) MergeRecord(record, join_.group->merge, &rows_[bucket]);
  }

  // Then each row holds all that it may see.
  void Accumulate() {
    for (size_t key = 0; key < chunk_.keys(); ++key) {
      for (size_t i = chunk_.first(key) + 1; i < chunk_.end(key); ++i) {
        MergeRow(rows_[i - 1], join_.group->merge, &rows_[i]);
      }
    }
  }
  const Row& row(size_t i) const { return rows_[i]; }

 private:
  const JoinGroup& join_;
  const Appearance appearance_;
  const SpineChunk& chunk_;
  std::vector<Row> rows_;
};

arrow::Result<arrow::ArrayVector> ValuesOf(const JoinGroup& join, const SpineChunk& chunk,
                                           const GroupFold& fold, uint64_t spine_rows) {
  constexpr size_t kNone = std::numeric_limits<size_t>::max();
  std::vector<size_t> place_of(spine_rows, kNone);
  for (size_t i = 0; i < chunk.size(); ++i) place_of[chunk.row(i)] = i;
  arrow::ArrayVector arrays;
  for (const Feature* feature : join.features) {
    ARROW_ASSIGN_OR_RAISE(ValueBuilder builder,
                          ValueBuilder::Make(feature->type, ArrowTypeOf(feature->type, 0)));
    for (const size_t place : place_of) {
      CellView view;
      if (place != kNone) {
        view = ReadCell(&fold.row(place), *join.group, *feature, chunk.time_us(place));
      }
      Value value;
      if (view.status == ReadStatus::kPresent) {
        value = *view.value;
      } else if (feature->default_value &&
                 (view.status == ReadStatus::kNotFound || view.status == ReadStatus::kExpired)) {
        value = *feature->default_value;
      }
      ARROW_RETURN_NOT_OK(builder.Append(value));
    }
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> array, builder.Finish());
    arrays.push_back(std::move(array));
  }
  return arrays;
}

class Join {
 public:
  Join(runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const JoinOptions& options,
       const std::function<void(const JoinProgress&)>& progress)
      : files_(files), groups_(groups), options_(options), report_(progress) {}

  Status Read(const std::function<Result<std::optional<SpineBatch>>()>& next) {
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(std::optional<SpineBatch> batch, next());
      if (!batch) return OkStatus();
      rows_ += static_cast<uint64_t>(batch->rows->num_rows());
      batches_.push_back(*std::move(batch));
    }
  }

  Status JoinGroups() {
    std::vector<SpineChunk> chunks;
    for (const JoinGroup& group : groups_) {
      chunks.push_back(ChunkOf(batches_, group.keys));
      for (const DataFile* file : FilesToRead(group, options_, chunks.back())) {
        progress_.history_rows_total += file->rows;
      }
    }
    for (size_t i = 0; i < groups_.size(); ++i) {
      TOKURA_RETURN_IF_ERROR(JoinOne(groups_[i], chunks[i]));
    }
    return OkStatus();
  }

  Result<JoinOutcome> Give(
      const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& take) const {
    JoinOutcome outcome;
    outcome.rows = rows_;
    const std::optional<int64_t> begin_us = HistoryBeginUs();
    int64_t first_row = 0;
    for (const SpineBatch& batch : batches_) {
      const int64_t rows = batch.rows->num_rows();
      arrow::FieldVector fields = batch.rows->schema()->fields();
      arrow::ArrayVector columns = batch.rows->columns();
      arrow::ArrayVector values;
      for (size_t g = 0; g < groups_.size(); ++g) {
        for (size_t f = 0; f < groups_[g].columns.size(); ++f) {
          values.push_back(values_[g][f]->Slice(first_row, rows));
          fields.push_back(arrow::field(groups_[g].columns[f], values.back()->type()));
        }
      }
      for (int64_t i = 0; i < rows; ++i) {
        const bool any = std::any_of(values.begin(), values.end(),
                                     [i](const auto& array) { return array->IsValid(i); });
        outcome.rows_without_any_value += any ? 0 : 1;
        const bool timed = batch.times_us->IsValid(i);
        const bool outside = timed && (!begin_us || batch.times_us->Value(i) < *begin_us);
        outcome.rows_outside_history += outside ? 1 : 0;
      }
      columns.insert(columns.end(), values.begin(), values.end());
      TOKURA_RETURN_IF_ERROR(take(arrow::RecordBatch::Make(
          arrow::schema(std::move(fields), batch.rows->schema()->metadata()), rows,
          std::move(columns))));
      first_row += rows;
    }
    return outcome;
  }

 private:
  Status JoinOne(const JoinGroup& join, const SpineChunk& chunk) {
    GroupFold fold(join, options_, chunk);
    uint64_t unreported = 0;
    const auto report = [&] {
      progress_.history_rows_done += std::exchange(unreported, 0);
      if (report_) report_(progress_);
    };
    for (const DataFile* file : FilesToRead(join, options_, chunk)) {
      TOKURA_ASSIGN_OR_RETURN(
          const std::unique_ptr<DataFileReader> reader,
          DataFileReader::Open(files_, join.table->folder(), *file, *join.group));
      while (true) {
        TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, reader->Next());
        if (!row) break;
        fold.Take(*row);
        if (++unreported == kReportEveryRows) report();
      }
    }
    report();
    fold.Accumulate();
    arrow::Result<arrow::ArrayVector> values = ValuesOf(join, chunk, fold, rows_);
    TOKURA_RETURN_IF_ERROR(FromArrow(values.status(), Code::kInternal, "training set"));
    values_.push_back(std::move(values).ValueUnsafe());
    return OkStatus();
  }

  // nullopt: there is none.
  std::optional<int64_t> HistoryBeginUs() const {
    std::optional<int64_t> begin_us;
    for (const JoinGroup& group : groups_) {
      for (const DataFile& file : group.table->current().files) {
        begin_us = std::min(begin_us.value_or(file.event_time_min_us), file.event_time_min_us);
      }
    }
    return begin_us;
  }

  runtime::FileSystem& files_;
  const std::vector<JoinGroup>& groups_;
  const JoinOptions& options_;
  const std::function<void(const JoinProgress&)>& report_;
  JoinProgress progress_;
  std::vector<SpineBatch> batches_;
  uint64_t rows_ = 0;
  std::vector<arrow::ArrayVector> values_;  // of each group, a feature each
};

}  // namespace

Result<JoinOutcome> JoinSpine(
    runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const JoinOptions& options,
    const std::function<Result<std::optional<SpineBatch>>()>& next,
    const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& take,
    const std::function<void(const JoinProgress&)>& progress) {
  Join join(files, groups, options, progress);
  TOKURA_RETURN_IF_ERROR(join.Read(next));
  TOKURA_RETURN_IF_ERROR(join.JoinGroups());
  return join.Give(take);
}

}  // namespace tokura::offline
