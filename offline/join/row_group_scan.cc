#include "offline/join/row_group_scan.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>

#include "core/big_endian.h"
#include "core/bytes.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"
#include "offline/records/key_runs.h"

namespace tokura::offline {
namespace {

// Null: not read.
struct SystemArrays {
  std::shared_ptr<arrow::TimestampArray> event_time;
  std::shared_ptr<arrow::TimestampArray> write_time;
  std::shared_ptr<arrow::Int32Array> stores;
  std::shared_ptr<arrow::BooleanArray> is_deleted;
  std::shared_ptr<arrow::ListArray> written;
  std::shared_ptr<arrow::FixedSizeBinaryArray> write_id;
};

class RowGroupScan {
 public:
  RowGroupScan(const ScanTarget& target, HistoryFile& file, int row_group)
      : target_(target), file_(file), row_group_(row_group) {}

  Result<Lacking> Run(bool with_write_ids) {
    TOKURA_ASSIGN_OR_RETURN(facts_, file_.Facts(row_group_));
    if (IsOutside()) return Lacking::kNothing;
    PlanColumns();
    TOKURA_ASSIGN_OR_RETURN(keys_, file_.ReadKeys(row_group_));
    Lacking lacking = Lacking::kIdsOfCandidates;
    for (bool ids = with_write_ids; lacking == Lacking::kIdsOfCandidates; ids = true) {
      TOKURA_RETURN_IF_ERROR(ReadSystem(ids));
      TOKURA_RETURN_IF_ERROR(FindCandidates());
      lacking = LeaveTheBest();
      if (lacking == Lacking::kNothing) lacking = target_.contest.Sift(ids, &candidates_);
    }
    if (lacking != Lacking::kNothing || candidates_.empty()) return lacking;
    auto takings = std::make_unique<Takings>();
    TOKURA_RETURN_IF_ERROR(Gather(takings.get()));
    return target_.contest.Enter(candidates_, std::move(takings));
  }

 private:
  // Whether the statistics say that no record of it can be seen from the chunk.
  bool IsOutside() const {
    const SpineChunk& chunk = target_.chunk;
    const Appearance& appearance = target_.appearance;
    if (!appearance.Counts(facts_.stores_min) && facts_.stores_min == facts_.stores_max)
      return true;
    if (appearance.At(facts_.event_time_min_us, facts_.write_time_min_us) > chunk.time_max_us()) {
      return true;
    }
    const std::optional<int64_t>& ttl_us = target_.group.ttl_us;
    int64_t expired_us = 0;  // what is not after it, is for every row
    if (ttl_us && !__builtin_sub_overflow(chunk.time_min_us(), *ttl_us, &expired_us) &&
        facts_.event_time_max_us <= expired_us) {
      return true;
    }
    if (!facts_.key_min || !facts_.key_max) return false;
    const size_t first = chunk.LowerBound(*facts_.key_min, 0);
    return first == chunk.keys() ||
           chunk.key(first).substr(0, facts_.key_max->size()) > *facts_.key_max;
  }

  // Whether the columns of the features alone say what each record says.
  void PlanColumns() {
    const size_t features = target_.features.size();
    bool all_there = true;
    bool always_set = true;
    bool defaults = false;
    for (size_t f = 0; f < features; ++f) {
      all_there = all_there && file_.has(f);
      always_set = always_set && file_.AlwaysSet(row_group_, f);
      defaults = defaults || target_.features[f]->default_value.has_value();
    }
    // In a group that merges by record, a feature left out reads as a NULL if it has no default.
    const bool left_out_is_null =
        target_.group.merge == MergeMode::kRecord && !defaults && !target_.has_cells;
    all_write_ =
        facts_.no_deletes && ((facts_.names_all && all_there) || always_set || left_out_is_null);
  }

  Status ReadSystem(bool with_write_ids) {
    std::vector<SystemColumn> columns{kEventTime};
    if (target_.appearance.mode != JoinMode::kEvent) columns.push_back(kWriteTime);
    const bool all_count = facts_.stores_min == facts_.stores_max ||
                           (target_.appearance.Counts(facts_.stores_min) &&
                            facts_.stores_max - facts_.stores_min == 1 && facts_.stores_min == 2);
    if (!all_count) columns.push_back(kStoresColumn);
    if (!all_write_) columns.insert(columns.end(), {kIsDeleted, kWritten});
    if (with_write_ids) columns.push_back(kWriteIdColumn);
    std::erase_if(columns, [this](SystemColumn column) { return read_[column]; });
    TOKURA_ASSIGN_OR_RETURN(const arrow::ArrayVector arrays, file_.ReadSystem(row_group_, columns));
    for (size_t i = 0; i < columns.size(); ++i) {
      read_[columns[i]] = true;
      Set(columns[i], arrays[i]);
    }
    return OkStatus();
  }

  void Set(SystemColumn column, const std::shared_ptr<arrow::Array>& array) {
    switch (column) {
      case kEventTime:
        system_.event_time = std::static_pointer_cast<arrow::TimestampArray>(array);
        return;
      case kWriteTime:
        system_.write_time = std::static_pointer_cast<arrow::TimestampArray>(array);
        return;
      case kStoresColumn:
        system_.stores = std::static_pointer_cast<arrow::Int32Array>(array);
        return;
      case kIsDeleted:
        system_.is_deleted = std::static_pointer_cast<arrow::BooleanArray>(array);
        return;
      case kWritten:
        system_.written = std::static_pointer_cast<arrow::ListArray>(array);
        return;
      default:
        system_.write_id = std::static_pointer_cast<arrow::FixedSizeBinaryArray>(array);
    }
  }

  Status FindCandidates() {
    candidates_.clear();
    KeyRuns runs(keys_);
    for (SpineChunk::Found key; runs.Next();) {
      key = target_.chunk.Look(runs.key(), key.at);
      if (key.at == target_.chunk.keys()) break;
      if (key.same) TOKURA_RETURN_IF_ERROR(AddRun(key.at, runs.begin(), runs.end()));
    }
    return OkStatus();
  }

  Status AddRun(size_t key, int64_t begin, int64_t end) {
    const SpineChunk& chunk = target_.chunk;
    const bool in_order = target_.appearance.mode == JoinMode::kEvent;
    size_t bucket = chunk.first(key);
    for (int64_t row = begin; row < end; ++row) {
      if (system_.stores != nullptr) {
        const int32_t stores = system_.stores->Value(row);
        if (stores < 1 || stores > 3) return file_.Damaged("_stores out of range");
        if (!target_.appearance.Counts(stores)) continue;
      }
      const int64_t event_time_us = system_.event_time->Value(row);
      const int64_t write_time_us =
          system_.write_time == nullptr ? 0 : system_.write_time->Value(row);
      bucket = chunk.Bucket(key, target_.appearance.At(event_time_us, write_time_us),
                            in_order ? bucket : chunk.first(key));
      if (bucket == chunk.end(key)) {
        if (in_order) break;
        continue;
      }
      TOKURA_RETURN_IF_ERROR(AddRecord(bucket, event_time_us, row));
    }
    return OkStatus();
  }

  Status AddRecord(size_t bucket, int64_t event_time_us, int64_t row) {
    Candidate candidate;
    candidate.lane = Contest::kAll;
    candidate.bucket = static_cast<uint32_t>(bucket);
    candidate.event_time_us = event_time_us;
    if (system_.write_id != nullptr) {
      candidate.write_prefix = GetBigEndian(system_.write_id->GetValue(row));
    }
    candidate.row = static_cast<uint32_t>(row);
    if (all_write_ || target_.group.merge == MergeMode::kRecord || system_.written->IsNull(row)) {
      Add(candidate);
      return OkStatus();
    }
    TOKURA_ASSIGN_OR_RETURN(const std::vector<uint32_t>* named, NamedBy(row));
    if (named->size() == target_.features.size()) {
      Add(candidate);
      return OkStatus();
    }
    for (const uint32_t feature : *named) {
      candidate.lane = feature;
      Add(candidate);
    }
    return OkStatus();
  }

  // Of candidates of one row of the spine that follow each other the last is the best, as files are
  // sorted; ties aside.
  void Add(const Candidate& candidate) {
    if (!candidates_.empty()) {
      Candidate& last = candidates_.back();
      if (last.lane == candidate.lane && last.bucket == candidate.bucket &&
          last.event_time_us < candidate.event_time_us) {
        last = candidate;
        return;
      }
    }
    candidates_.push_back(candidate);
  }

  // Which of the wanted features a record names. REQUIRES: not a delete of the row.
  Result<const std::vector<uint32_t>*> NamedBy(int64_t row) {
    const auto& ids = static_cast<const arrow::Int32Array&>(*system_.written->values());
    const int64_t begin = system_.written->value_offset(row);
    const int64_t end = begin + system_.written->value_length(row);
    named_.clear();
    for (int64_t i = begin, previous = 0; i < end; ++i) {
      const int32_t id = ids.Value(i);
      if (id <= previous) return file_.Damaged("_written is not ascending");
      previous = id;
      const auto found =
          std::find_if(target_.features.begin(), target_.features.end(),
                       [id](const Feature* f) { return f->id.value == static_cast<uint32_t>(id); });
      if (found != target_.features.end()) {
        named_.push_back(static_cast<uint32_t>(found - target_.features.begin()));
      } else if (target_.has_cells) {
        return FailedPrecondition("feature id " + std::to_string(id) + " of " +
                                  target_.group.QualifiedName() +
                                  " is not in these definitions; load the newest ones");
      }
    }
    return &named_;
  }

  // Of the candidates of one bucket on one lane.
  Lacking LeaveTheBest() {
    const auto place = [](const Candidate& c) {
      return std::tie(c.lane, c.bucket, c.event_time_us, c.write_prefix, c.row);
    };
    const auto before = [&](const Candidate& a, const Candidate& b) { return place(a) < place(b); };
    if (!std::is_sorted(candidates_.begin(), candidates_.end(), before)) {
      std::sort(candidates_.begin(), candidates_.end(), before);
    }
    size_t kept = 0;
    for (const Candidate& candidate : candidates_) {
      if (kept > 0 && candidates_[kept - 1].lane == candidate.lane &&
          candidates_[kept - 1].bucket == candidate.bucket) {
        const bool tie = candidates_[kept - 1].event_time_us == candidate.event_time_us;
        if (tie && system_.write_id == nullptr) return Lacking::kIdsOfCandidates;
        // Their contents decide.
        if (tie && candidates_[kept - 1].write_prefix == candidate.write_prefix) ++kept;
        candidates_[kept - 1] = candidate;
        continue;
      }
      candidates_[kept++] = candidate;
    }
    candidates_.resize(kept);
    return Lacking::kNothing;
  }

  Status Gather(Takings* takings) {
    takings->rows = static_cast<int64_t>(candidates_.size());
    takings->has_write_ids = system_.write_id != nullptr;
    std::shared_ptr<arrow::Buffer> buffer;
    auto allocated = arrow::AllocateBuffer(takings->rows * static_cast<int64_t>(sizeof(int32_t)));
    TOKURA_RETURN_IF_ERROR(FromArrow(allocated.status(), Code::kResourceExhausted, "join"));
    auto* rows = (*allocated)->mutable_data_as<int32_t>();
    for (const Candidate& candidate : candidates_) *rows++ = static_cast<int32_t>(candidate.row);
    const arrow::Int32Array indices(takings->rows, *std::move(allocated));
    TOKURA_ASSIGN_OR_RETURN(arrow::ArrayVector columns, file_.ReadFeatures(row_group_));
    for (size_t f = 0; f < columns.size(); ++f) {
      TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> taken,
                              TakeRows(std::move(columns[f]), indices, *target_.features[f]));
      takings->values.push_back(std::move(taken));
    }
    if (!facts_.no_record_ttls) {
      TOKURA_ASSIGN_OR_RETURN(arrow::ArrayVector ttls, file_.ReadSystem(row_group_, {kRecordTtl}));
      auto taken = arrow::compute::Take(*ttls[0], indices);
      TOKURA_RETURN_IF_ERROR(FromArrow(taken.status(), Code::kInternal, "join"));
      takings->ttls = std::static_pointer_cast<arrow::Int64Array>(*taken);
    }
    return all_write_ ? OkStatus() : GatherSays(takings);
  }

  static Result<std::shared_ptr<arrow::Array>> TakeRows(std::shared_ptr<arrow::Array> column,
                                                        const arrow::Int32Array& rows,
                                                        const Feature& feature) {
    if (column == nullptr) return column;
    const auto take = [&]() -> arrow::Result<std::shared_ptr<arrow::Array>> {
      ARROW_ASSIGN_OR_RAISE(
          column,
          arrow::compute::Take(*column, rows, arrow::compute::TakeOptions::NoBoundsCheck()));
      const std::shared_ptr<arrow::DataType> type = ArrowTypeOf(feature.type, 0);
      // Written before the feature was widened.
      if (feature.type.is_scalar() && !column->type()->Equals(*type)) {
        ARROW_ASSIGN_OR_RAISE(column, arrow::compute::Cast(*column, type));
      }
      return column;
    };
    arrow::Result<std::shared_ptr<arrow::Array>> taken = take();
    TOKURA_RETURN_IF_ERROR(FromArrow(taken.status(), Code::kInternal, "join"));
    return *taken;
  }

  Status GatherSays(Takings* takings) {
    const size_t features = target_.features.size();
    takings->says.resize(candidates_.size() * features, Says::kNothing);
    for (size_t i = 0; i < candidates_.size(); ++i) {
      const auto row = static_cast<int64_t>(candidates_[i].row);
      Says* says = &takings->says[i * features];
      if (system_.written->IsNull(row)) {
        if (!system_.is_deleted->Value(row)) {
          return file_.Damaged("_written is null, but is_deleted is false");
        }
        std::fill_n(says, features, Says::kDeletesRow);
        continue;
      }
      TOKURA_ASSIGN_OR_RETURN(const std::vector<uint32_t>* named, NamedBy(row));
      const Says what = system_.is_deleted->Value(row) ? Says::kDeletes : Says::kWrites;
      for (const uint32_t feature : *named) says[feature] = what;
    }
    return OkStatus();
  }

  const ScanTarget& target_;
  HistoryFile& file_;
  const int row_group_;
  RowGroupFacts facts_;
  bool all_write_ = false;  // each record writes a value or NULL to each wanted feature
  std::array<bool, kSystemColumnCount> read_{};
  arrow::ArrayVector keys_;
  SystemArrays system_;
  std::vector<Candidate> candidates_;
  std::vector<uint32_t> named_;
};

}  // namespace

Result<Lacking> ScanRowGroup(const ScanTarget& target, HistoryFile& file, int row_group,
                             bool with_write_ids) {
  return RowGroupScan(target, file, row_group).Run(with_write_ids);
}

}  // namespace tokura::offline
