#include "offline/records/data_file_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <map>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "offline/records/array_values.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file_parquet.h"
#include "offline/records/data_file_schema.h"

namespace tokura::offline {
namespace {

struct FeatureColumn {
  const Feature* feature = nullptr;
  int field = -1;  // in the batch; -1: the file does not have it
};

template <typename Array>
const Array& As(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

class ParquetDataFileReader final : public DataFileReader {
 public:
  ParquetDataFileReader(std::string path, uint64_t rows, FeatureGroup group, bool place_in_log)
      : path_(std::move(path)),
        rows_expected_(rows),
        group_(std::move(group)),
        place_in_log_(place_in_log) {}

  Status Open(runtime::FileSystem& files, const DataFileReadOptions& options) {
    return Guard([&] { return OpenParquet(files, options); });
  }

  Result<std::optional<HistoryRow>> Next() override {
    while (batch_ == nullptr || next_ == batch_->num_rows()) {
      if (at_end_) return std::optional<HistoryRow>();
      TOKURA_RETURN_IF_ERROR(Guard([this] { return NextBatch(); }));
    }
    HistoryRow row;
    TOKURA_RETURN_IF_ERROR(ReadRow(next_, &row));
    ++next_;
    return std::optional<HistoryRow>(std::move(row));
  }

 private:
  Status Damaged(const std::string& what) const { return Corrupt(path_ + ": " + what); }

  template <typename Work>
  Status Guard(Work work) {
    try {
      return work();
    } catch (const std::exception& e) {
      return Damaged(e.what());
    }
  }

  Status OpenParquet(runtime::FileSystem& files, const DataFileReadOptions& options) {
    TOKURA_ASSIGN_OR_RETURN(file_, OpenDataFileParquet(files, path_, rows_expected_,
                                                       {options.hold_open, options.batch_rows}));
    TOKURA_RETURN_IF_ERROR(ChooseColumns(options));
    std::vector<int> row_groups(static_cast<size_t>(file_->num_row_groups()));
    for (size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
    auto batches = file_->GetRecordBatchReader(row_groups, leaves_);
    if (!batches.ok()) return FromArrow(batches.status(), Code::kCorrupt, path_);
    batches_ = std::move(batches).ValueUnsafe();
    return MapColumns();
  }

  bool Wanted(int32_t id, const DataFileReadOptions& options) const {
    if (id > kSystemFieldId + kStoresColumn || id == kSystemFieldId + kWriteTime) {
      return place_in_log_;
    }
    if (id >= kKeyFieldId || !options.features) return true;
    return std::find(options.features->begin(), options.features->end(),
                     FeatureId(static_cast<uint32_t>(id))) != options.features->end();
  }

  Status ChooseColumns(const DataFileReadOptions& options) {
    std::shared_ptr<arrow::Schema> schema;
    TOKURA_RETURN_IF_ERROR(FromArrow(file_->GetSchema(&schema), Code::kCorrupt, path_));
    for (int i = 0; i < schema->num_fields(); ++i) {
      if (Wanted(FieldIdOf(*schema->field(i)), options)) leaves_.push_back(i);
    }
    for (const Feature& feature : group_.features) {
      if (Wanted(static_cast<int32_t>(feature.id.value), options)) {
        features_[feature.id].feature = &feature;
      }
    }
    all_features_ = !options.features.has_value();
    return OkStatus();
  }

  Status MapColumns() {
    keys_.assign(group_.entity.keys.size(), -1);
    system_.fill(-1);
    const arrow::Schema& schema = *batches_->schema();
    for (int i = 0; i < schema.num_fields(); ++i) {
      TOKURA_RETURN_IF_ERROR(MapColumn(FieldIdOf(*schema.field(i)), i, *schema.field(i)));
    }
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i] < 0) return Damaged("no key column " + group_.entity.keys[i].name);
    }
    for (int32_t i = 0; i < kSystemColumnCount; ++i) {
      const bool of_log = i == kWriteTime || i >= kLate;
      if (system_[i] < 0 && (place_in_log_ || !of_log)) {
        return Damaged("no system column " + std::to_string(kSystemFieldId + i));
      }
    }
    return OkStatus();
  }

  Status MapColumn(int32_t id, int field, const arrow::Field& column) {
    if (id >= kSystemFieldId) {
      const int32_t i = id - kSystemFieldId;
      if (i >= kSystemColumnCount || !IsSystemType(i, *column.type())) {
        return Damaged("unexpected column " + column.name());
      }
      system_[i] = field;
      return OkStatus();
    }
    if (id >= kKeyFieldId) {
      const size_t i = static_cast<size_t>(id - kKeyFieldId);
      if (i >= keys_.size() || !ReadsAs(*column.type(), group_.entity.keys[i].type)) {
        return Damaged("unexpected key column " + column.name());
      }
      keys_[i] = field;
      return OkStatus();
    }
    const auto found = features_.find(FeatureId(static_cast<uint32_t>(id)));
    if (found == features_.end()) {
      return FailedPrecondition(path_ + ": feature id " + std::to_string(id) +
                                " is not in these definitions; load the newest ones");
    }
    if (!ReadsAs(*column.type(), found->second.feature->type)) {
      return FailedPrecondition(path_ + ": column " + column.name() + " is " +
                                column.type()->ToString() + ", the definitions say " +
                                found->second.feature->type.ToString() + "; load the newest ones");
    }
    found->second.field = field;
    return OkStatus();
  }

  Status NextBatch() {
    next_ = 0;
    batch_.reset();
    TOKURA_RETURN_IF_ERROR(FromArrow(batches_->ReadNext(&batch_), Code::kCorrupt, path_));
    if (batch_ == nullptr) {
      at_end_ = true;
      if (rows_read_ != rows_expected_) {
        return Damaged("ends after " + std::to_string(rows_read_) + " of " +
                       std::to_string(rows_expected_) + " rows");
      }
      return OkStatus();
    }
    rows_read_ += static_cast<uint64_t>(batch_->num_rows());
    columns_ = batch_->columns();
    // Pages hold what the checksums cover, but a hole in them must not become a wild offset.
    return FromArrow(batch_->ValidateFull(), Code::kCorrupt, path_);
  }

  const arrow::Array& System(SystemColumn column) const { return *columns_[system_[column]]; }

  Status ReadRow(int64_t i, HistoryRow* row) {
    Record& record = row->record;
    TOKURA_RETURN_IF_ERROR(ReadKey(i, &record));
    for (int32_t c = 0; c < kSystemColumnCount; ++c) {
      if (c == kWritten || c == kRecordTtl || system_[c] < 0) continue;
      if (columns_[system_[c]]->IsNull(i)) return Damaged("null in a required column");
    }
    record.event_time_us = As<arrow::TimestampArray>(System(kEventTime)).Value(i);
    const int32_t stores = As<arrow::Int32Array>(System(kStoresColumn)).Value(i);
    if (stores < 1 || stores > 3) return Damaged("_stores out of range");
    record.stores = static_cast<Stores>(stores);
    std::memcpy(record.write_id.bytes.data(),
                As<arrow::FixedSizeBinaryArray>(System(kWriteIdColumn)).GetValue(i), 16);
    const auto& ttl = As<arrow::Int64Array>(System(kRecordTtl));
    if (!ttl.IsNull(i)) record.ttl_us = ttl.Value(i);
    if (place_in_log_) {
      row->write_time_us = As<arrow::TimestampArray>(System(kWriteTime)).Value(i);
      row->late = As<arrow::BooleanArray>(System(kLate)).Value(i);
      row->origin = std::string(As<arrow::StringArray>(System(kOrigin)).GetView(i));
      row->seq = As<arrow::Int64Array>(System(kSeq)).Value(i);
    }
    return ReadCells(i, &record);
  }

  Status ReadKey(int64_t i, Record* record) {
    std::string& key = record->key;
    key.reserve(32);
    const uint32_t group = group_.id.value;
    TOKURA_ASSIGN_OR_RETURN(key, EncodeRowKey(GroupId(group), {}));
    for (size_t k = 0; k < keys_.size(); ++k) {
      const Value value = ValueAt(*columns_[keys_[k]], i, group_.entity.keys[k].type);
      if (value.is_null()) return Damaged("null in a key column");
      AppendKeyColumn(value, &key);
    }
    return OkStatus();
  }

  Status ReadCells(int64_t i, Record* record) {
    const bool deleted = As<arrow::BooleanArray>(System(kIsDeleted)).Value(i);
    const auto& written = As<arrow::ListArray>(System(kWritten));
    if (written.IsNull(i)) {
      record->delete_row = true;
      return deleted ? OkStatus() : Damaged("_written is null, but is_deleted is false");
    }
    const auto& ids = As<arrow::Int32Array>(*written.values());
    const int64_t begin = written.value_offset(i);
    const int64_t end = begin + written.value_length(i);
    record->cells.reserve(static_cast<size_t>(end - begin));
    for (int64_t k = begin, previous = 0; k < end; ++k) {
      const int32_t id = ids.Value(k);
      if (id <= previous) return Damaged("_written is not ascending");
      previous = id;
      const auto found = features_.find(FeatureId(static_cast<uint32_t>(id)));
      if (found == features_.end()) {
        if (!all_features_) continue;
        return FailedPrecondition(path_ + ": feature id " + std::to_string(id) +
                                  " is not in these definitions; load the newest ones");
      }
      record->cells.push_back(CellAt(found->second, i, deleted));
    }
    return OkStatus();
  }

  Cell CellAt(const FeatureColumn& column, int64_t i, bool deleted) const {
    Cell cell{column.feature->id, CellState::kNull, {}};
    if (deleted) {
      cell.state = CellState::kDelete;
      return cell;
    }
    if (column.field >= 0) cell.value = ValueAt(*columns_[column.field], i, column.feature->type);
    cell.state = cell.value.is_null() ? CellState::kNull : CellState::kValue;
    return cell;
  }

  const std::string path_;
  const uint64_t rows_expected_;
  const FeatureGroup group_;
  const bool place_in_log_;
  bool all_features_ = true;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::vector<int> leaves_;
  std::map<FeatureId, FeatureColumn> features_;
  std::vector<int> keys_;
  std::array<int, kSystemColumnCount> system_{};
  std::unique_ptr<arrow::RecordBatchReader> batches_;  // reads from file_
  std::shared_ptr<arrow::RecordBatch> batch_;
  arrow::ArrayVector columns_;
  int64_t next_ = 0;
  uint64_t rows_read_ = 0;
  bool at_end_ = false;
};

}  // namespace

Result<std::unique_ptr<DataFileReader>> OpenDataFile(runtime::FileSystem& files,
                                                     const std::string& table_folder,
                                                     const DataFile& file,
                                                     const FeatureGroup& group,
                                                     const DataFileReadOptions& options) {
  auto reader = std::make_unique<ParquetDataFileReader>(table_folder + "/" + file.path, file.rows,
                                                        group, options.place_in_log);
  TOKURA_RETURN_IF_ERROR(reader->Open(files, options));
  return std::unique_ptr<DataFileReader>(std::move(reader));
}

Result<std::unique_ptr<DataFileReader>> DataFileReader::Open(
    runtime::FileSystem& files, const std::string& table_folder, const DataFile& file,
    const FeatureGroup& group, std::optional<std::vector<FeatureId>> features) {
  return OpenDataFile(files, table_folder, file, group, {.features = std::move(features)});
}

}  // namespace tokura::offline
