#include "offline/table/table_care.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/bytes.h"
#include "offline/records/data_file.h"
#include "offline/records/data_file_reader.h"
#include "offline/records/history_merge.h"
#include "offline/records/record_file_writer.h"

namespace tokura::offline {
namespace {

constexpr char kCareLock[] = "/metadata/_care.lock";
constexpr int kCommitAttempts = 10;
constexpr size_t kRowsAtOnce = 4096;

// What some rows are, in any order.
struct RowSum {
  uint64_t rows = 0;
  Digest records;
  Digest places;  // in the log
  bool operator==(const RowSum&) const = default;

  void Add(const HistoryRow& row, const Digest& digest) {
    ++rows;
    records += digest;
    std::string place = row.origin;
    PutU64(&place, static_cast<uint64_t>(row.seq));
    PutU64(&place, static_cast<uint64_t>(row.write_time_us));
    place.push_back(row.late ? 1 : 0);
    places += DigestBytes(place);
  }
};

}  // namespace

// One file of many. In steps: which dropped features the rows name, the rows, and the rows read
// back.
class TableCare::Merge {
 public:
  Merge(runtime::FileSystem& files, const Table& table, const FeatureGroup& group,
        std::vector<DataFile> from, uint32_t attempt)
      : files_(files),
        folder_(table.folder()),
        group_(group),
        from_(std::move(from)),
        stem_(table.NewFileStem(from_.front().partition, attempt)) {}
  ~Merge() {
    if (made_ && !keep_) (void)files_.Remove(folder_ + "/" + made_->file.path);
  }

  const std::vector<DataFile>& from() const { return from_; }
  const NewFile& made() const { return *made_; }
  // The file may be published, whatever a commit says.
  void Keep() { keep_ = true; }
  void Discard() { keep_ = false; }

  // False: the file is made, and right.
  Result<bool> Advance() {
    if (writer_ == nullptr && !made_) {
      TOKURA_RETURN_IF_ERROR(Begin());
      return true;
    }
    if (!made_) {
      TOKURA_RETURN_IF_ERROR(Write());
      return true;
    }
    return ReadBack();
  }

 private:
  Result<HistoryMerge> OpenAll() const {
    std::vector<const DataFile*> files;
    for (const DataFile& file : from_) files.push_back(&file);
    return HistoryMerge::Open(files_, folder_, files, group_, {});
  }

  Status Begin() {
    TOKURA_ASSIGN_OR_RETURN(const std::set<FeatureId> named, DroppedFeaturesNamed());
    features_ = FeaturesToWrite(group_, named);
    TOKURA_ASSIGN_OR_RETURN(
        writer_,
        RecordFileWriter::Open(files_, folder_, stem_, from_.front().partition, group_, features_));
    TOKURA_ASSIGN_OR_RETURN(HistoryMerge rows, OpenAll());
    rows_.emplace(std::move(rows));
    return OkStatus();
  }

  // A column for each is made before the first row is written.
  Result<std::set<FeatureId>> DroppedFeaturesNamed() const {
    std::set<FeatureId> named;
    const bool any_dropped = std::any_of(group_.features.begin(), group_.features.end(),
                                         [](const Feature& feature) { return feature.dropped; });
    if (!any_dropped) return named;
    TOKURA_ASSIGN_OR_RETURN(HistoryMerge rows, OpenAll());
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, rows.Next());
      if (!row) return named;
      for (const Cell& cell : row->record.cells) named.insert(cell.feature);
    }
  }

  Status Write() {
    std::string body;
    for (size_t i = 0; i < kRowsAtOnce; ++i) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, rows_->Next());
      if (!row) return Finish();
      body.clear();
      EncodeRecord(row->record, &body);
      const Digest digest = DigestBytes(body);
      merged_.Add(*row, digest);
      const RecordPlace place{row->write_time_us, row->late, row->origin, row->seq};
      TOKURA_RETURN_IF_ERROR(writer_->Append(body, place, digest));
    }
    return OkStatus();
  }

  Status Finish() {
    rows_.reset();
    RowSum told;
    for (const DataFile& file : from_) {
      told.rows += file.rows;
      told.records += file.digest;
    }
    if (told.rows != merged_.rows || told.records != merged_.records) return NameTheBadFile();
    TOKURA_ASSIGN_OR_RETURN(made_, writer_->Finish());
    writer_.reset();
    return OkStatus();
  }

  Result<bool> ReadBack() {
    if (reader_ == nullptr) {
      TOKURA_ASSIGN_OR_RETURN(reader_, OpenDataFile(files_, folder_, made_->file, group_, {}));
    }
    for (size_t i = 0; i < kRowsAtOnce; ++i) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, reader_->Next());
      if (row) {
        read_back_.Add(*row, DigestRecord(row->record));
        continue;
      }
      if (read_back_ == merged_) return false;
      return Corrupt(folder_ + "/" + made_->file.path +
                     ": was just written, and does not read back as the rows it was made of");
    }
    return true;
  }

  Status NameTheBadFile() const {
    for (const DataFile& file : from_) {
      RowSum sum;
      TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<DataFileReader> reader,
                              OpenDataFile(files_, folder_, file, group_, {}));
      while (true) {
        TOKURA_ASSIGN_OR_RETURN(const std::optional<HistoryRow> row, reader->Next());
        if (!row) break;
        sum.Add(*row, DigestRecord(row->record));
      }
      if (sum.rows != file.rows || sum.records != file.digest) {
        return Corrupt(folder_ + "/" + file.path +
                       ": its records are not those that its name promises");
      }
    }
    return Internal(folder_ + ": the rows of a merge are not those of its files");
  }

  runtime::FileSystem& files_;
  const std::string folder_;
  const FeatureGroup& group_;
  const std::vector<DataFile> from_;
  const std::string stem_;
  std::vector<const Feature*> features_;
  std::optional<HistoryMerge> rows_;
  std::unique_ptr<RecordFileWriter> writer_;
  RowSum merged_;
  std::optional<NewFile> made_;
  std::unique_ptr<DataFileReader> reader_;
  RowSum read_back_;
  bool keep_ = false;
};

TableCare::TableCare(runtime::FileSystem& files, const FeatureGroup& group, CareOptions options,
                     std::unique_ptr<runtime::FileLock> lock, std::unique_ptr<Table> table)
    : files_(files),
      group_(group),
      options_(options),
      lock_(std::move(lock)),
      table_(std::move(table)) {}
TableCare::~TableCare() = default;

Result<std::unique_ptr<TableCare>> TableCare::Open(runtime::FileSystem& files,
                                                   const std::string& offline_root,
                                                   const FeatureGroup& group, CareOptions options) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<Table> table,
                          Table::OpenForRead(files, offline_root, group));
  auto lock = LockFile(files, table->folder() + kCareLock);
  if (lock.status().code() == Code::kFailedPrecondition) {
    return FailedPrecondition(table->folder() + ": another takes care of this table right now");
  }
  TOKURA_RETURN_IF_ERROR(lock.status());
  TOKURA_RETURN_IF_ERROR(table->BecomeWriter());
  (void)table->RemoveOrphans();  // perhaps of a care with this name, which was killed
  return std::unique_ptr<TableCare>(
      new TableCare(files, group, options, *std::move(lock), std::move(table)));
}

Result<bool> TableCare::Advance(int64_t now_us) {
  if (merge_ == nullptr) {
    TOKURA_RETURN_IF_ERROR(table_->Refresh());
    std::vector<DataFile> files = FilesToMerge(*table_, group_, options_, now_us);
    if (files.empty()) return false;
    merge_ = std::make_unique<Merge>(files_, *table_, group_, std::move(files), attempt_++);
    return true;
  }
  Result<bool> more = merge_->Advance();
  if (more.ok() && *more) return true;
  const Status published = more.ok() ? Publish(now_us) : more.status();
  merge_.reset();
  TOKURA_RETURN_IF_ERROR(published);
  return true;
}

Status TableCare::Publish(int64_t now_us) {
  TableChange change;
  change.added = {merge_->made()};
  for (const DataFile& file : merge_->from()) change.removed.push_back(file.path);
  change.now_us = now_us;
  const auto is_there = [&](const std::string& path) {
    const std::vector<DataFile>& files = table_->current().files;
    return std::any_of(files.begin(), files.end(),
                       [&](const DataFile& file) { return file.path == path; });
  };
  for (int attempt = 0; attempt < kCommitAttempts; ++attempt) {
    TOKURA_RETURN_IF_ERROR(table_->Refresh());
    if (!std::all_of(change.removed.begin(), change.removed.end(), is_there)) {
      return OkStatus();  // another replaced some of them: what is there now is looked at anew
    }
    merge_->Keep();  // until it is certain that nothing was published
    const Status committed = table_->Commit(group_, change);
    if (committed.code() == Code::kAlreadyExists) {
      merge_->Discard();
      continue;
    }
    TOKURA_RETURN_IF_ERROR(committed);
    ++outcome_.merges;
    outcome_.files_before += change.removed.size();
    ++outcome_.files_after;
    outcome_.rows += merge_->made().file.rows;
    outcome_.bytes_after += merge_->made().file.bytes;
    for (const DataFile& file : merge_->from()) outcome_.bytes_before += file.bytes;
    return OkStatus();
  }
  return Unavailable(table_->folder() + ": others commit all the time; try again later");
}

}  // namespace tokura::offline
