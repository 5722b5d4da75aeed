// Data files: Parquet with exactly the columns of offline.md. A row is one Record and where it
// stood in the log; what is written reads back as the same records, with the same digests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/record.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/iceberg/manifest.h"
#include "offline/records/placed_record.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct DataFile {
  std::string path;       // relative to the table's folder
  std::string partition;  // "event_day=2013-01-01", "event_hour=2013-01-01-06"
  uint64_t rows = 0;      // never 0
  uint64_t bytes = 0;
  int64_t event_time_min_us = 0;
  int64_t event_time_max_us = 0;
  uint64_t write_prefix_min = 0;  // of WriteId::prefix()
  uint64_t write_prefix_max = 0;
  Digest digest;        // sum over its records; its name has it, and
  uint32_t crc32c = 0;  // the checksum of its bytes
  bool operator==(const DataFile&) const = default;
};

// A file that was written and that no snapshot has yet.
struct NewFile {
  DataFile file;
  iceberg::FileEntry entry;  // counts, bounds and sizes of its columns
};

struct HistoryRow {
  Record record;
  int64_t write_time_us = 0;
  bool late = false;
  std::string origin;  // "n1.3/0512": node.incarnation/shard; "import:<id>" in the backfill lane
  int64_t seq = 0;
  bool operator==(const HistoryRow&) const = default;
};

// "-<32 digits>-89abcdef.parquet": how the name of a file of these records and bytes ends.
std::string DataFileEnding(const Digest& digest, uint32_t crc32c);
// Of files that are being made.
inline constexpr char kTemporarySuffix[] = ".tmp";

// Its memory is the row's.
RecordPlace PlaceOf(const HistoryRow& row);
// The Dot of a record of the log; nullopt for the backfill lane.
std::optional<Dot> DotOf(const RecordPlace& place);
std::optional<Dot> DotOf(const HistoryRow& row);
// HistoryRow::origin of a record of the log.
std::string OriginOf(const Dot& dot);

// Writes `rows` (sorted by key, event_time, write id) with a DataFileWriter.
// REQUIRES: at least one row, all of one partition.
Result<NewFile> WriteDataFile(runtime::FileSystem& files, const std::string& table_folder,
                              const std::string& stem, const std::string& partition,
                              const FeatureGroup& group, const std::vector<HistoryRow>& rows);

// Streams the rows of a data file in file order. Columns of dropped features are read too (digests
// need them); features added later are absent.
class DataFileReader {
 public:
  // `features`: which to decode; nullopt for all. Without all of them digests are not right.
  static Result<std::unique_ptr<DataFileReader>> Open(
      runtime::FileSystem& files, const std::string& table_folder, const DataFile& file,
      const FeatureGroup& group, std::optional<std::vector<FeatureId>> features = std::nullopt);
  virtual ~DataFileReader() = default;
  // nullopt at the end. CORRUPT names the file.
  virtual Result<std::optional<HistoryRow>> Next() = 0;
};

// Days, or hours, since the epoch.
int64_t PartitionNumber(Partition partition, int64_t event_time_us);
// "event_day=2013-01-01" or "event_hour=2013-01-01-06".
std::string PartitionOf(Partition partition, int64_t event_time_us);
int32_t EventDay(int64_t event_time_us);  // floor(days since the epoch)
std::string FormatDay(int32_t day);       // "2013-01-01"

}  // namespace tokura::offline
