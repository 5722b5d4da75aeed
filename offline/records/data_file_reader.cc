#include <utility>

#include "offline/records/data_file.h"
#include "offline/records/record_file_reader.h"

namespace tokura::offline {
namespace {

class DecodingReader final : public DataFileReader {
 public:
  DecodingReader(FeatureGroup group, std::string path)
      : group_(std::move(group)), path_(std::move(path)) {}

  Status Open(runtime::FileSystem& files, const std::string& table_folder, const DataFile& file,
              RecordFileReadOptions options) {
    TOKURA_ASSIGN_OR_RETURN(
        records_, RecordFileReader::Open(files, table_folder, file, group_, std::move(options)));
    return OkStatus();
  }

  Result<std::optional<HistoryRow>> Next() override {
    PlacedRecord record;
    TOKURA_ASSIGN_OR_RETURN(const bool more, records_->Next(&record));
    if (!more) return std::optional<HistoryRow>();
    HistoryRow row;
    auto decoded = DecodeRecord(record.body);
    if (!decoded.ok()) return decoded.status().WithContext(path_);
    row.record = *std::move(decoded);
    row.write_time_us = record.place.write_time_us;
    row.late = record.place.late;
    row.origin = record.place.origin;
    row.seq = record.place.seq;
    return std::optional<HistoryRow>(std::move(row));
  }

 private:
  const FeatureGroup group_;
  const std::string path_;
  std::unique_ptr<RecordFileReader> records_;
};

}  // namespace

Result<std::unique_ptr<DataFileReader>> DataFileReader::Open(
    runtime::FileSystem& files, const std::string& table_folder, const DataFile& file,
    const FeatureGroup& group, std::optional<std::vector<FeatureId>> features) {
  auto reader = std::make_unique<DecodingReader>(group, table_folder + "/" + file.path);
  TOKURA_RETURN_IF_ERROR(
      reader->Open(files, table_folder, file, {.features = std::move(features)}));
  return std::unique_ptr<DataFileReader>(std::move(reader));
}

}  // namespace tokura::offline
