#include <algorithm>
#include <map>
#include <utility>

#include "core/bytes.h"
#include "replication/segment.h"
#include "replication/segment_frame.h"

namespace tokura::replication {
namespace {

constexpr size_t kReadChunkBytes = 256 << 10;

class Reader final : public SegmentReader {
 public:
  Reader(std::string path, std::unique_ptr<runtime::ReadableFile> file, SegmentHeader header)
      : path_(std::move(path)),
        file_(std::move(file)),
        header_(std::move(header)),
        offset_(header_.bytes),
        origins_read_to_(header_.bytes) {
    origins_[0] = Origin{header_.node, header_.name.incarnation};
  }

  const std::string& node() const override { return header_.node; }
  const SegmentName& name() const override { return header_.name; }
  uint64_t offset() const override { return offset_; }
  Tail tail() const override { return tail_; }

  void Seek(uint64_t offset) override {
    offset_ = std::max(offset, header_.bytes);
    buffer_.clear();
  }

  using SegmentReader::Next;
  Result<bool> Next(LogRecord* record) override {
    while (true) {
      if (!corrupt_.ok()) return corrupt_;
      TOKURA_ASSIGN_OR_RETURN(std::optional<FrameView> frame, WholeFrameAt(offset_));
      if (!frame) return false;
      const uint64_t begin = offset_;
      const uint64_t end = begin + kFrameHeadBytes + frame->payload.size();
      const bool is_record = frame->kind == FrameKind::kRecord;
      Status status = Take(*frame, begin, record);
      if (!status.ok()) {
        if (status.code() == Code::kCorrupt) corrupt_ = status;
        return status;
      }
      offset_ = end;
      if (origins_read_to_ == begin) origins_read_to_ = end;
      if (is_record) return true;
    }
  }

 private:
  // The frame at `offset`, or nullopt with tail_ set, or corrupt_. Its payload is valid until the
  // next read.
  Result<std::optional<FrameView>> WholeFrameAt(uint64_t offset) {
    TOKURA_ASSIGN_OR_RETURN(std::optional<FrameView> frame, FrameAt(offset));
    if (frame) return frame;
    // The file may have grown, or been cut, since the buffer was filled.
    buffer_.clear();
    TOKURA_ASSIGN_OR_RETURN(frame, FrameAt(offset));
    if (frame) return frame;
    if (buffer_.empty()) {
      tail_ = Tail::kClean;
      return std::optional<FrameView>();
    }
    TOKURA_ASSIGN_OR_RETURN(bool durable,
                            HasCommitBeyond(*file_, offset + 1, offset, header_.nonce));
    if (!durable) {
      tail_ = Tail::kTorn;
      return std::optional<FrameView>();
    }
    // The commit may have been appended between reading the frame and finding the commit.
    buffer_.clear();
    TOKURA_ASSIGN_OR_RETURN(frame, FrameAt(offset));
    if (frame) return frame;
    corrupt_ = CorruptAt(offset, "checksum mismatch in durable bytes");
    return corrupt_;
  }

  Result<std::optional<FrameView>> FrameAt(uint64_t offset) {
    TOKURA_ASSIGN_OR_RETURN(std::string_view head, Bytes(offset, kFrameHeadBytes));
    if (head.size() < kFrameHeadBytes) return std::optional<FrameView>();
    const std::optional<size_t> frame_bytes = FrameBytes(head);
    if (!frame_bytes) return std::optional<FrameView>();
    TOKURA_ASSIGN_OR_RETURN(std::string_view bytes, Bytes(offset, *frame_bytes));
    if (bytes.size() < *frame_bytes) return std::optional<FrameView>();
    return ParseFrame(bytes);
  }

  // `count` bytes at `offset`, or fewer at the end of the file.
  Result<std::string_view> Bytes(uint64_t offset, size_t count) {
    const bool inside = offset >= buffer_begin_ && offset <= buffer_begin_ + buffer_.size();
    if (!inside || buffer_.size() - (offset - buffer_begin_) < count) {
      buffer_.resize(std::max(count, kReadChunkBytes));
      Result<size_t> got = file_->ReadAt(offset, buffer_);
      buffer_.resize(got.ok() ? *got : 0);
      buffer_begin_ = offset;
      if (!got.ok()) return got.status();
    }
    return std::string_view(buffer_).substr(offset - buffer_begin_, count);
  }

  Status Take(const FrameView& frame, uint64_t begin, LogRecord* record) {
    switch (frame.kind) {
      case FrameKind::kCommit:
        if (!ParseCommit(frame.payload, begin, header_.nonce))
          return CorruptAt(begin, "impossible commit");
        return OkStatus();
      case FrameKind::kOrigin:
        return TakeOrigin(frame.payload, begin);
      case FrameKind::kRecord:
        return TakeRecord(frame.payload, begin, record);
    }
    return CorruptAt(begin, "unknown kind of frame");
  }

  Status TakeOrigin(std::string_view payload, uint64_t begin) {
    const uint16_t index = GetU16(payload.data());
    Origin origin{std::string(payload.substr(6)), GetU32(payload.data() + 2)};
    auto [it, added] = origins_.try_emplace(index, origin);
    if (index == 0 || it->second != origin) return CorruptAt(begin, "origin defined twice");
    return OkStatus();
  }

  Status TakeRecord(std::string_view payload, uint64_t begin, LogRecord* record) {
    record->dot.shard = ShardId(GetU16(payload.data()));
    const uint16_t origin_index = GetU16(payload.data() + 2);
    record->dot.seq = Seq(GetU64(payload.data() + 4));
    record->epoch = Epoch(GetU32(payload.data() + 12));
    record->hlc_us = static_cast<int64_t>(GetU64(payload.data() + 16));
    record->chain = GetU64(payload.data() + 24);
    record->body.assign(payload.substr(kRecordHeadBytes));  // looking for origins reads elsewhere
    if (record->dot.shard.value >= kShardCount) return CorruptAt(begin, "shard out of range");
    auto origin = origins_.find(origin_index);
    if (origin == origins_.end()) {
      TOKURA_RETURN_IF_ERROR(ReadOriginsUpTo(begin));
      origin = origins_.find(origin_index);
    }
    if (origin == origins_.end()) return CorruptAt(begin, "record of an origin not defined");
    record->dot.origin = origin->second;
    return OkStatus();
  }

  // After a Seek the ORIGIN frames that were jumped over are still unread.
  Status ReadOriginsUpTo(uint64_t end) {
    while (origins_read_to_ < end) {
      const uint64_t begin = origins_read_to_;
      TOKURA_ASSIGN_OR_RETURN(std::optional<FrameView> frame, FrameAt(begin));
      if (!frame) return CorruptAt(begin, "checksum mismatch before the place sought");
      origins_read_to_ = begin + kFrameHeadBytes + frame->payload.size();
      if (frame->kind == FrameKind::kOrigin) {
        TOKURA_RETURN_IF_ERROR(TakeOrigin(frame->payload, begin));
      }
    }
    return OkStatus();
  }

  Status CorruptAt(uint64_t offset, std::string_view what) const {
    return Corrupt(path_ + ": offset " + std::to_string(offset) + ": " + std::string(what) +
                   "; restore the file from a backup");
  }

  const std::string path_;
  const std::unique_ptr<runtime::ReadableFile> file_;
  const SegmentHeader header_;
  uint64_t offset_;
  uint64_t origins_read_to_;  // every ORIGIN frame before it is in origins_
  std::map<uint16_t, Origin> origins_;
  std::string buffer_;
  uint64_t buffer_begin_ = 0;
  Tail tail_ = Tail::kClean;
  Status corrupt_;
};

}  // namespace

Result<std::unique_ptr<SegmentReader>> SegmentReader::Open(runtime::FileSystem& files,
                                                           const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files.Open(path));
  std::string bytes(kSegmentHeaderBytesMax, '\0');
  TOKURA_ASSIGN_OR_RETURN(size_t got, file->ReadAt(0, bytes));
  bytes.resize(got);
  TOKURA_ASSIGN_OR_RETURN(SegmentHeader header, ParseSegmentHeader(bytes, path));
  const std::string file_name = path.substr(path.rfind('/') + 1);
  if (Result<SegmentName> named = SegmentName::Parse(file_name);
      named.ok() && *named != header.name) {
    return Corrupt(path + ": offset 0: the header is that of " + header.name.ToString() +
                   "; the file was renamed or copied, give it its name back");
  }
  return std::unique_ptr<SegmentReader>(
      std::make_unique<Reader>(path, std::move(file), std::move(header)));
}

}  // namespace tokura::replication
