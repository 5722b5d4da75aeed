#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "core/digest.h"
#include "core/key_codec.h"
#include "offline/arrow_file.h"
#include "offline/data_file.h"
#include "offline/data_file_writer.h"
#include "offline/value_builder.h"

namespace tokura::offline {
namespace {

// Rows are made columns in parts that end at whichever comes first.
constexpr size_t kPartRowsMax = 32 << 10;
constexpr size_t kPartBytesMax = 16 << 20;

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

// Builds the columns of some rows, in the order of the schema.
class ColumnsBuilder {
 public:
  ColumnsBuilder(const FeatureGroup& group, const std::vector<const Feature*>& features,
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

}  // namespace

Result<NewFile> WriteDataFile(runtime::FileSystem& files, const std::string& table_folder,
                              const std::string& stem, const std::string& partition,
                              const FeatureGroup& group, const std::vector<HistoryRow>& rows) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<const Feature*> features, FeaturesOf(group, rows));
  TOKURA_ASSIGN_OR_RETURN(
      std::unique_ptr<DataFileWriter> writer,
      DataFileWriter::Open(files, table_folder, stem, partition, group, features));
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin;
    Digest digest;
    for (size_t bytes = 0; end < rows.size() && end - begin < kPartRowsMax && bytes < kPartBytesMax;
         ++end) {
      bytes += RowBytes(rows[end]);
      digest += DigestRecord(rows[end].record);
    }
    ColumnsBuilder builder(group, features, writer->schema(),
                           HistoryRows(rows).subspan(begin, end - begin));
    const auto batch = builder.Build();
    if (!batch.ok()) return FromArrow(batch.status(), Code::kFailedPrecondition, stem);
    TOKURA_RETURN_IF_ERROR(writer->Append(**batch, digest));
    begin = end;
  }
  return writer->Finish();
}

}  // namespace tokura::offline
