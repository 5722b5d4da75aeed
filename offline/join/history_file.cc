#include "offline/join/history_file.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include <arrow/array/array_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/chunked_array.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include "core/key_codec.h"
#include "offline/records/array_values.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file_parquet.h"
#include "offline/records/data_file_schema.h"

namespace tokura::offline {
namespace {

using ChunkMetadata = std::unique_ptr<parquet::ColumnChunkMetaData>;

template <typename Work>
auto Guard(const std::string& path, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Corrupt(path + ": " + e.what());
  }
}

// Null if there are none, or none with bounds.
template <typename Type>
std::shared_ptr<parquet::TypedStatistics<Type>> Bounds(const parquet::ColumnChunkMetaData& chunk) {
  if (!chunk.is_stats_set()) return nullptr;
  auto statistics = std::dynamic_pointer_cast<parquet::TypedStatistics<Type>>(chunk.statistics());
  return statistics != nullptr && statistics->HasMinMax() ? statistics : nullptr;
}

// Of values that are not null; nullopt if it does not say.
std::optional<int64_t> NullCount(const parquet::ColumnChunkMetaData& chunk) {
  if (!chunk.is_stats_set()) return std::nullopt;
  const std::shared_ptr<parquet::Statistics> statistics = chunk.statistics();
  if (statistics == nullptr || !statistics->HasNullCount()) return std::nullopt;
  return statistics->null_count();
}

std::string EncodedText(const parquet::ByteArray& bytes) {
  std::string out(2 * size_t{bytes.len} + 2, '\0');
  const std::string_view text(reinterpret_cast<const char*>(bytes.ptr), bytes.len);
  out.resize(static_cast<size_t>(PutTextKey(text, out.data()) - out.data()));
  return out;
}

std::string EncodedInt(int64_t x) {
  std::string out(8, '\0');
  PutIntKey(x, out.data());
  return out;
}

std::string EncodedBool(bool x) { return std::string(1, x ? '\x01' : '\x00'); }

template <typename Type, typename Encode>
void SetKeyBounds(const parquet::ColumnChunkMetaData& chunk, Encode encode, RowGroupFacts* facts) {
  if (const auto bounds = Bounds<Type>(chunk)) {
    facts->key_min = encode(bounds->min());
    facts->key_max = encode(bounds->max());
  }
}

void SetKeyBounds(const parquet::ColumnChunkMetaData& chunk, RowGroupFacts* facts) {
  switch (chunk.type()) {
    case parquet::Type::BYTE_ARRAY:
      return SetKeyBounds<parquet::ByteArrayType>(chunk, EncodedText, facts);
    case parquet::Type::INT32:
      return SetKeyBounds<parquet::Int32Type>(chunk, EncodedInt, facts);
    case parquet::Type::INT64:
      return SetKeyBounds<parquet::Int64Type>(chunk, EncodedInt, facts);
    case parquet::Type::BOOLEAN:
      return SetKeyBounds<parquet::BooleanType>(chunk, EncodedBool, facts);
    default:
      return;
  }
}

std::pair<int64_t, int64_t> TimeBounds(const parquet::ColumnChunkMetaData& chunk) {
  if (const auto bounds = Bounds<parquet::Int64Type>(chunk)) return {bounds->min(), bounds->max()};
  return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
}

}  // namespace

Status HistoryFile::Damaged(const std::string& what) const { return Corrupt(path_ + ": " + what); }

Result<std::unique_ptr<HistoryFile>> HistoryFile::Open(
    runtime::FileSystem& files, const std::string& table_folder, const DataFile& data_file,
    const FeatureGroup& group, const std::vector<const Feature*>& features) {
  std::unique_ptr<HistoryFile> file(new HistoryFile(table_folder + "/" + data_file.path));
  const Status opened = Guard(file->path_, [&]() -> Status {
    TOKURA_ASSIGN_OR_RETURN(file->reader_, OpenDataFileParquet(files, file->path_, data_file.rows));
    return file->MapColumns(group, features);
  });
  TOKURA_RETURN_IF_ERROR(opened);
  return file;
}

Status HistoryFile::MapColumns(const FeatureGroup& group,
                               const std::vector<const Feature*>& features) {
  keys_.assign(group.entity.keys.size(), -1);
  features_.assign(features.size(), -1);
  system_.fill(-1);
  std::shared_ptr<arrow::Schema> schema;
  TOKURA_RETURN_IF_ERROR(FromArrow(reader_->GetSchema(&schema), Code::kCorrupt, path_));
  for (int leaf = 0; leaf < schema->num_fields(); ++leaf) {
    const arrow::Field& field = *schema->field(leaf);
    const int32_t id = FieldIdOf(field);
    const auto key = static_cast<size_t>(id - kKeyFieldId);
    if (id >= kSystemFieldId && id < kSystemFieldId + kSystemColumnCount &&
        IsSystemType(id - kSystemFieldId, *field.type())) {
      system_[static_cast<size_t>(id - kSystemFieldId)] = leaf;
    } else if (id >= kKeyFieldId && key < keys_.size() &&
               ReadsAs(*field.type(), group.entity.keys[key].type)) {
      keys_[key] = leaf;
    } else if (id >= kKeyFieldId) {
      return Damaged("unexpected column " + field.name());
    } else {
      ++feature_columns_;
      const auto found = std::find_if(features.begin(), features.end(), [id](const Feature* f) {
        return f->id.value == static_cast<uint32_t>(id);
      });
      if (found == features.end()) continue;
      if (!ReadsAs(*field.type(), (*found)->type)) {
        return FailedPrecondition(path_ + ": column " + field.name() + " is " +
                                  field.type()->ToString() + ", the definitions say " +
                                  (*found)->type.ToString() + "; load the newest ones");
      }
      features_[static_cast<size_t>(found - features.begin())] = leaf;
    }
  }
  for (const int leaf : keys_) {
    if (leaf < 0) return Damaged("a key column is missing");
  }
  for (const int leaf : system_) {
    if (leaf < 0) return Damaged("a system column is missing");
  }
  return OkStatus();
}

Result<RowGroupFacts> HistoryFile::Facts(int row_group) const {
  return Guard(path_, [&]() -> Result<RowGroupFacts> {
    const auto metadata = reader_->parquet_reader()->metadata()->RowGroup(row_group);
    const auto chunk = [&](int leaf) { return metadata->ColumnChunk(leaf); };
    RowGroupFacts facts;
    facts.rows = metadata->num_rows();
    std::tie(facts.event_time_min_us, facts.event_time_max_us) =
        TimeBounds(*chunk(system_[kEventTime]));
    facts.write_time_min_us = TimeBounds(*chunk(system_[kWriteTime])).first;
    SetKeyBounds(*chunk(keys_[0]), &facts);
    facts.stores_min = 1;
    facts.stores_max = 3;
    if (const auto stores = Bounds<parquet::Int32Type>(*chunk(system_[kStoresColumn]))) {
      facts.stores_min = stores->min();
      facts.stores_max = stores->max();
    }
    const auto deleted = Bounds<parquet::BooleanType>(*chunk(system_[kIsDeleted]));
    facts.no_deletes = deleted != nullptr && !deleted->max();
    facts.no_record_ttls = NullCount(*chunk(system_[kRecordTtl])) == facts.rows;
    // No row names a feature twice, nor one without a column.
    const ChunkMetadata written = chunk(system_[kWritten]);
    const std::optional<int64_t> unnamed = NullCount(*written);
    facts.names_all = unnamed == 0 && written->num_values() == facts.rows * feature_columns_;
    return facts;
  });
}

bool HistoryFile::AlwaysSet(int row_group, size_t feature) const {
  if (!has(feature)) return false;
  const auto chunk =
      reader_->parquet_reader()->metadata()->RowGroup(row_group)->ColumnChunk(features_[feature]);
  return NullCount(*chunk) == 0;
}

Result<arrow::ArrayVector> HistoryFile::ReadKeys(int row_group) { return Read(row_group, keys_); }

Result<arrow::ArrayVector> HistoryFile::ReadSystem(int row_group,
                                                   const std::vector<SystemColumn>& columns) {
  std::vector<int> leaves;
  for (const SystemColumn column : columns) leaves.push_back(system_[column]);
  TOKURA_ASSIGN_OR_RETURN(arrow::ArrayVector arrays, Read(row_group, leaves));
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool nullable = columns[i] == kWritten || columns[i] == kRecordTtl;
    if (!nullable && arrays[i]->null_count() > 0) return Damaged("null in a required column");
  }
  return arrays;
}

Result<arrow::ArrayVector> HistoryFile::ReadFeatures(int row_group) {
  std::vector<int> leaves;
  for (const int leaf : features_) {
    if (leaf >= 0) leaves.push_back(leaf);
  }
  TOKURA_ASSIGN_OR_RETURN(arrow::ArrayVector arrays, Read(row_group, leaves));
  arrow::ArrayVector out;
  for (size_t next = 0; const int leaf : features_) {
    out.push_back(leaf >= 0 ? arrays[next++] : nullptr);
  }
  return out;
}

Result<arrow::ArrayVector> HistoryFile::Read(int row_group, const std::vector<int>& leaves) {
  return Guard(path_, [&]() -> Result<arrow::ArrayVector> {
    arrow::ArrayVector arrays;
    if (leaves.empty()) return arrays;
    // Column by column: Arrow gives them in the order of the file, whatever order is asked for.
    for (const int leaf : leaves) {
      auto table = reader_->ReadRowGroup(row_group, {leaf});
      TOKURA_RETURN_IF_ERROR(FromArrow(table.status(), Code::kCorrupt, path_));
      const arrow::ChunkedArray& column = *(*table)->column(0);
      if (column.length() !=
          reader_->parquet_reader()->metadata()->RowGroup(row_group)->num_rows()) {
        return Damaged("a column ends early");
      }
      std::shared_ptr<arrow::Array> array;
      if (column.num_chunks() == 1) {
        array = column.chunk(0);
      } else {
        auto whole = arrow::Concatenate(column.chunks());
        TOKURA_RETURN_IF_ERROR(FromArrow(whole.status(), Code::kCorrupt, path_));
        array = *whole;
      }
      TOKURA_RETURN_IF_ERROR(FromArrow(array->Validate(), Code::kCorrupt, path_));
      arrays.push_back(std::move(array));
    }
    return arrays;
  });
}

}  // namespace tokura::offline
