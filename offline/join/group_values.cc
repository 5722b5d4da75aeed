#include "offline/join/group_values.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include "core/bytes.h"
#include "offline/join/value_gather.h"
#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"
#include "runtime/file_chunks.h"

namespace tokura::offline {
namespace {

constexpr int64_t kSpillRows = 4096;  // of one batch of a spill file: as many of each run are held
constexpr size_t kRunsHeldOpen = 64;

const arrow::UInt64Array& RowsOf(const arrow::RecordBatch& batch) {
  return static_cast<const arrow::UInt64Array&>(*batch.column(0));
}

// Checksums, a line each, and that of the lines before.
std::string MarkOf(const std::vector<uint32_t>& checksums) {
  std::string text;
  char line[16];
  const auto add = [&](uint32_t x) {
    std::snprintf(line, sizeof line, "%08x\n", x);
    text += line;
  };
  for (const uint32_t checksum : checksums) add(checksum);
  add(Crc32c(text));
  return text;
}

constexpr size_t kMarkLineBytes = 9;

// What MarkOf was made of, if the text is whole.
std::vector<uint32_t> ChecksumsIn(std::string_view mark) {
  std::vector<uint32_t> checksums;
  for (size_t at = 0; at + 2 * kMarkLineBytes <= mark.size(); at += kMarkLineBytes) {
    uint32_t checksum = 0;
    (void)std::from_chars(mark.data() + at, mark.data() + at + kMarkLineBytes - 1, checksum, 16);
    checksums.push_back(checksum);
  }
  return checksums;
}

}  // namespace

Result<std::unique_ptr<GroupValues>> GroupValues::Make(runtime::FileSystem& files, std::string stem,
                                                       const JoinGroup& join,
                                                       uint64_t memory_bytes) {
  std::unique_ptr<GroupValues> values(new GroupValues(files, std::move(stem), memory_bytes));
  arrow::FieldVector fields{arrow::field("row", arrow::uint64(), false)};
  for (size_t f = 0; f < join.features.size(); ++f) {
    TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> otherwise, DefaultOf(*join.features[f]));
    values->defaults_.push_back(std::move(otherwise));
    fields.push_back(arrow::field(join.columns[f], values->defaults_.back()->type()));
  }
  values->schema_ = arrow::schema(std::move(fields));
  return values;
}

Result<bool> GroupValues::Resume() {
  if (stem_.empty()) return false;
  const Result<std::string> mark = runtime::ReadFile(files_, MarkPath());
  if (!mark.ok())
    return mark.status().code() == Code::kNotFound ? Result<bool>(false) : mark.status();
  const std::vector<uint32_t> checksums = ChecksumsIn(*mark);
  if (MarkOf(checksums) != *mark) return false;
  for (size_t i = 0; i < checksums.size(); ++i) {
    const Result<uint32_t> checksum = runtime::ChecksumOf(files_, RunPath(i));
    if (!checksum.ok() || *checksum != checksums[i]) return false;
  }
  TOKURA_RETURN_IF_ERROR(OpenRuns(checksums.size()));
  return true;
}

Status GroupValues::Add(const std::shared_ptr<arrow::UInt64Array>& rows,
                        const arrow::ArrayVector& values) {
  arrow::ArrayVector columns{rows};
  columns.insert(columns.end(), values.begin(), values.end());
  auto batch = arrow::RecordBatch::Make(schema_, rows->length(), std::move(columns));
  if (!stem_.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const uint32_t checksum, Save(*batch));
    saved_.push_back(checksum);
    bytes_ += static_cast<uint64_t>(arrow::util::TotalBufferSize(*batch));
    in_memory_ = bytes_ <= memory_bytes_;
    if (!in_memory_) runs_.clear();
  }
  if (in_memory_) runs_.push_back({std::move(batch), nullptr, 0});
  return OkStatus();
}

Result<uint32_t> GroupValues::Save(const arrow::RecordBatch& batch) const {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<SpillWriter> file,
                          SpillWriter::Open(files_, RunPath(saved_.size()), schema_));
  for (int64_t begin = 0; begin < batch.num_rows(); begin += kSpillRows) {
    TOKURA_RETURN_IF_ERROR(file->Append(*batch.Slice(begin, kSpillRows)));
  }
  return file->Finish();
}

Status GroupValues::Finish() {
  if (!stem_.empty()) {
    TOKURA_RETURN_IF_ERROR(runtime::WriteFileAtomically(files_, MarkPath(), MarkOf(saved_)));
  }
  return in_memory_ ? OkStatus() : OpenRuns(saved_.size());
}

Status GroupValues::OpenRuns(size_t runs) {
  runs_.clear();
  for (size_t i = 0; i < runs; ++i) {
    Run run;
    TOKURA_ASSIGN_OR_RETURN(run.reader,
                            SpillReader::Open(files_, RunPath(i), *schema_, runs <= kRunsHeldOpen));
    TOKURA_ASSIGN_OR_RETURN(run.batch, run.reader->Next());
    runs_.push_back(std::move(run));
  }
  return OkStatus();
}

Status GroupValues::TakePieces(Run* run, uint64_t end, arrow::RecordBatchVector* pieces) {
  while (run->batch != nullptr) {
    const arrow::UInt64Array& rows = RowsOf(*run->batch);
    const uint64_t* const begin_of_rows = rows.raw_values();
    const int64_t stop =
        std::lower_bound(begin_of_rows + run->at, begin_of_rows + rows.length(), end) -
        begin_of_rows;
    if (stop > run->at) pieces->push_back(run->batch->Slice(run->at, stop - run->at));
    run->at = stop;
    if (stop < rows.length()) return OkStatus();
    run->at = 0;
    if (run->reader == nullptr) {
      run->batch = nullptr;
    } else {
      TOKURA_ASSIGN_OR_RETURN(run->batch, run->reader->Next());
    }
  }
  return OkStatus();
}

Result<arrow::ArrayVector> GroupValues::Take(uint64_t begin, uint64_t end) {
  arrow::RecordBatchVector pieces;
  for (Run& run : runs_) TOKURA_RETURN_IF_ERROR(TakePieces(&run, end, &pieces));
  const auto count = static_cast<int64_t>(end - begin);
  if (pieces.size() == 1 && pieces[0]->num_rows() == count) {
    return arrow::ArrayVector(pieces[0]->columns().begin() + 1, pieces[0]->columns().end());
  }
  // Piece after piece, and the defaults after the last.
  const auto take = [&]() -> arrow::Result<arrow::ArrayVector> {
    int64_t taken = 0;
    for (const auto& piece : pieces) taken += piece->num_rows();
    std::vector<int64_t> places(static_cast<size_t>(count), taken);
    int64_t place = 0;
    for (const auto& piece : pieces) {
      const arrow::UInt64Array& rows = RowsOf(*piece);
      for (int64_t i = 0; i < rows.length(); ++i) places[rows.Value(i) - begin] = place++;
    }
    const arrow::Int64Array indices(count, arrow::Buffer::Wrap(places));
    arrow::ArrayVector columns;
    for (size_t f = 0; f < defaults_.size(); ++f) {
      arrow::ArrayVector arrays;
      for (const auto& piece : pieces) arrays.push_back(piece->column(static_cast<int>(f) + 1));
      arrays.push_back(defaults_[f]);
      ARROW_ASSIGN_OR_RAISE(const auto whole, arrow::Concatenate(arrays));
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*whole, indices));
    }
    return columns;
  };
  arrow::Result<arrow::ArrayVector> columns = take();
  TOKURA_RETURN_IF_ERROR(FromArrow(columns.status(), Code::kInternal, "join"));
  return *std::move(columns);
}

}  // namespace tokura::offline
