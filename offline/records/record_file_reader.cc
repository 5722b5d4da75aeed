#include "offline/records/record_file_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/key_codec.h"
#include "core/record_writer.h"
#include "offline/records/array_values.h"
#include "offline/records/arrow_file.h"
#include "offline/records/cell_array.h"
#include "offline/records/data_file_parquet.h"
#include "offline/records/data_file_schema.h"
#include "offline/records/key_runs.h"

namespace tokura::offline {
namespace {

struct FeatureColumn {
  const Feature* feature = nullptr;
  int field = -1;                       // in the batch; -1: the file does not have it
  const arrow::Array* cells = nullptr;  // of the batch
};

// The system columns of a batch.
struct SystemArrays {
  const arrow::TimestampArray* event_time = nullptr;
  const arrow::TimestampArray* write_time = nullptr;
  const arrow::BooleanArray* is_deleted = nullptr;
  const arrow::ListArray* written = nullptr;
  const arrow::Int64Array* record_ttl = nullptr;
  const arrow::FixedSizeBinaryArray* write_id = nullptr;
  const arrow::Int32Array* stores = nullptr;
  const arrow::BooleanArray* late = nullptr;
  const arrow::StringArray* origin = nullptr;
  const arrow::Int64Array* seq = nullptr;
};

class ParquetRecordReader final : public RecordFileReader {
 public:
  ParquetRecordReader(std::string path, uint64_t rows, const FeatureGroup& group,
                      RecordFileReadOptions options)
      : path_(std::move(path)),
        rows_expected_(rows),
        group_(group),
        options_(std::move(options)),
        key_(RowKeyHeader(group.id)) {}

  Status Open(runtime::FileSystem& files) {
    return Guard([&] { return OpenParquet(files); });
  }

  Result<bool> Next(PlacedRecord* record) override {
    while (batch_ == nullptr || next_ == batch_->num_rows()) {
      if (at_end_) return false;
      TOKURA_RETURN_IF_ERROR(Guard([this] { return NextBatch(); }));
    }
    TOKURA_RETURN_IF_ERROR(WriteRecord(next_));
    record->body = writer_.record();
    if (options_.places) {
      record->place = {.write_time_us = system_.write_time->Value(next_),
                       .late = system_.late->Value(next_),
                       .origin = system_.origin->GetView(next_),
                       .seq = system_.seq->Value(next_)};
    }
    ++next_;
    return true;
  }

 private:
  Status Damaged(const std::string& what) const { return Corrupt(path_ + ": " + what); }
  Status UnknownFeature(int32_t id) const {
    return FailedPrecondition(path_ + ": feature id " + std::to_string(id) +
                              " is not in these definitions; load the newest ones");
  }

  template <typename Work>
  Status Guard(Work work) {
    try {
      return work();
    } catch (const std::exception& e) {
      return Damaged(e.what());
    }
  }

  Status OpenParquet(runtime::FileSystem& files) {
    TOKURA_ASSIGN_OR_RETURN(file_, OpenDataFileParquet(files, path_, rows_expected_));
    TOKURA_ASSIGN_OR_RETURN(const std::vector<int> leaves, ChooseColumns());
    std::vector<int> row_groups(static_cast<size_t>(file_->num_row_groups()));
    for (size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
    auto batches = file_->GetRecordBatchReader(row_groups, leaves);
    if (!batches.ok()) return FromArrow(batches.status(), Code::kCorrupt, path_);
    batches_ = std::move(batches).ValueUnsafe();
    return MapColumns();
  }

  static bool IsOfPlace(int32_t system_column) {
    return system_column == kWriteTime || system_column >= kLate;
  }

  bool Wanted(int32_t id) const {
    if (id >= kSystemFieldId) return options_.places || !IsOfPlace(id - kSystemFieldId);
    if (id >= kKeyFieldId || !options_.features) return true;
    return std::find(options_.features->begin(), options_.features->end(),
                     FeatureId(static_cast<uint32_t>(id))) != options_.features->end();
  }

  Result<std::vector<int>> ChooseColumns() {
    std::shared_ptr<arrow::Schema> schema;
    TOKURA_RETURN_IF_ERROR(FromArrow(file_->GetSchema(&schema), Code::kCorrupt, path_));
    std::vector<int> leaves;
    for (int i = 0; i < schema->num_fields(); ++i) {
      if (Wanted(FieldIdOf(*schema->field(i)))) leaves.push_back(i);
    }
    for (const Feature& feature : group_.features) {
      if (Wanted(static_cast<int32_t>(feature.id.value)))
        features_.push_back({.feature = &feature});
    }
    std::sort(features_.begin(), features_.end(),
              [](const FeatureColumn& a, const FeatureColumn& b) { return IdOf(a) < IdOf(b); });
    return leaves;
  }

  Status MapColumns() {
    key_fields_.assign(group_.entity.keys.size(), -1);
    system_fields_.fill(-1);
    const arrow::Schema& schema = *batches_->schema();
    for (int i = 0; i < schema.num_fields(); ++i) {
      TOKURA_RETURN_IF_ERROR(MapColumn(FieldIdOf(*schema.field(i)), i, *schema.field(i)));
    }
    for (size_t i = 0; i < key_fields_.size(); ++i) {
      if (key_fields_[i] < 0) return Damaged("no key column " + group_.entity.keys[i].name);
    }
    for (int32_t i = 0; i < kSystemColumnCount; ++i) {
      if (system_fields_[i] < 0 && (options_.places || !IsOfPlace(i))) {
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
      system_fields_[i] = field;
      return OkStatus();
    }
    if (id >= kKeyFieldId) {
      const size_t i = static_cast<size_t>(id - kKeyFieldId);
      if (i >= key_fields_.size() || !ReadsAs(*column.type(), group_.entity.keys[i].type)) {
        return Damaged("unexpected key column " + column.name());
      }
      key_fields_[i] = field;
      return OkStatus();
    }
    FeatureColumn* const of = Find(id, features_.begin());
    if (of == nullptr) return UnknownFeature(id);
    if (!ReadsAs(*column.type(), of->feature->type)) {
      return FailedPrecondition(path_ + ": column " + column.name() + " is " +
                                column.type()->ToString() + ", the definitions say " +
                                of->feature->type.ToString() + "; load the newest ones");
    }
    of->field = field;
    return OkStatus();
  }

  using FeatureColumns = std::vector<FeatureColumn>;
  static int32_t IdOf(const FeatureColumn& column) {
    return static_cast<int32_t>(column.feature->id.value);
  }
  // From `begin` on; null: it is not there.
  FeatureColumn* Find(int32_t id, FeatureColumns::iterator begin) {
    const auto found = std::lower_bound(
        begin, features_.end(), id, [](const FeatureColumn& a, int32_t b) { return IdOf(a) < b; });
    return found == features_.end() || IdOf(*found) != id ? nullptr : &*found;
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
    // Pages hold what the checksums cover, but a hole in them must not become a wild offset.
    TOKURA_RETURN_IF_ERROR(FromArrow(batch_->ValidateFull(), Code::kCorrupt, path_));
    columns_ = batch_->columns();
    return TakeColumns();
  }

  Status TakeColumns() {
    arrow::ArrayVector keys;
    for (const int field : key_fields_) {
      if (columns_[field]->null_count() > 0) return Damaged("null in a key column");
      keys.push_back(columns_[field]);
    }
    key_runs_.emplace(std::move(keys));
    for (int32_t c = 0; c < kSystemColumnCount; ++c) {
      if (c == kWritten || c == kRecordTtl || system_fields_[c] < 0) continue;
      if (columns_[system_fields_[c]]->null_count() > 0) {
        return Damaged("null in a required column");
      }
    }
    Take(kEventTime, &system_.event_time);
    Take(kWriteTime, &system_.write_time);
    Take(kIsDeleted, &system_.is_deleted);
    Take(kWritten, &system_.written);
    Take(kRecordTtl, &system_.record_ttl);
    Take(kWriteIdColumn, &system_.write_id);
    Take(kStoresColumn, &system_.stores);
    Take(kLate, &system_.late);
    Take(kOrigin, &system_.origin);
    Take(kSeq, &system_.seq);
    for (FeatureColumn& column : features_) {
      if (column.field >= 0) column.cells = columns_[column.field].get();
    }
    return OkStatus();
  }

  template <typename Array>
  void Take(SystemColumn column, const Array** array) {
    const int field = system_fields_[column];
    if (field >= 0) *array = static_cast<const Array*>(columns_[field].get());
  }

  Status WriteRecord(int64_t row) {
    if (row == key_runs_->end()) {
      key_runs_->Next();
      key_.replace(kRowKeyHeaderBytes, std::string::npos, key_runs_->key());
    }
    RecordWriter::Head head;
    const int32_t stores = system_.stores->Value(row);
    if (stores < 1 || stores > 3) return Damaged("_stores out of range");
    head.stores = static_cast<Stores>(stores);
    head.event_time_us = system_.event_time->Value(row);
    std::memcpy(head.write_id.bytes.data(), system_.write_id->GetValue(row),
                head.write_id.bytes.size());
    if (!system_.record_ttl->IsNull(row)) head.ttl_us = system_.record_ttl->Value(row);
    head.key = key_;
    const bool deletes = system_.is_deleted->Value(row);
    head.delete_row = system_.written->IsNull(row);
    if (head.delete_row && !deletes) return Damaged("_written is null, but is_deleted is false");
    TOKURA_RETURN_IF_ERROR(FindNamed(row));
    head.cells = named_.size();
    writer_.Begin(head);
    for (const FeatureColumn* column : named_) {
      if (deletes) {
        writer_.AddDelete(*column->feature);
      } else if (column->cells == nullptr) {
        writer_.AddNull(*column->feature);
      } else if (!AddCell(*column->cells, row, *column->feature, &writer_)) {
        return Damaged("no value of feature " + column->feature->name);
      }
    }
    return OkStatus();
  }

  // The features that the row names, of those that are wanted.
  Status FindNamed(int64_t row) {
    named_.clear();
    if (system_.written->IsNull(row)) return OkStatus();
    const auto& ids = static_cast<const arrow::Int32Array&>(*system_.written->values());
    const int64_t begin = system_.written->value_offset(row);
    const int64_t end = begin + system_.written->value_length(row);
    auto next = features_.begin();  // mostly the next one
    for (int64_t i = begin, previous = 0; i < end; ++i) {
      const int32_t id = ids.Value(i);
      if (id <= previous) return Damaged("_written is not ascending");
      previous = id;
      FeatureColumn* const found =
          next != features_.end() && IdOf(*next) == id ? &*next : Find(id, next);
      if (found == nullptr) {
        if (!options_.features) return UnknownFeature(id);
        continue;
      }
      named_.push_back(found);
      next = features_.begin() + (found - features_.data()) + 1;
    }
    return OkStatus();
  }

  const std::string path_;
  const uint64_t rows_expected_;
  const FeatureGroup& group_;
  const RecordFileReadOptions options_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  FeatureColumns features_;  // that are wanted, ascending by id
  std::vector<int> key_fields_;
  std::array<int, kSystemColumnCount> system_fields_{};
  std::unique_ptr<arrow::RecordBatchReader> batches_;  // reads from file_

  std::shared_ptr<arrow::RecordBatch> batch_;
  arrow::ArrayVector columns_;
  SystemArrays system_;
  std::optional<KeyRuns> key_runs_;
  int64_t next_ = 0;
  uint64_t rows_read_ = 0;
  bool at_end_ = false;

  std::string key_;  // of the run, with the group's prefix
  std::vector<const FeatureColumn*> named_;
  RecordWriter writer_;
};

}  // namespace

Result<std::unique_ptr<RecordFileReader>> RecordFileReader::Open(runtime::FileSystem& files,
                                                                 const std::string& table_folder,
                                                                 const DataFile& file,
                                                                 const FeatureGroup& group,
                                                                 RecordFileReadOptions options) {
  auto reader = std::make_unique<ParquetRecordReader>(table_folder + "/" + file.path, file.rows,
                                                      group, std::move(options));
  TOKURA_RETURN_IF_ERROR(reader->Open(files));
  return std::unique_ptr<RecordFileReader>(std::move(reader));
}

}  // namespace tokura::offline
