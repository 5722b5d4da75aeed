#include "offline/records/run_file.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/bytes.h"
#include "offline/records/data_file.h"

namespace tokura::offline {
namespace {

constexpr int kNamesMax = 1'000;
constexpr size_t kWriteBytes = 1 << 20;
constexpr size_t kBlockHeadBytes = 4 + 4;
constexpr size_t kHeadBytes = 4 + 2 + 1 + 8 + 8;

void PutRecord(const PlacedRecord& record, std::string* out) {
  PutU32(out, static_cast<uint32_t>(record.body.size()));
  PutU16(out, static_cast<uint16_t>(record.place.origin.size()));
  out->push_back(record.place.late ? 1 : 0);
  PutU64(out, static_cast<uint64_t>(record.place.write_time_us));
  PutU64(out, static_cast<uint64_t>(record.place.seq));
  out->append(record.place.origin);
  out->append(record.body);
}

}  // namespace

Result<std::unique_ptr<RunFile>> RunFile::Create(runtime::FileSystem& files,
                                                 const std::string& path) {
  for (int i = 0; i < kNamesMax; ++i) {
    auto file = std::make_unique<RunFile>();
    file->path_ = path + "-" + std::to_string(i) + kTemporarySuffix;
    auto writer = files.Create(file->path_);
    if (writer.status().code() == Code::kAlreadyExists) continue;
    TOKURA_RETURN_IF_ERROR(writer.status());
    file->writer_ = *std::move(writer);
    auto reader = files.Open(file->path_);
    const Status removed = files.Remove(file->path_);
    TOKURA_RETURN_IF_ERROR(reader.status());
    TOKURA_RETURN_IF_ERROR(removed);
    file->reader_ = *std::move(reader);
    return file;
  }
  return ResourceExhausted(path + "-*" + kTemporarySuffix + ": too many files; remove them");
}

Status RunFile::Append(const HistoryRecords& records, const RecordList& sorted) {
  Run run{.begin = writer_->size()};
  std::string block;
  std::string blocks;
  for (const HistoryRecord* record : sorted) {
    PutRecord({record->body(), records.place(*record)}, &block);
    if (block.size() < kBlockBytes && record != sorted.back()) continue;
    PutU32(&blocks, static_cast<uint32_t>(block.size()));
    PutU32(&blocks, Crc32c(block));
    blocks += std::exchange(block, {});
    if (blocks.size() < kWriteBytes && record != sorted.back()) continue;
    TOKURA_RETURN_IF_ERROR(writer_->Append(std::exchange(blocks, {})));
  }
  run.end = writer_->size();
  runs_.push_back(run);
  return OkStatus();
}

Status RunFile::Damaged() const {
  return Corrupt(path_ + ": does not read back as it was written");
}

RunFile::Reader::Reader(const RunFile& file, size_t run, size_t buffer_bytes)
    : file_(file), run_(run), buffer_bytes_(buffer_bytes), read_(file.runs_[run].begin) {}

Result<bool> RunFile::Reader::Next(PlacedRecord* record) {
  if (block_left_ == 0) {
    if (given_ == buffer_.size() && read_ == file_.runs_[run_].end) return false;
    TOKURA_RETURN_IF_ERROR(NextBlock());
  }
  const char* const head = buffer_.data() + given_;
  const size_t body_bytes = GetU32(head);
  const size_t origin_bytes = GetU16(head + 4);
  record->place = {.write_time_us = static_cast<int64_t>(GetU64(head + 7)),
                   .late = head[6] != 0,
                   .origin = {head + kHeadBytes, origin_bytes},
                   .seq = static_cast<int64_t>(GetU64(head + 15))};
  record->body = {head + kHeadBytes + origin_bytes, body_bytes};
  const size_t bytes = kHeadBytes + origin_bytes + body_bytes;
  given_ += bytes;
  block_left_ -= bytes;
  return true;
}

Status RunFile::Reader::NextBlock() {
  TOKURA_RETURN_IF_ERROR(Fill(kBlockHeadBytes));
  const size_t bytes = GetU32(buffer_.data() + given_);
  const uint32_t crc32c = GetU32(buffer_.data() + given_ + 4);
  given_ += kBlockHeadBytes;
  TOKURA_RETURN_IF_ERROR(Fill(bytes));
  block_left_ = bytes;
  const std::string_view block = std::string_view(buffer_).substr(given_, bytes);
  return Crc32c(block) == crc32c ? OkStatus() : file_.Damaged();
}

Status RunFile::Reader::Fill(size_t bytes) {
  const size_t held = buffer_.size() - given_;
  if (held >= bytes) return OkStatus();
  const uint64_t left = file_.runs_[run_].end - read_;
  if (bytes - held > left) return file_.Damaged();
  buffer_.erase(0, given_);
  given_ = 0;
  const size_t wanted = std::max(bytes, buffer_bytes_) - held;
  buffer_.resize(held + static_cast<size_t>(std::min<uint64_t>(wanted, left)));
  const std::span<char> room = std::span<char>(buffer_).subspan(held);
  TOKURA_ASSIGN_OR_RETURN(const size_t read, file_.reader_->ReadAt(read_, room));
  read_ += read;
  return read == room.size() ? OkStatus() : file_.Damaged();
}

}  // namespace tokura::offline
