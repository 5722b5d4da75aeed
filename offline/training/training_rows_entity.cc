#include <algorithm>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "offline/join/appearance.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"
#include "offline/records/history_merge.h"
#include "offline/records/value_builder.h"
#include "offline/training/spine.h"
#include "offline/training/training_rows.h"

namespace tokura::offline {
namespace {

const Type kTime{Kind::kTimestamp};

// Which changes rows are made of.
class Wanted {
 public:
  Wanted(const EntityRows& rows, const Appearance& appearance)
      : rows_(rows), appearance_(appearance) {}

  bool operator()(const RecordView& record, const RecordPlace& place) const {
    if (!appearance_.Counts(static_cast<int32_t>(record.stores))) return false;
    const int64_t event_time_us = record.version.event_time_us;
    if (!rows_.as_of_us) return event_time_us >= rows_.from_us && event_time_us < rows_.to_us;
    return appearance_.At(event_time_us, place.write_time_us) <= *rows_.as_of_us;
  }
  bool MayBeIn(const DataFile& file) const {
    if (!rows_.as_of_us) {
      return file.event_time_max_us >= rows_.from_us && file.event_time_min_us < rows_.to_us;
    }
    // Not before it happened, unless only the time of the write counts.
    return appearance_.mode == JoinMode::kServed || file.event_time_min_us <= *rows_.as_of_us;
  }

 private:
  const EntityRows rows_;
  const Appearance appearance_;
};

// The changes of one table that are wanted, by key and time.
class Changes {
 public:
  static Result<Changes> Open(runtime::FileSystem& files, const JoinGroup& group,
                              const Wanted& wanted, uint64_t memory_bytes,
                              const std::string& spill_path) {
    std::vector<DataFile> data_files;
    for (const DataFile& file : group.table->current().files) {
      if (wanted.MayBeIn(file)) data_files.push_back(file);
    }
    HistoryMergeOptions options;
    options.features.emplace();
    options.wanted = wanted;
    options.memory_bytes = memory_bytes;
    options.spill_path = spill_path;
    Changes changes(std::make_unique<HistoryMerge>(
        files, group.table->folder(), std::move(data_files), *group.group, std::move(options)));
    TOKURA_RETURN_IF_ERROR(changes.Advance());
    return changes;
  }

  bool ended() const { return ended_; }
  // Without the group, so that the keys of an entity are equal in all its groups.
  std::string_view key() const { return change_.key.substr(kRowKeyHeaderBytes); }
  int64_t event_time_us() const { return change_.version.event_time_us; }
  bool deletes_row() const { return change_.delete_row; }
  Status Advance() {
    PlacedRecord record;
    TOKURA_ASSIGN_OR_RETURN(const bool more, merge_->Next(&record));
    ended_ = !more;
    TOKURA_CHECK(ended_ || OpenRecord(record.body, &change_));
    return OkStatus();
  }

 private:
  explicit Changes(std::unique_ptr<HistoryMerge> merge) : merge_(std::move(merge)) {}

  std::unique_ptr<HistoryMerge> merge_;
  RecordView change_;
  bool ended_ = false;
};

class EntityHistoryRows final : public TrainingRows {
 public:
  EntityHistoryRows(const std::vector<JoinGroup>& groups, const DatasetInputs& inputs,
                    std::vector<Changes> changes, RowSelector* selector)
      : keys_(groups.front().group->entity.keys),
        as_of_us_(inputs.entities->as_of_us),
        changes_(std::move(changes)),
        selector_(selector) {
    arrow::FieldVector fields;
    for (const KeyColumn& key : keys_) {
      fields.push_back(arrow::field(key.name, ArrowTypeOf(key.type, 0)));
    }
    fields.push_back(arrow::field(inputs.time_column, ArrowTypeOf(kTime, 0)));
    schema_ = arrow::schema(std::move(fields));
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Result<std::optional<SpineBatch>> Next() override {
    std::vector<std::pair<std::string, int64_t>> rows;
    while (rows.size() < static_cast<size_t>(Spine::kBatchRows) && HasKey()) {
      TOKURA_RETURN_IF_ERROR(as_of_us_ ? AddKey(&rows) : AddChange(&rows));
    }
    if (rows.empty()) return std::optional<SpineBatch>();
    TOKURA_ASSIGN_OR_RETURN(SpineBatch batch, BatchOf(rows));
    if (selector_ != nullptr) {
      const std::shared_ptr<arrow::RecordBatch> all = batch.rows;
      TOKURA_RETURN_IF_ERROR(selector_->Select(*all, &batch));
    }
    return std::optional<SpineBatch>(std::move(batch));
  }

 private:
  using Rows = std::vector<std::pair<std::string, int64_t>>;

  bool HasKey() const {
    return std::any_of(changes_.begin(), changes_.end(),
                       [](const Changes& changes) { return !changes.ended(); });
  }
  std::string FirstKey() const {
    const Changes* first = nullptr;
    for (const Changes& changes : changes_) {
      if (changes.ended()) continue;
      if (first == nullptr || changes.key() < first->key()) first = &changes;
    }
    return std::string(first->key());
  }

  // The next change of all groups: a row for its key and time.
  Status AddChange(Rows* rows) {
    const std::string key = FirstKey();
    std::optional<int64_t> time_us;
    for (const Changes& changes : changes_) {
      if (changes.ended() || changes.key() != key) continue;
      const int64_t at_us = changes.event_time_us();
      time_us = std::min(time_us.value_or(at_us), at_us);
    }
    for (Changes& changes : changes_) {
      while (!changes.ended() && changes.key() == key && changes.event_time_us() == *time_us) {
        TOKURA_RETURN_IF_ERROR(changes.Advance());
      }
    }
    rows->emplace_back(key, *time_us);
    return OkStatus();
  }

  // The next key: a row for it, unless in every group the newest record of it is a delete.
  Status AddKey(Rows* rows) {
    const std::string key = FirstKey();
    bool lives = false;
    for (Changes& changes : changes_) {
      bool written = false;
      while (!changes.ended() && changes.key() == key) {
        written = !changes.deletes_row();
        TOKURA_RETURN_IF_ERROR(changes.Advance());
      }
      lives = lives || written;
    }
    if (lives) rows->emplace_back(key, *as_of_us_);
    return OkStatus();
  }

  Result<SpineBatch> BatchOf(const Rows& rows) const {
    const auto build = [&]() -> arrow::Result<SpineBatch> {
      std::vector<ValueBuilder> columns;
      for (size_t c = 0; c <= keys_.size(); ++c) {
        const Type& type = c < keys_.size() ? keys_[c].type : kTime;
        ARROW_ASSIGN_OR_RAISE(ValueBuilder builder, ValueBuilder::Make(type, ArrowTypeOf(type, 0)));
        columns.push_back(std::move(builder));
      }
      arrow::BinaryBuilder keys;
      arrow::Int64Builder times;
      for (const auto& [key, time_us] : rows) {
        const Result<std::vector<Value>> values =
            DecodeRowKey(RowKeyHeader(GroupId(1)) + key, keys_);
        if (!values.ok()) return ToArrow(values.status());
        for (size_t c = 0; c < keys_.size(); ++c) {
          ARROW_RETURN_NOT_OK(columns[c].Append((*values)[c]));
        }
        ARROW_RETURN_NOT_OK(columns.back().Append(Value(Timestamp{time_us})));
        ARROW_RETURN_NOT_OK(keys.Append(key));
        ARROW_RETURN_NOT_OK(times.Append(time_us));
      }
      arrow::ArrayVector arrays;
      for (ValueBuilder& column : columns) {
        ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> array, column.Finish());
        arrays.push_back(std::move(array));
      }
      SpineBatch batch;
      batch.rows =
          arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows.size()), std::move(arrays));
      batch.keys.emplace_back();
      ARROW_RETURN_NOT_OK(keys.Finish(&batch.keys.back()));
      ARROW_RETURN_NOT_OK(times.Finish(&batch.times_us));
      return batch;
    };
    arrow::Result<SpineBatch> batch = build();
    if (!batch.ok()) return FromArrow(batch.status(), Code::kInternal, "rows of an entity");
    return std::move(batch).ValueUnsafe();
  }

  const std::vector<KeyColumn> keys_;
  const std::optional<int64_t> as_of_us_;
  std::vector<Changes> changes_;
  RowSelector* selector_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

Result<std::unique_ptr<TrainingRows>> OpenEntityRows(
    runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const DatasetInputs& inputs,
    uint64_t memory_bytes, const std::string& spill_folder, RowSelector* selector) {
  const Wanted wanted(*inputs.entities, {inputs.mode, inputs.lag_us});
  std::vector<Changes> changes;
  for (const JoinGroup& group : groups) {
    const std::string spill_path = spill_folder + "/changes-" + std::to_string(changes.size());
    TOKURA_ASSIGN_OR_RETURN(
        Changes opened,
        Changes::Open(files, group, wanted, memory_bytes / groups.size(), spill_path));
    changes.push_back(std::move(opened));
  }
  return std::unique_ptr<TrainingRows>(
      std::make_unique<EntityHistoryRows>(groups, inputs, std::move(changes), selector));
}

}  // namespace tokura::offline
