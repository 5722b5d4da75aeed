#include "offline/join/spine_sort.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "offline/join/key_head.h"
#include "offline/join/radix_sort.h"

namespace tokura::offline {
namespace {

constexpr size_t kSpillRows = 4096;  // of one batch of a spill file
constexpr size_t kRunsHeldOpen = 64;
constexpr size_t kEntriesMin = 256;  // sorted at once, however little memory there is

std::shared_ptr<arrow::Schema> SpillSchema() {
  return arrow::schema({arrow::field("key", arrow::binary(), false),
                        arrow::field("time", arrow::int64(), false),
                        arrow::field("row", arrow::uint64(), false)});
}

}  // namespace

std::string_view SpineSort::Run::key() const {
  return static_cast<const arrow::BinaryArray&>(*batch->column(0)).GetView(at);
}
int64_t SpineSort::Run::time_us() const {
  return static_cast<const arrow::Int64Array&>(*batch->column(1)).Value(at);
}
uint64_t SpineSort::Run::row() const {
  return static_cast<const arrow::UInt64Array&>(*batch->column(2)).Value(at);
}

Status SpineSort::Add(const arrow::BinaryArray& keys, const arrow::Int64Array& times_us,
                      uint64_t first_row) {
  for (int64_t i = 0; i < keys.length(); ++i) {
    if (keys.IsNull(i) || times_us.IsNull(i)) continue;
    const std::string_view key = keys.GetView(i);
    entries_.push_back(
        {keys_.size(), key.size(), times_us.Value(i), first_row + static_cast<uint64_t>(i)});
    keys_ += key;
    ++rows_;
    key_bytes_ += key.size();
    const uint64_t bytes = keys_.size() + entries_.size() * sizeof(Entry);
    if (Spills() && bytes > memory_bytes_ && entries_.size() >= kEntriesMin) {
      TOKURA_RETURN_IF_ERROR(Spill());
    }
  }
  return OkStatus();
}

// Keys differ in the few bytes that follow what they share: those decide first, without comparing
// keys; what they leave equal, mostly the rows of one key, are short stretches.
void SpineSort::Sort() {
  size_t shared = entries_.empty() ? 0 : entries_[0].key_size;
  size_t size_min = shared;
  size_t size_max = shared;
  for (const Entry& entry : entries_) {
    shared = SharedPrefix(KeyOf(entries_[0]).substr(0, shared), KeyOf(entry));
    size_min = std::min(size_min, entry.key_size);
    size_max = std::max(size_max, entry.key_size);
  }
  std::vector<RadixEntry> order(entries_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = {HeadOf(KeyOf(entries_[i]), shared), static_cast<uint32_t>(i)};
  }
  RadixSort(&order);
  std::vector<Entry> sorted;
  sorted.reserve(entries_.size());
  for (const RadixEntry& entry : order) sorted.push_back(entries_[entry.index]);
  entries_ = std::move(sorted);
  const bool heads_are_keys = size_min == size_max && size_max <= shared + sizeof(uint64_t);
  const auto before = [&](const Entry& a, const Entry& b) {
    const int by_key = heads_are_keys ? 0 : KeyOf(a).compare(KeyOf(b));
    if (by_key != 0) return by_key < 0;
    return std::tie(a.time_us, a.row) < std::tie(b.time_us, b.row);
  };
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    for (end = begin + 1; end < order.size() && order[end].key == order[begin].key; ++end) {
    }
    std::sort(entries_.begin() + static_cast<ptrdiff_t>(begin),
              entries_.begin() + static_cast<ptrdiff_t>(end), before);
  }
}

Status SpineSort::Spill() {
  Sort();
  TOKURA_ASSIGN_OR_RETURN(
      const std::unique_ptr<SpillWriter> file,
      SpillWriter::Open(files_, stem_ + std::to_string(spilled_), SpillSchema()));
  for (size_t begin = 0; begin < entries_.size(); begin += kSpillRows) {
    const size_t end = std::min(entries_.size(), begin + kSpillRows);
    const auto make = [&]() -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
      arrow::BinaryBuilder keys;
      arrow::Int64Builder times;
      arrow::UInt64Builder rows;
      for (size_t i = begin; i < end; ++i) {
        ARROW_RETURN_NOT_OK(keys.Append(KeyOf(entries_[i])));
        ARROW_RETURN_NOT_OK(times.Append(entries_[i].time_us));
        ARROW_RETURN_NOT_OK(rows.Append(entries_[i].row));
      }
      arrow::ArrayVector columns(3);
      ARROW_RETURN_NOT_OK(keys.Finish(&columns[0]));
      ARROW_RETURN_NOT_OK(times.Finish(&columns[1]));
      ARROW_RETURN_NOT_OK(rows.Finish(&columns[2]));
      return arrow::RecordBatch::Make(SpillSchema(), static_cast<int64_t>(end - begin),
                                      std::move(columns));
    };
    const auto batch = make();
    TOKURA_RETURN_IF_ERROR(FromArrow(batch.status(), Code::kInternal, "spine"));
    TOKURA_RETURN_IF_ERROR(file->Append(**batch));
  }
  TOKURA_RETURN_IF_ERROR(file->Finish().status());
  ++spilled_;
  entries_.clear();
  keys_.clear();
  return OkStatus();
}

Status SpineSort::Begin() {
  next_ = 0;
  if (spilled_ == 0) {
    if (!sorted_) Sort();
    sorted_ = true;
    return OkStatus();
  }
  if (!entries_.empty()) TOKURA_RETURN_IF_ERROR(Spill());
  entries_.shrink_to_fit();
  keys_.shrink_to_fit();
  runs_.clear();
  for (size_t i = 0; i < spilled_; ++i) {
    Run run;
    TOKURA_ASSIGN_OR_RETURN(run.reader,
                            SpillReader::Open(files_, stem_ + std::to_string(i), *SpillSchema(),
                                              spilled_ <= kRunsHeldOpen));
    run.at = -1;
    TOKURA_RETURN_IF_ERROR(Advance(&run));
    runs_.push_back(std::move(run));
  }
  std::make_heap(runs_.begin(), runs_.end(), Later);
  return OkStatus();
}

// The batch is null at the end.
Status SpineSort::Advance(Run* run) {
  ++run->at;
  if (run->batch != nullptr && run->at < run->batch->num_rows()) return OkStatus();
  run->at = 0;
  TOKURA_ASSIGN_OR_RETURN(run->batch, run->reader->Next());
  return OkStatus();
}

bool SpineSort::Later(const Run& a, const Run& b) {
  if (const int order = a.key().compare(b.key()); order != 0) return order > 0;
  return std::make_tuple(a.time_us(), a.row()) > std::make_tuple(b.time_us(), b.row());
}

Result<SpineChunk> SpineSort::Next(size_t rows_max) {
  SpineChunk chunk;
  for (; chunk.size() < rows_max && next_ < entries_.size(); ++next_) {
    chunk.Add(KeyOf(entries_[next_]), entries_[next_].time_us, entries_[next_].row);
  }
  while (chunk.size() < rows_max && !runs_.empty()) {
    std::pop_heap(runs_.begin(), runs_.end(), Later);
    Run& first = runs_.back();
    chunk.Add(first.key(), first.time_us(), first.row());
    TOKURA_RETURN_IF_ERROR(Advance(&first));
    if (first.batch != nullptr) {
      std::push_heap(runs_.begin(), runs_.end(), Later);
    } else {
      runs_.pop_back();
    }
  }
  chunk.Seal();
  return chunk;
}

}  // namespace tokura::offline
