#include "offline/point_in_time.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "core/row.h"
#include "offline/data_file_reader.h"
#include "offline/history_merge.h"

namespace tokura::offline {
namespace {

constexpr uint64_t kReportEveryRows = 64 << 10;

// The files that can hold a record visible at some time of the spine. A record beyond its group's
// TTL can hide nothing that is not expired too, so old files of such groups are left out whole.
std::vector<const DataFile*> FilesToRead(const Table& table, const FeatureGroup& group,
                                         const SpineKeys& spine) {
  int64_t time_min = std::numeric_limits<int64_t>::max();
  int64_t time_max = std::numeric_limits<int64_t>::min();
  for (const std::optional<int64_t>& time : *spine.times_us) {
    if (!time) continue;
    time_min = std::min(time_min, *time);
    time_max = std::max(time_max, *time);
  }
  std::vector<const DataFile*> files;
  if (time_min > time_max) return files;
  for (const DataFile& file : table.current().files) {
    if (file.event_time_min_us > time_max) continue;
    if (group.ttl_us && file.event_time_max_us < time_min &&
        time_min - file.event_time_max_us >= *group.ttl_us) {
      continue;
    }
    files.push_back(&file);
  }
  return files;
}

// The spine's rows by key and time, and for each key the state of its row as the history passes.
class SpineWalk {
 public:
  SpineWalk(const FeatureGroup& group, const std::vector<const Feature*>& features,
            const SpineKeys& spine, std::vector<SpineColumn>* columns)
      : group_(group), features_(features), spine_(spine), columns_(*columns) {
    Group();
    for (size_t i = 0; i < spine.row_keys.size(); ++i) {
      if (key_of_[i] == kNoKey) Emit(i, nullptr);
    }
  }

  // REQUIRES: records of one key come with event times ascending.
  void Pass(const Record& record) {
    if (record.stores == Stores::kOnline) return;
    if (last_ == nullptr || last_->first != record.key) {
      const auto found = keys_.find(record.key);
      if (found == keys_.end()) return;
      last_ = &*found;
    }
    KeyState& state = states_[last_->second];
    while (state.next < state.end && TimeOf(order_[state.next]) < record.event_time_us) {
      Emit(order_[state.next++], &state.row);
    }
    if (state.next == state.end) {
      state.row = {};  // nobody looks at it any more
      return;
    }
    MergeRecord(record, group_.merge, &state.row);
  }

  void Finish() {
    for (KeyState& state : states_) {
      while (state.next < state.end) Emit(order_[state.next++], &state.row);
    }
  }

 private:
  static constexpr uint32_t kNoKey = std::numeric_limits<uint32_t>::max();
  struct KeyState {
    size_t next = 0;  // in order_: the first spine row that is not done
    size_t end = 0;
    Row row;
  };

  int64_t TimeOf(size_t row) const { return *(*spine_.times_us)[row]; }

  void Group() {
    const size_t rows = spine_.row_keys.size();
    key_of_.assign(rows, kNoKey);
    for (size_t i = 0; i < rows; ++i) {
      if (spine_.row_keys[i].empty() || !(*spine_.times_us)[i]) continue;
      const auto id = static_cast<uint32_t>(keys_.size());
      key_of_[i] = keys_.try_emplace(spine_.row_keys[i], id).first->second;
      order_.push_back(i);
    }
    std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
      if (key_of_[a] != key_of_[b]) return key_of_[a] < key_of_[b];
      return TimeOf(a) != TimeOf(b) ? TimeOf(a) < TimeOf(b) : a < b;
    });
    states_.resize(keys_.size());
    for (size_t i = 0; i < order_.size(); ++i) {
      KeyState& state = states_[key_of_[order_[i]]];
      if (state.end == 0) state.next = i;
      state.end = i + 1;
    }
  }

  void Emit(size_t spine_row, const Row* row) {
    for (size_t f = 0; f < features_.size(); ++f) {
      const Feature& feature = *features_[f];
      CellView view;
      if (row != nullptr) view = ReadCell(row, group_, feature, TimeOf(spine_row));
      if (view.status == ReadStatus::kPresent) {
        columns_[f].Set(spine_row, *view.value);
      } else if (feature.default_value &&
                 (view.status == ReadStatus::kNotFound || view.status == ReadStatus::kExpired)) {
        columns_[f].Set(spine_row, *feature.default_value);
      }
    }
  }

  const FeatureGroup& group_;
  const std::vector<const Feature*>& features_;
  const SpineKeys& spine_;
  std::vector<SpineColumn>& columns_;
  std::unordered_map<std::string, uint32_t> keys_;
  std::vector<uint32_t> key_of_;                                  // by spine row
  std::vector<size_t> order_;                                     // spine rows by (key, time)
  std::vector<KeyState> states_;                                  // by key
  const std::pair<const std::string, uint32_t>* last_ = nullptr;  // of the record before
};

}  // namespace

SpineColumn::Storage SpineColumn::StorageOf(const Type& type) {
  if (!type.is_scalar()) return Storage::kValues;
  switch (type.kind) {
    case Kind::kFloat32:
    case Kind::kFloat64:
      return Storage::kFloats;
    case Kind::kString:
    case Kind::kBytes:
      return Storage::kTexts;
    default:
      return Storage::kIntegers;
  }
}

SpineColumn::SpineColumn(const Type& type, size_t rows)
    : type_(type), storage_(StorageOf(type)), has_(rows, 0) {
  if (storage_ == Storage::kIntegers) integers_.resize(rows);
  if (storage_ == Storage::kFloats) floats_.resize(rows);
  if (storage_ == Storage::kTexts) texts_.resize(rows);
  if (storage_ == Storage::kValues) values_.resize(rows);
}

void SpineColumn::Set(size_t row, const Value& value) {
  has_[row] = 1;
  if (storage_ == Storage::kFloats) {
    floats_[row] = value.as<double>();
  } else if (storage_ == Storage::kTexts) {
    texts_[row] = type_.kind == Kind::kString ? value.as<std::string>() : value.as<Bytes>().data;
  } else if (storage_ == Storage::kValues) {
    values_[row] = value;
  } else if (type_.kind == Kind::kBool) {
    integers_[row] = value.as<bool>() ? 1 : 0;
  } else {
    integers_[row] =
        type_.kind == Kind::kTimestamp ? value.as<Timestamp>().us : value.as<int64_t>();
  }
}

Value SpineColumn::At(size_t row) const {
  if (has_[row] == 0) return Value();
  if (storage_ == Storage::kFloats) return Value(floats_[row]);
  if (storage_ == Storage::kValues) return values_[row];
  if (storage_ == Storage::kTexts) {
    return type_.kind == Kind::kString ? Value(texts_[row]) : Value(Bytes{texts_[row]});
  }
  if (type_.kind == Kind::kBool) return Value(integers_[row] != 0);
  if (type_.kind == Kind::kTimestamp) return Value(Timestamp{integers_[row]});
  return Value(integers_[row]);
}

uint64_t RowsToRead(const Table& table, const FeatureGroup& group, const SpineKeys& spine) {
  uint64_t rows = 0;
  for (const DataFile* file : FilesToRead(table, group, spine)) rows += file->rows;
  return rows;
}

Status JoinGroup(runtime::FileSystem& files, const Table& table, const FeatureGroup& group,
                 const std::vector<const Feature*>& features, const SpineKeys& spine,
                 const std::function<void(uint64_t)>& on_rows, std::vector<SpineColumn>* columns) {
  DataFileReadOptions options;
  options.place_in_log = false;
  // Between records of one version the content of all their cells decides in `record` groups.
  if (group.merge == MergeMode::kCell) {
    options.features.emplace();
    for (const Feature* feature : features) options.features->push_back(feature->id);
  }
  SpineWalk walk(group, features, spine, columns);
  uint64_t unreported = 0;
  for (const std::vector<const DataFile*>& part : PartsByTime(FilesToRead(table, group, spine))) {
    TOKURA_ASSIGN_OR_RETURN(HistoryMerge merge,
                            HistoryMerge::Open(files, table.folder(), part, group, options));
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, merge.Next());
      if (!row) break;
      walk.Pass(row->record);
      if (++unreported == kReportEveryRows) on_rows(std::exchange(unreported, 0));
    }
  }
  walk.Finish();
  on_rows(unreported);
  return OkStatus();
}

}  // namespace tokura::offline
