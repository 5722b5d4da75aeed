#include "offline/records/history_merge.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

#include "offline/records/history_order.h"

namespace tokura::offline {
namespace {

// Read at once of each run: as much as memory has for each, if that is not too little for a disk.
constexpr uint64_t kBufferBytesMin = 2 * RunFile::kBlockBytes;
constexpr uint64_t kBufferBytesMax = 1 << 20;

}  // namespace

// A run, and its first record that was not given yet.
struct HistoryMerge::Source {
  RunFile::Reader run;
  PlacedRecord record{};
  std::string_view key{};
  int64_t event_time_us = 0;
};

HistoryMerge::HistoryMerge(runtime::FileSystem& file_system, std::string table_folder,
                           std::vector<DataFile> files, const FeatureGroup& group,
                           HistoryMergeOptions options)
    : file_system_(file_system),
      table_folder_(std::move(table_folder)),
      files_(std::move(files)),
      group_(group),
      options_(std::move(options)) {
  for (const DataFile& file : files_) rows_total_ += file.rows;
}
HistoryMerge::~HistoryMerge() = default;

uint64_t HistoryMerge::memory_bytes() const {
  uint64_t bytes = records_.bytes();
  for (const std::unique_ptr<Source>& source : heap_) bytes += source->run.memory_bytes();
  return bytes + (given_ == nullptr ? 0 : given_->run.memory_bytes());
}

Result<bool> HistoryMerge::Read(uint64_t rows) {
  for (uint64_t left = rows; left > 0 && file_ < files_.size();) {
    if (reader_ == nullptr) {
      TOKURA_ASSIGN_OR_RETURN(
          reader_, RecordFileReader::Open(file_system_, table_folder_, files_[file_], group_,
                                          {.features = options_.features}));
    }
    PlacedRecord record;
    TOKURA_ASSIGN_OR_RETURN(const bool more, reader_->Next(&record));
    TOKURA_RETURN_IF_ERROR(more ? Add(record) : EndFile());
    left -= more ? 1 : 0;
  }
  if (file_ < files_.size()) return true;
  if (!begun_) TOKURA_RETURN_IF_ERROR(Begin());
  return false;
}

Status HistoryMerge::Add(const PlacedRecord& record) {
  ++rows_read_;
  if (!options_.features) digest_ += DigestBytes(record.body);
  RecordView view;
  TOKURA_CHECK(OpenRecord(record.body, &view));
  if (options_.wanted && !options_.wanted(view, record.place)) return OkStatus();
  records_.Add(view, record.place);
  return records_.bytes() < options_.memory_bytes ? OkStatus() : Spill();
}

Status HistoryMerge::EndFile() {
  reader_.reset();
  const DataFile& file = files_[file_++];
  if (std::exchange(digest_, {}) == file.digest || options_.features) return OkStatus();
  return Corrupt(table_folder_ + "/" + file.path +
                 ": its records are not those that its name promises");
}

Status HistoryMerge::Spill() {
  if (runs_ == nullptr) {
    TOKURA_ASSIGN_OR_RETURN(runs_, RunFile::Create(file_system_, options_.spill_path));
  }
  RecordList list = records_.all();
  SortForFile(records_, &list);
  TOKURA_RETURN_IF_ERROR(runs_->Append(records_, list));
  records_ = HistoryRecords();
  return OkStatus();
}

Status HistoryMerge::Begin() {
  begun_ = true;
  if (runs_ == nullptr) {
    sorted_ = records_.all();
    SortForFile(records_, &sorted_);
    return OkStatus();
  }
  if (!records_.empty()) TOKURA_RETURN_IF_ERROR(Spill());
  const uint64_t buffer_bytes =
      std::clamp(options_.memory_bytes / runs_->runs(), kBufferBytesMin, kBufferBytesMax);
  for (size_t run = 0; run < runs_->runs(); ++run) {
    given_ = std::make_unique<Source>(RunFile::Reader(*runs_, run, buffer_bytes));
    TOKURA_RETURN_IF_ERROR(PutBack());
  }
  return OkStatus();
}

Result<bool> HistoryMerge::Next(PlacedRecord* record) {
  if (!begun_) TOKURA_RETURN_IF_ERROR(Read(std::numeric_limits<uint64_t>::max()).status());
  if (runs_ == nullptr) {
    if (next_ == sorted_.size()) return false;
    const HistoryRecord& next = *sorted_[next_++];
    *record = {next.body(), records_.place(next)};
    return true;
  }
  TOKURA_RETURN_IF_ERROR(PutBack());
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  given_ = std::move(heap_.back());
  heap_.pop_back();
  *record = given_->record;
  return true;
}

// With its next record; at its end it is left out.
Status HistoryMerge::PutBack() {
  if (given_ == nullptr) return OkStatus();
  std::unique_ptr<Source> source = std::move(given_);
  TOKURA_ASSIGN_OR_RETURN(const bool more, source->run.Next(&source->record));
  if (!more) return OkStatus();
  source->key = KeyOf(source->record.body);
  source->event_time_us = EventTimeOf(source->record.body);
  heap_.push_back(std::move(source));
  std::push_heap(heap_.begin(), heap_.end(), Later);
  return OkStatus();
}

// As SortForFile has it.
bool HistoryMerge::Later(const std::unique_ptr<Source>& a, const std::unique_ptr<Source>& b) {
  if (const int order = a->key.compare(b->key); order != 0) return order > 0;
  if (a->event_time_us != b->event_time_us) return a->event_time_us > b->event_time_us;
  const auto rest = [](const PlacedRecord& record) {
    const RecordPlace& place = record.place;
    return std::tuple(WriteIdOf(record.body), place.write_time_us, place.origin, place.seq);
  };
  return rest(a->record) > rest(b->record);
}

}  // namespace tokura::offline
