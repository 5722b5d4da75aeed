#include "replication/log_base.h"

#include <algorithm>
#include <cstdio>

#include "core/bytes.h"
#include "replication/segment_list.h"

namespace tokura::replication {
namespace {

constexpr std::string_view kMagic = "TOKURABS";
constexpr std::string_view kEndMagic = "TOKURABE";
constexpr uint16_t kFormatVersion = 1;
constexpr size_t kHeaderPrefixBytes = 8 + 2 + 4;  // magic, version, header length
constexpr size_t kHeaderBytesMax = kHeaderPrefixBytes + 1 + 255 + 4 + kLogMarkBytesMax + 4;
constexpr size_t kFrameHeadBytes = 4 + 4 + 1;  // crc, length, kind
constexpr size_t kTrailerBytes = 8 + 4 + 8;
constexpr size_t kDayBytesMin = 1 + 1 + 1 + 16;
constexpr size_t kBlockBytes = 256 << 10;
// Synced so often while it is written, so that the log's own syncs never wait for all of it.
constexpr uint64_t kSyncEveryBytes = 32 << 20;

enum class FrameKind : uint8_t { kRows = 1, kFooter = 2 };

bool IsTemporary(std::string_view name) {
  return name.starts_with("base-") && name.ends_with(".rows.tmp");
}

Result<std::vector<std::string>> ListNames(runtime::FileSystem& files,
                                           const std::string& directory) {
  Result<std::vector<std::string>> names = files.List(directory);
  if (names.status().code() == Code::kNotFound) return std::vector<std::string>();
  return names;
}

uint64_t NewestBase(const std::vector<std::string>& names) {
  uint64_t newest = 0;
  for (const std::string& name : names) newest = std::max(newest, LogBase::NumberOf(name));
  return newest;
}

// The head of a frame around `payload_bytes` that the caller appends before EndFrame.
void BeginFrame(FrameKind kind, std::string* out) {
  out->assign(kFrameHeadBytes - 1, '\0');
  out->push_back(static_cast<char>(kind));
}
void EndFrame(std::string* frame) {
  std::string head;
  PutU32(&head, static_cast<uint32_t>(frame->size() - kFrameHeadBytes));
  frame->replace(4, 4, head);
  head.clear();
  PutU32(&head, Crc32c(std::string_view(*frame).substr(4)));
  frame->replace(0, 4, head);
}

class Writer final : public LogBaseWriter {
 public:
  Writer(runtime::FileSystem& files, std::string directory, uint64_t number)
      : files_(files),
        directory_(std::move(directory)),
        number_(number),
        temporary_(directory_ + "/" + LogBase::FileName(number) + ".tmp") {}
  ~Writer() override {
    if (file_ == nullptr || finished_) return;
    file_.reset();
    (void)files_.Remove(temporary_);  // what stays is ignored, and removed by the next Finish
  }

  Status Begin(const std::string& node, const LogMark& mark) {
    if (Status removed = files_.Remove(temporary_);
        !removed.ok() && removed.code() != Code::kNotFound) {
      return removed;
    }
    // The mark may leave out logs that are wholly gone: then they must not come back.
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
    TOKURA_ASSIGN_OR_RETURN(file_, files_.Create(temporary_));
    const std::string encoded = mark.Encode();
    std::string header(kMagic);
    PutU16(&header, kFormatVersion);
    PutU32(&header,
           static_cast<uint32_t>(kHeaderPrefixBytes + 1 + node.size() + 4 + encoded.size() + 4));
    header.push_back(static_cast<char>(node.size()));
    header.append(node);
    PutU32(&header, static_cast<uint32_t>(encoded.size()));
    header.append(encoded);
    PutU32(&header, Crc32c(header));
    BeginFrame(FrameKind::kRows, &block_);
    return file_->Append(header);
  }

  Status Add(ShardId shard, std::string_view row_key, std::string_view packed) override {
    PutU16(&block_, shard.value);
    PutVarint(&block_, row_key.size());
    block_.append(row_key);
    PutVarint(&block_, packed.size());
    block_.append(packed);
    ++rows_;
    return block_.size() < kBlockBytes ? OkStatus() : WriteBlock();
  }

  Status Finish(const CutRecords& cut) override {
    if (block_.size() > kFrameHeadBytes) TOKURA_RETURN_IF_ERROR(WriteBlock());
    const uint64_t footer_at = file_->size();
    std::string end = Footer(cut);
    std::string trailer;
    PutU64(&trailer, footer_at);
    PutU32(&trailer, Crc32c(trailer));
    end.append(trailer).append(kEndMagic);
    TOKURA_RETURN_IF_ERROR(file_->Append(end));
    TOKURA_RETURN_IF_ERROR(file_->Sync());
    TOKURA_RETURN_IF_ERROR(file_->Close());
    TOKURA_RETURN_IF_ERROR(
        files_.Rename(temporary_, directory_ + "/" + LogBase::FileName(number_)));
    finished_ = true;
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
    RemoveOlder();
    return OkStatus();
  }

 private:
  Status WriteBlock() {
    EndFrame(&block_);
    TOKURA_RETURN_IF_ERROR(file_->Append(block_));
    unsynced_bytes_ += block_.size();
    BeginFrame(FrameKind::kRows, &block_);
    if (unsynced_bytes_ < kSyncEveryBytes) return OkStatus();
    unsynced_bytes_ = 0;
    return file_->Sync();
  }

  std::string Footer(const CutRecords& cut) const {
    std::string footer;
    BeginFrame(FrameKind::kFooter, &footer);
    PutU64(&footer, rows_);
    const std::string vector = cut.vector.Encode();
    PutVarint(&footer, vector.size());
    footer.append(vector);
    PutVarint(&footer, cut.days.size());
    for (const auto& [place, day] : cut.days) {
      PutVarint(&footer, place.first.value);
      PutVarint(&footer, ZigZag(place.second));
      PutVarint(&footer, day.records);
      PutU64(&footer, day.digest.high);
      PutU64(&footer, day.digest.low);
    }
    EndFrame(&footer);
    return footer;
  }

  // Best effort: the base is there, and the next Finish tries again.
  void RemoveOlder() {
    const Result<std::vector<std::string>> names = files_.List(directory_);
    if (!names.ok()) return;
    for (const std::string& name : *names) {
      const uint64_t number = LogBase::NumberOf(name);
      if (IsTemporary(name) || (number != 0 && number < number_)) {
        (void)files_.Remove(directory_ + "/" + name);
      }
    }
  }

  runtime::FileSystem& files_;
  const std::string directory_;
  const uint64_t number_;
  const std::string temporary_;
  std::unique_ptr<runtime::WritableFile> file_;
  std::string block_;
  uint64_t rows_ = 0;
  uint64_t unsynced_bytes_ = 0;
  bool finished_ = false;
};

class Base final : public LogBase {
 public:
  Base(std::string path, std::unique_ptr<runtime::ReadableFile> file, uint64_t bytes)
      : path_(std::move(path)), file_(std::move(file)), bytes_(bytes) {}

  const std::string& path() const override { return path_; }
  const std::string& node() const override { return node_; }
  const LogMark& mark() const override { return mark_; }
  const CutRecords& cut() const override { return cut_; }
  uint64_t rows() const override { return rows_; }
  uint64_t bytes() const override { return bytes_; }

  Status Load() {
    TOKURA_RETURN_IF_ERROR(LoadHeader());
    return LoadFooter();
  }

  Status ForEach(const Visitor& visit) const override {
    std::string buffer;
    uint64_t seen = 0;
    for (uint64_t at = rows_at_; at < footer_at_;) {
      TOKURA_ASSIGN_OR_RETURN(const std::string_view payload,
                              Frame(at, footer_at_, FrameKind::kRows, &buffer));
      TOKURA_RETURN_IF_ERROR(VisitBlock(at, payload, visit, &seen));
      at += kFrameHeadBytes + payload.size();
    }
    if (seen == rows_) return OkStatus();
    return CorruptAt(path_, footer_at_,
                     "the file holds " + std::to_string(seen) + " rows, its footer says " +
                         std::to_string(rows_));
  }

 private:
  Status LoadHeader() {
    TOKURA_ASSIGN_OR_RETURN(const std::string prefix, Read(0, kHeaderPrefixBytes));
    const Status bad = CorruptAt(path_, 0, "bad header");
    if (prefix.size() < kHeaderPrefixBytes || !prefix.starts_with(kMagic)) return bad;
    const uint16_t version = GetU16(prefix.data() + 8);
    const uint64_t header_bytes = GetU32(prefix.data() + 10);
    if (header_bytes < kHeaderPrefixBytes + 1 + 4 + 4 || header_bytes > kHeaderBytesMax) return bad;
    TOKURA_ASSIGN_OR_RETURN(const std::string header, Read(0, header_bytes));
    if (header.size() < header_bytes) return bad;
    const std::string_view body = std::string_view(header).substr(0, header_bytes - 4);
    if (Crc32c(body) != GetU32(header.data() + body.size())) return bad;
    if (version != kFormatVersion) {
      return FailedPrecondition(path_ + ": base format " + std::to_string(version) +
                                " is newer than this program's " + std::to_string(kFormatVersion) +
                                "; run the newer program");
    }
    ByteReader reader(body.substr(kHeaderPrefixBytes));
    uint8_t node_bytes = 0;
    std::string_view node;
    uint32_t mark_bytes = 0;
    std::string_view encoded;
    if (!reader.U8(&node_bytes) || node_bytes == 0 || !reader.Take(node_bytes, &node) ||
        !reader.U32(&mark_bytes) || !reader.Take(mark_bytes, &encoded) || !reader.done()) {
      return bad;
    }
    node_ = std::string(node);
    Result<LogMark> mark = LogMark::Decode(encoded);
    if (!mark.ok()) return mark.status().WithContext(path_ + ": offset 0");
    mark_ = std::move(*mark);
    rows_at_ = header_bytes;
    return OkStatus();
  }

  Status LoadFooter() {
    const Status bad =
        CorruptAt(path_, bytes_ - std::min<uint64_t>(bytes_, kTrailerBytes), "bad end of the file");
    if (bytes_ < rows_at_ + kTrailerBytes) return bad;
    TOKURA_ASSIGN_OR_RETURN(const std::string trailer, Read(bytes_ - kTrailerBytes, kTrailerBytes));
    if (trailer.size() < kTrailerBytes || !trailer.ends_with(kEndMagic) ||
        Crc32c(std::string_view(trailer).substr(0, 8)) != GetU32(trailer.data() + 8)) {
      return bad;
    }
    footer_at_ = GetU64(trailer.data());
    if (footer_at_ < rows_at_ || footer_at_ > bytes_ - kTrailerBytes) return bad;
    std::string buffer;
    TOKURA_ASSIGN_OR_RETURN(const std::string_view payload,
                            Frame(footer_at_, bytes_ - kTrailerBytes, FrameKind::kFooter, &buffer));
    const bool fills = footer_at_ + kFrameHeadBytes + payload.size() + kTrailerBytes == bytes_;
    if (!fills || !LoadCut(payload)) return CorruptAt(path_, footer_at_, "bad footer");
    return OkStatus();
  }

  bool LoadCut(std::string_view payload) {
    ByteReader reader(payload);
    uint64_t vector_bytes = 0;
    std::string_view encoded;
    uint64_t count = 0;
    if (!reader.U64(&rows_) || !reader.Varint(&vector_bytes) ||
        !reader.Take(vector_bytes, &encoded)) {
      return false;
    }
    Result<PositionVector> vector = PositionVector::Decode(encoded);
    if (!vector.ok()) return false;
    cut_.vector = std::move(*vector);
    if (!reader.Varint(&count) || count > reader.rest().size() / kDayBytesMin) return false;
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t group = 0;
      uint64_t day = 0;
      CutDay sums;
      if (!reader.Varint(&group) || group > UINT32_MAX || !reader.Varint(&day) ||
          !reader.Varint(&sums.records) || !reader.U64(&sums.digest.high) ||
          !reader.U64(&sums.digest.low)) {
        return false;
      }
      const int64_t number = UnZigZag(day);
      if (number < INT32_MIN || number > INT32_MAX) return false;
      const std::pair place{GroupId(static_cast<uint32_t>(group)), static_cast<int32_t>(number)};
      if (!cut_.days.empty() && cut_.days.rbegin()->first >= place) return false;
      cut_.days.emplace_hint(cut_.days.end(), place, sums);
    }
    return reader.done();
  }

  // The payload of the frame at `at`, checked; valid while `buffer` is not used again.
  Result<std::string_view> Frame(uint64_t at, uint64_t end, FrameKind kind,
                                 std::string* buffer) const {
    const auto bad = [&] { return CorruptAt(path_, at, "checksum mismatch"); };
    TOKURA_ASSIGN_OR_RETURN(const std::string head, Read(at, kFrameHeadBytes));
    if (head.size() < kFrameHeadBytes) return bad();
    const uint64_t length = GetU32(head.data() + 4);
    if (head[8] != static_cast<char>(kind) || at + kFrameHeadBytes + length > end) return bad();
    buffer->resize(length);
    TOKURA_ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(at + kFrameHeadBytes, *buffer));
    if (got < length) return bad();
    const uint32_t crc = Crc32c(*buffer, Crc32c(std::string_view(head).substr(4)));
    if (crc != GetU32(head.data())) return bad();
    return std::string_view(*buffer);
  }

  Status VisitBlock(uint64_t at, std::string_view payload, const Visitor& visit,
                    uint64_t* seen) const {
    ByteReader reader(payload);
    while (!reader.rest().empty()) {
      uint16_t shard = 0;
      uint64_t key_bytes = 0;
      uint64_t packed_bytes = 0;
      std::string_view key;
      std::string_view packed;
      if (!reader.U16(&shard) || shard >= kShardCount || !reader.Varint(&key_bytes) ||
          !reader.Take(key_bytes, &key) || !reader.Varint(&packed_bytes) ||
          !reader.Take(packed_bytes, &packed)) {
        return CorruptAt(path_, at, "malformed block");
      }
      ++*seen;
      TOKURA_RETURN_IF_ERROR(visit(ShardId(shard), key, packed));
    }
    return OkStatus();
  }

  Result<std::string> Read(uint64_t at, size_t count) const {
    std::string bytes(std::min<uint64_t>(count, bytes_ - std::min(at, bytes_)), '\0');
    TOKURA_ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(at, bytes));
    bytes.resize(got);
    return bytes;
  }

  const std::string path_;
  const std::unique_ptr<runtime::ReadableFile> file_;
  const uint64_t bytes_;
  std::string node_;
  LogMark mark_;
  CutRecords cut_;
  uint64_t rows_ = 0;
  uint64_t rows_at_ = 0;
  uint64_t footer_at_ = 0;
};

}  // namespace

std::string LogBase::FileName(uint64_t number) {
  char name[40];
  std::snprintf(name, sizeof name, "base-%010llu.rows", static_cast<unsigned long long>(number));
  return name;
}

uint64_t LogBase::NumberOf(std::string_view file_name) {
  if (file_name.size() != 5 + 10 + 5 || !file_name.starts_with("base-") ||
      !file_name.ends_with(".rows")) {
    return 0;
  }
  uint64_t number = 0;
  for (const char c : file_name.substr(5, 10)) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

int32_t CutDayOf(int64_t event_time_us) {
  constexpr int64_t kDayUs = 86'400'000'000;
  const int64_t day = event_time_us / kDayUs - (event_time_us % kDayUs < 0 ? 1 : 0);
  return static_cast<int32_t>(day);
}

void CutRecords::Add(const CutRecords& more) {
  vector.JoinWith(more.vector);
  for (const auto& [place, day] : more.days) {
    CutDay& sum = days[place];
    sum.records += day.records;
    sum.digest += day.digest;
  }
}

Result<std::unique_ptr<LogBaseWriter>> LogBaseWriter::Create(runtime::FileSystem& files,
                                                             const std::string& log_directory,
                                                             const std::string& node,
                                                             LogMark mark) {
  TOKURA_CHECK(!node.empty() && node.size() <= 255);
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(files, log_directory));
  auto writer = std::make_unique<Writer>(files, log_directory, NewestBase(names) + 1);
  TOKURA_RETURN_IF_ERROR(writer->Begin(node, mark));
  return std::unique_ptr<LogBaseWriter>(std::move(writer));
}

Result<std::unique_ptr<LogBase>> LogBase::Open(runtime::FileSystem& files,
                                               const std::string& log_directory) {
  // A newer base may take the place of the one that was listed.
  for (int attempt = 0;; ++attempt) {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(files, log_directory));
    const uint64_t newest = NewestBase(names);
    if (newest == 0) return std::unique_ptr<LogBase>();
    const std::string path = log_directory + "/" + LogBase::FileName(newest);
    Result<std::unique_ptr<runtime::ReadableFile>> file = files.Open(path);
    if (file.status().code() == Code::kNotFound && attempt < 3) continue;
    if (!file.ok()) return file.status();
    TOKURA_ASSIGN_OR_RETURN(const uint64_t bytes, (*file)->Size());
    auto base = std::make_unique<Base>(path, std::move(*file), bytes);
    TOKURA_RETURN_IF_ERROR(base->Load());
    return std::unique_ptr<LogBase>(std::move(base));
  }
}

}  // namespace tokura::replication
