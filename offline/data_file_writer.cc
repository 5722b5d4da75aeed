#include <algorithm>
#include <exception>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "core/digest.h"
#include "core/key_codec.h"
#include "offline/arrow_file.h"
#include "offline/data_file.h"
#include "offline/data_file_schema.h"
#include "offline/file_metrics.h"
#include "offline/value_builder.h"

namespace tokura::offline {
namespace {

// A row group ends at whichever comes first; the bytes are of keys and values before encoding.
constexpr size_t kRowGroupRowsMax = 128 << 10;
constexpr size_t kRowGroupBytesMax = 64 << 20;
constexpr int kZstdLevel = 1;

using HistoryRows = std::span<const HistoryRow>;

size_t RowBytes(const HistoryRow& row) {
  size_t bytes = 64 + row.record.key.size();
  for (const Cell& cell : row.record.cells) {
    bytes += 8;
    if (const auto* text = cell.value.get_if<std::string>()) bytes += text->size();
    if (const auto* data = cell.value.get_if<Bytes>()) bytes += data->data.size();
    if (const auto* vector = cell.value.get_if<FloatVector>()) bytes += 4 * vector->size();
    if (const auto* list = cell.value.get_if<List>()) {
      for (const Value& element : *list) {
        const auto* text = element.get_if<std::string>();
        bytes += text == nullptr ? 8 : 8 + text->size();
      }
    }
  }
  return bytes;
}

// Whether the record deletes the features it names. A record of ours either writes or deletes.
arrow::Result<bool> DeletesCells(const Record& record) {
  size_t deletes = 0;
  for (const Cell& cell : record.cells) deletes += cell.state == CellState::kDelete ? 1 : 0;
  if (deletes != 0 && deletes != record.cells.size()) {
    return arrow::Status::Invalid("a record both writes and deletes features");
  }
  return deletes != 0;
}

// The live features, then those dropped ones that a row names.
Result<std::vector<const Feature*>> FeaturesOf(const FeatureGroup& group,
                                               const std::vector<HistoryRow>& rows) {
  std::set<FeatureId> named;
  for (const HistoryRow& row : rows) {
    for (const Cell& cell : row.record.cells) named.insert(cell.feature);
  }
  std::vector<const Feature*> features;
  for (const Feature& feature : group.features) {
    if (!feature.dropped || named.contains(feature.id)) features.push_back(&feature);
    named.erase(feature.id);
  }
  if (!named.empty()) {
    return FailedPrecondition("feature group '" + group.QualifiedName() +
                              "': a record names feature id " +
                              std::to_string(named.begin()->value) +
                              ", which these definitions do not know; load the newest ones");
  }
  return features;
}

// Builds the columns of one row group, in the order of the schema.
class RowGroupBuilder {
 public:
  RowGroupBuilder(const FeatureGroup& group, const std::vector<const Feature*>& features,
                  const std::shared_ptr<arrow::Schema>& schema, HistoryRows rows)
      : group_(group), features_(features), schema_(schema), rows_(rows) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Build() {
    ARROW_RETURN_NOT_OK(AddKeys());
    ARROW_RETURN_NOT_OK(AddFeatures());
    ARROW_RETURN_NOT_OK(AddSystemColumns());
    return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows_.size()), arrays_);
  }

 private:
  std::shared_ptr<arrow::DataType> NextType() const {
    return schema_->field(static_cast<int>(arrays_.size()))->type();
  }

  arrow::Status AddKeys() {
    std::vector<ValueBuilder> builders;
    for (size_t i = 0; i < group_.entity.keys.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(ValueBuilder builder,
                            ValueBuilder::Make(group_.entity.keys[i].type,
                                               schema_->field(static_cast<int>(i))->type()));
      builders.push_back(std::move(builder));
    }
    for (const HistoryRow& row : rows_) {
      Result<std::vector<Value>> values = DecodeRowKey(row.record.key, group_.entity.keys);
      if (!values.ok()) return ToArrow(values.status());
      for (size_t i = 0; i < builders.size(); ++i) {
        ARROW_RETURN_NOT_OK(builders[i].Append((*values)[i]));
      }
    }
    for (ValueBuilder& builder : builders) ARROW_RETURN_NOT_OK(Finish(&builder));
    return arrow::Status::OK();
  }

  // Only the cells that are there are visited; what lies between is padded with nulls.
  arrow::Status AddFeatures() {
    std::vector<ValueBuilder> builders;
    std::map<FeatureId, size_t> place;
    for (size_t i = 0; i < features_.size(); ++i) {
      const auto& type = schema_->field(static_cast<int>(arrays_.size() + i))->type();
      ARROW_ASSIGN_OR_RAISE(ValueBuilder builder, ValueBuilder::Make(features_[i]->type, type));
      builders.push_back(std::move(builder));
      place[features_[i]->id] = i;
    }
    for (size_t r = 0; r < rows_.size(); ++r) {
      for (const Cell& cell : rows_[r].record.cells) {
        if (cell.state != CellState::kValue) continue;
        const size_t i = place[cell.feature];
        ARROW_RETURN_NOT_OK(builders[i].PadTo(static_cast<int64_t>(r)));
        const arrow::Status appended = builders[i].Append(cell.value);
        if (!appended.ok()) {
          return appended.WithMessage("feature ", features_[i]->name, ": ", appended.message(),
                                      "; load the newest definitions");
        }
      }
    }
    for (ValueBuilder& builder : builders) ARROW_RETURN_NOT_OK(Finish(&builder));
    return arrow::Status::OK();
  }

  template <typename Builder, typename Get>
  arrow::Status AddColumn(Get get) {
    Builder builder(NextType(), arrow::default_memory_pool());
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(rows_.size())));
    for (const HistoryRow& row : rows_) ARROW_RETURN_NOT_OK(builder.Append(get(row)));
    return Finish(&builder);
  }

  arrow::Status AddWritten() {
    std::unique_ptr<arrow::ArrayBuilder> made;
    ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), NextType(), &made));
    auto& builder = static_cast<arrow::ListBuilder&>(*made);
    auto& ids = static_cast<arrow::Int32Builder&>(*builder.value_builder());
    for (const HistoryRow& row : rows_) {
      if (row.record.delete_row) {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
        continue;
      }
      ARROW_RETURN_NOT_OK(builder.Append());
      for (const Cell& cell : row.record.cells) {
        ARROW_RETURN_NOT_OK(ids.Append(static_cast<int32_t>(cell.feature.value)));
      }
    }
    return Finish(&builder);
  }

  arrow::Status AddRecordTtl() {
    arrow::Int64Builder builder;
    for (const HistoryRow& row : rows_) {
      ARROW_RETURN_NOT_OK(row.record.ttl_us ? builder.Append(*row.record.ttl_us)
                                            : builder.AppendNull());
    }
    return Finish(&builder);
  }

  arrow::Status AddSystemColumns() {
    using Row = const HistoryRow&;
    ARROW_RETURN_NOT_OK(
        AddColumn<arrow::TimestampBuilder>([](Row row) { return row.record.event_time_us; }));
    ARROW_RETURN_NOT_OK(
        AddColumn<arrow::TimestampBuilder>([](Row row) { return row.write_time_us; }));
    for (const HistoryRow& row : rows_) ARROW_RETURN_NOT_OK(DeletesCells(row.record));
    ARROW_RETURN_NOT_OK(AddColumn<arrow::BooleanBuilder>(
        [](Row row) { return row.record.delete_row || *DeletesCells(row.record); }));
    ARROW_RETURN_NOT_OK(AddWritten());
    ARROW_RETURN_NOT_OK(AddRecordTtl());
    ARROW_RETURN_NOT_OK(AddColumn<arrow::FixedSizeBinaryBuilder>(
        [](Row row) { return row.record.write_id.bytes.data(); }));
    ARROW_RETURN_NOT_OK(AddColumn<arrow::Int32Builder>(
        [](Row row) { return static_cast<int32_t>(row.record.stores); }));
    ARROW_RETURN_NOT_OK(AddColumn<arrow::BooleanBuilder>([](Row row) { return row.late; }));
    ARROW_RETURN_NOT_OK(
        AddColumn<arrow::StringBuilder>([](Row row) { return std::string_view(row.origin); }));
    return AddColumn<arrow::Int64Builder>([](Row row) { return row.seq; });
  }

  template <typename Builder>
  arrow::Status Finish(Builder* builder) {
    if constexpr (std::is_same_v<Builder, ValueBuilder>) {
      ARROW_RETURN_NOT_OK(builder->PadTo(static_cast<int64_t>(rows_.size())));
    }
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Array> array, builder->Finish());
    arrays_.push_back(std::move(array));
    return arrow::Status::OK();
  }

  const FeatureGroup& group_;
  const std::vector<const Feature*>& features_;
  const std::shared_ptr<arrow::Schema>& schema_;
  HistoryRows rows_;
  arrow::ArrayVector arrays_;
};

std::shared_ptr<parquet::WriterProperties> WriterPropertiesFor() {
  parquet::WriterProperties::Builder builder;
  // Ids and sequence numbers hardly repeat: a dictionary of them only costs.
  return builder.compression(parquet::Compression::ZSTD)
      ->compression_level(kZstdLevel)
      ->enable_page_checksum()
      ->disable_dictionary("_write_id")
      ->disable_dictionary("_seq")
      ->disable_dictionary("write_time")
      ->build();
}

// What the footer says of sizes and row groups.
void DescribeLayout(const parquet::FileMetaData& footer, iceberg::FileEntry* entry) {
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const auto row_group = footer.RowGroup(group);
    entry->split_offsets.push_back(row_group->file_offset());
    for (int i = 0; i < footer.num_columns(); ++i) {
      const int32_t field_id = footer.schema()->Column(i)->schema_node()->field_id();
      entry->column_bytes[field_id] += row_group->ColumnChunk(i)->total_compressed_size();
    }
  }
}

arrow::Status WriteRowGroups(const FeatureGroup& group, const std::vector<const Feature*>& features,
                             const std::shared_ptr<arrow::Schema>& schema, HistoryRows rows,
                             std::shared_ptr<arrow::io::OutputStream> out,
                             iceberg::FileEntry* entry) {
  ARROW_ASSIGN_OR_RAISE(auto writer,
                        parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(),
                                                         std::move(out), WriterPropertiesFor()));
  ARROW_RETURN_NOT_OK(writer->AddKeyValueMetadata(arrow::key_value_metadata(
      {"tokura.format", "tokura.group", "tokura.group-id", "tokura.schema-version"},
      {std::to_string(kDataFileFormat), group.QualifiedName(), std::to_string(group.id.value),
       std::to_string(group.schema_version.value)})));
  FileMetrics metrics;
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin;
    for (size_t bytes = 0;
         end < rows.size() && end - begin < kRowGroupRowsMax && bytes < kRowGroupBytesMax; ++end) {
      bytes += RowBytes(rows[end]);
    }
    RowGroupBuilder builder(group, features, schema, rows.subspan(begin, end - begin));
    ARROW_ASSIGN_OR_RAISE(auto batch, builder.Build());
    metrics.Add(*batch);
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema, {batch}));
    ARROW_RETURN_NOT_OK(writer->WriteTable(*table, static_cast<int64_t>(end - begin)));
    begin = end;
  }
  ARROW_RETURN_NOT_OK(writer->Close());
  metrics.Describe(entry);
  DescribeLayout(*writer->metadata(), entry);
  return arrow::Status::OK();
}

// Returns the checksum of the file.
Result<uint32_t> WriteParquet(const FeatureGroup& group, const std::vector<HistoryRow>& rows,
                              const std::string& path, runtime::WritableFile& file,
                              iceberg::FileEntry* entry) {
  TOKURA_ASSIGN_OR_RETURN(std::vector<const Feature*> features, FeaturesOf(group, rows));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<TableColumn> columns, TableColumnsOf(group, features));
  const std::shared_ptr<arrow::Schema> schema = DataFileSchema(columns);
  try {
    const auto out =
        std::make_shared<FileOutputStream>(file);  // joint owners: this, Arrow's writer
    TOKURA_RETURN_IF_ERROR(FromArrow(WriteRowGroups(group, features, schema, rows, out, entry),
                                     Code::kFailedPrecondition, path));
    return out->crc32c();
  } catch (const std::exception& e) {
    return Internal(path + ": " + e.what());
  }
}

DataFile Describe(const std::string& partition, const std::vector<HistoryRow>& rows, uint64_t bytes,
                  uint32_t crc32c) {
  DataFile out{.path = {},
               .partition = partition,
               .rows = rows.size(),
               .bytes = bytes,
               .event_time_min_us = rows.front().record.event_time_us,
               .event_time_max_us = rows.front().record.event_time_us,
               .write_prefix_min = rows.front().record.write_id.prefix(),
               .write_prefix_max = rows.front().record.write_id.prefix(),
               .digest = {},
               .crc32c = crc32c};
  for (const HistoryRow& row : rows) {
    const int64_t event_time = row.record.event_time_us;
    const uint64_t prefix = row.record.write_id.prefix();
    out.event_time_min_us = std::min(out.event_time_min_us, event_time);
    out.event_time_max_us = std::max(out.event_time_max_us, event_time);
    out.write_prefix_min = std::min(out.write_prefix_min, prefix);
    out.write_prefix_max = std::max(out.write_prefix_max, prefix);
    out.digest += DigestRecord(row.record);
  }
  return out;
}

}  // namespace

Result<NewFile> WriteDataFile(runtime::FileSystem& files, const std::string& table_folder,
                              const std::string& stem, const std::string& partition,
                              const FeatureGroup& group, const std::vector<HistoryRow>& rows) {
  TOKURA_CHECK(!rows.empty());
  const std::string temporary = table_folder + "/" + stem + kTemporarySuffix;
  const std::string folder = temporary.substr(0, temporary.rfind('/'));
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(folder));
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::WritableFile> file, files.Create(temporary));
  NewFile written;
  const Result<uint32_t> crc32c = WriteParquet(group, rows, temporary, *file, &written.entry);
  Status status = crc32c.status();
  if (status.ok()) status = file->Sync();
  const uint64_t bytes = file->size();
  if (status.ok()) status = file->Close();
  if (status.ok()) {
    written.file = Describe(partition, rows, bytes, *crc32c);
    written.file.path = stem + DataFileEnding(*crc32c);
    status = files.Link(temporary, table_folder + "/" + written.file.path);
  }
  file.reset();
  // What cannot be removed now is an orphan, which the table removes later.
  (void)files.Remove(temporary);
  if (status.ok()) status = files.SyncDirectory(folder);
  TOKURA_RETURN_IF_ERROR(status);
  written.entry.rows = static_cast<int64_t>(written.file.rows);
  written.entry.bytes = static_cast<int64_t>(bytes);
  return written;
}

}  // namespace tokura::offline
