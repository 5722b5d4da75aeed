#include "offline/records/record_file_writer.h"

#include <algorithm>
#include <set>
#include <utility>

#include <arrow/record_batch.h>

#include "core/cell_reader.h"
#include "offline/records/data_file.h"

namespace tokura::offline {
std::vector<const Feature*> FeaturesToWrite(const FeatureGroup& group, const RecordList& records) {
  std::set<FeatureId> named;
  const bool any_dropped = std::any_of(group.features.begin(), group.features.end(),
                                       [](const Feature& feature) { return feature.dropped; });
  for (size_t i = 0; any_dropped && i < records.size(); ++i) {
    RecordView record;
    TOKURA_CHECK(OpenRecord(records[i]->body(), &record));
    CellReader reader(record.cells);
    for (CellBytes cell; reader.Next(&cell);) named.insert(FeatureId(cell.feature));
  }
  return FeaturesToWrite(group, named);
}

std::vector<const Feature*> FeaturesToWrite(const FeatureGroup& group,
                                            const std::set<FeatureId>& named) {
  std::vector<const Feature*> features;
  for (const Feature& feature : group.features) {
    if (!feature.dropped || named.contains(feature.id)) features.push_back(&feature);
  }
  return features;
}

Result<std::unique_ptr<RecordFileWriter>> RecordFileWriter::Open(
    runtime::FileSystem& files, const std::string& table_folder, const std::string& stem,
    const std::string& partition, const FeatureGroup& group,
    const std::vector<const Feature*>& features) {
  auto writer = std::make_unique<RecordFileWriter>();
  TOKURA_ASSIGN_OR_RETURN(
      writer->file_, DataFileWriter::Open(files, table_folder, stem, partition, group, features));
  TOKURA_ASSIGN_OR_RETURN(writer->columns_,
                          DataFileColumns::Make(group, features, writer->file_->schema()));
  return writer;
}

Status RecordFileWriter::Append(std::string_view body, const RecordPlace& place,
                                const Digest& digest) {
  TOKURA_RETURN_IF_ERROR(columns_->Append(body, place));
  digest_ += digest;
  return columns_->full() ? Flush() : OkStatus();
}

Status RecordFileWriter::Flush() {
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch, columns_->Flush());
  return file_->Append(*batch, std::exchange(digest_, {}));
}

Result<NewFile> RecordFileWriter::Finish() {
  TOKURA_RETURN_IF_ERROR(Flush());
  return file_->Finish();
}

Result<NewFile> WriteDataFile(runtime::FileSystem& files, const std::string& table_folder,
                              const std::string& stem, const std::string& partition,
                              const FeatureGroup& group, const std::vector<HistoryRow>& rows) {
  const HistoryRecords records = RecordsOf(rows);
  const std::vector<const Feature*> features = FeaturesToWrite(group, records.all());
  TOKURA_ASSIGN_OR_RETURN(
      const std::unique_ptr<RecordFileWriter> writer,
      RecordFileWriter::Open(files, table_folder, stem, partition, group, features));
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string_view body = records.all()[i]->body();
    TOKURA_RETURN_IF_ERROR(writer->Append(body, PlaceOf(rows[i]), DigestBytes(body)));
  }
  return writer->Finish();
}

}  // namespace tokura::offline
