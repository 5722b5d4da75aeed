#include "offline/table/table_care.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/bytes.h"
#include "core/cell_reader.h"
#include "offline/records/data_file.h"
#include "offline/records/history_merge.h"
#include "offline/records/record_file_reader.h"
#include "offline/records/record_file_writer.h"

namespace tokura::offline {
namespace {

constexpr char kCareLock[] = "/metadata/_care.lock";
constexpr int kCommitAttempts = 10;
constexpr size_t kRowsAtOnce = 4096;

// What some rows are, in any order.
class RowSum {
 public:
  void Add(const RecordPlace& place, const Digest& digest) {
    ++rows_;
    records_ += digest;
    room_ = place.origin;
    PutU64(&room_, static_cast<uint64_t>(place.seq));
    PutU64(&room_, static_cast<uint64_t>(place.write_time_us));
    room_.push_back(place.late ? 1 : 0);
    places_ += DigestBytes(room_);
  }
  // Their places are not told.
  bool IsAsToldOf(const std::vector<DataFile>& files) const {
    uint64_t rows = 0;
    Digest records;
    for (const DataFile& file : files) {
      rows += file.rows;
      records += file.digest;
    }
    return rows_ == rows && records_ == records;
  }
  bool operator==(const RowSum& other) const {
    return rows_ == other.rows_ && records_ == other.records_ && places_ == other.places_;
  }

 private:
  uint64_t rows_ = 0;
  Digest records_;
  Digest places_;  // in the log
  std::string room_;
};

}  // namespace

// One file of many. In steps: the rows are read, written in their order, and read back.
class TableCare::Merge {
 public:
  Merge(runtime::FileSystem& files, const Table& table, const FeatureGroup& group,
        const CareOptions& options, std::vector<DataFile> from, uint32_t attempt)
      : files_(files),
        folder_(table.folder()),
        group_(group),
        from_(std::move(from)),
        stem_(table.NewFileStem(from_.front().partition, attempt)),
        any_dropped_(std::any_of(group.features.begin(), group.features.end(),
                                 [](const Feature& feature) { return feature.dropped; })),
        rows_(std::in_place, files, folder_, from_, group,
              HistoryMergeOptions{.wanted = [this](const RecordView& record,
                                                   const RecordPlace&) { return See(record); },
                                  .memory_bytes = options.memory_bytes,
                                  .spill_path = folder_ + "/" + stem_ + "-runs"}) {}
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
    if (made_) return ReadBack();
    if (writer_ != nullptr) {
      TOKURA_RETURN_IF_ERROR(Write());
      return true;
    }
    TOKURA_ASSIGN_OR_RETURN(const bool more, rows_->Read(kRowsAtOnce));
    if (!more) TOKURA_RETURN_IF_ERROR(Begin());
    return true;
  }

 private:
  // Takes note of the features that records name, for each gets a column.
  bool See(const RecordView& record) {
    if (!any_dropped_) return true;
    CellReader cells(record.cells);
    for (CellBytes cell; cells.Next(&cell);) named_.insert(FeatureId(cell.feature));
    return true;
  }

  Status Begin() {
    features_ = FeaturesToWrite(group_, named_);
    TOKURA_ASSIGN_OR_RETURN(
        writer_,
        RecordFileWriter::Open(files_, folder_, stem_, from_.front().partition, group_, features_));
    return OkStatus();
  }

  Status Write() {
    PlacedRecord record;
    for (size_t i = 0; i < kRowsAtOnce; ++i) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, rows_->Next(&record));
      if (!more) return Finish();
      const Digest digest = DigestBytes(record.body);
      merged_.Add(record.place, digest);
      TOKURA_RETURN_IF_ERROR(writer_->Append(record.body, record.place, digest));
    }
    return OkStatus();
  }

  Status Finish() {
    rows_.reset();
    if (!merged_.IsAsToldOf(from_)) {
      return Internal(folder_ + ": the rows of a merge are not those of its files");
    }
    TOKURA_ASSIGN_OR_RETURN(made_, writer_->Finish());
    writer_.reset();
    return OkStatus();
  }

  Result<bool> ReadBack() {
    if (reader_ == nullptr) {
      TOKURA_ASSIGN_OR_RETURN(reader_,
                              RecordFileReader::Open(files_, folder_, made_->file, group_, {}));
    }
    PlacedRecord record;
    for (size_t i = 0; i < kRowsAtOnce; ++i) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, reader_->Next(&record));
      if (more) {
        read_back_.Add(record.place, DigestBytes(record.body));
        continue;
      }
      if (read_back_ == merged_) return false;
      return Corrupt(folder_ + "/" + made_->file.path +
                     ": was just written, and does not read back as the rows it was made of");
    }
    return true;
  }

  runtime::FileSystem& files_;
  const std::string folder_;
  const FeatureGroup& group_;
  const std::vector<DataFile> from_;
  const std::string stem_;
  const bool any_dropped_;
  std::set<FeatureId> named_;
  std::optional<HistoryMerge> rows_;
  std::vector<const Feature*> features_;
  std::unique_ptr<RecordFileWriter> writer_;
  RowSum merged_;
  std::optional<NewFile> made_;
  std::unique_ptr<RecordFileReader> reader_;
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
    merge_ =
        std::make_unique<Merge>(files_, *table_, group_, options_, std::move(files), attempt_++);
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
