#include "replication/segment_frame.h"

#include <algorithm>
#include <cstring>

#include "core/bytes.h"

namespace tokura::replication {
namespace {

constexpr std::string_view kMagic = "TOKURASG";
constexpr uint16_t kFormatVersion = 1;
constexpr size_t kHeaderPrefixBytes = 8 + 2 + 2;  // magic, version, header length
constexpr size_t kHeaderBytesMin = kHeaderPrefixBytes + 4 + 2 + 4 + 8 + 1 + 1 + 4;
constexpr size_t kScanChunkBytes = 256 << 10;

// Begins a frame of `payload_bytes`; the caller appends the payload and calls EndFrame.
size_t BeginFrame(FrameKind kind, size_t payload_bytes, std::string* out) {
  const size_t begin = out->size();
  PutU32(out, 0);
  PutU32(out, static_cast<uint32_t>(payload_bytes));
  out->push_back(static_cast<char>(kind));
  return begin;
}

void EndFrame(size_t begin, std::string* out) {
  const uint32_t crc = Crc32c(std::string_view(*out).substr(begin + 4));
  std::memcpy(out->data() + begin, &crc, sizeof(crc));
}

}  // namespace

SegmentBuilder::SegmentBuilder(const SegmentName& name, const std::string& node, uint64_t nonce,
                               std::string* out) {
  TOKURA_CHECK(!node.empty() && node.size() <= 255);
  const size_t begin = out->size();
  out->append(kMagic);
  PutU16(out, kFormatVersion);
  PutU16(out, static_cast<uint16_t>(kHeaderBytesMin - 1 + node.size()));
  PutU32(out, name.incarnation);
  PutU16(out, name.log);
  PutU32(out, name.number);
  PutU64(out, nonce);
  out->push_back(static_cast<char>(node.size()));
  out->append(node);
  PutU32(out, Crc32c(std::string_view(*out).substr(begin)));
}

void SegmentBuilder::AppendCommit(uint64_t durable_bytes, uint64_t nonce, std::string* out) {
  const size_t begin = BeginFrame(FrameKind::kCommit, 8 + 8, out);
  PutU64(out, durable_bytes);
  PutU64(out, nonce);
  EndFrame(begin, out);
}

void SegmentBuilder::AppendOrigin(uint16_t origin_index, const Origin& origin, std::string* out) {
  TOKURA_CHECK(origin_index > 0 && !origin.node.empty() && origin.node.size() <= 255);
  const size_t begin = BeginFrame(FrameKind::kOrigin, 2 + 4 + origin.node.size(), out);
  PutU16(out, origin_index);
  PutU32(out, origin.incarnation);
  out->append(origin.node);
  EndFrame(begin, out);
}

void SegmentBuilder::AppendRecord(uint16_t origin_index, const LogRecordView& record,
                                  std::string* out) {
  TOKURA_CHECK(!record.body.empty() && record.body.size() <= kRecordBytesMax);
  // Every record passes here, so the head is put together on the stack and goes in one piece.
  char head[kFrameHeadBytes + kRecordHeadBytes];
  char* next = head + 4;  // behind the checksum
  const auto put = [&next](const auto& value) {
    std::memcpy(next, &value, sizeof(value));
    next += sizeof(value);
  };
  put(static_cast<uint32_t>(kRecordHeadBytes + record.body.size()));
  put(FrameKind::kRecord);
  put(record.shard.value);
  put(origin_index);
  put(record.seq.value);
  put(record.epoch.value);
  put(record.hlc_us);
  put(record.chain);
  const uint32_t crc = Crc32c(record.body, Crc32c({head + 4, sizeof(head) - 4}));
  std::memcpy(head, &crc, sizeof(crc));
  out->append(head, sizeof(head)).append(record.body);
}

std::optional<size_t> FrameBytes(std::string_view head) {
  const size_t payload_bytes = GetU32(head.data() + 4);
  switch (static_cast<FrameKind>(head[8])) {
    case FrameKind::kRecord:
      if (payload_bytes <= kRecordHeadBytes || payload_bytes > kFramePayloadBytesMax) return {};
      break;
    case FrameKind::kOrigin:
      if (payload_bytes < 2 + 4 + 1 || payload_bytes > 2 + 4 + 255) return {};
      break;
    case FrameKind::kCommit:
      if (payload_bytes != 8 + 8) return {};
      break;
    default:
      return {};
  }
  return kFrameHeadBytes + payload_bytes;
}

std::optional<FrameView> ParseFrame(std::string_view bytes) {
  if (Crc32c(bytes.substr(4)) != GetU32(bytes.data())) return std::nullopt;
  return FrameView{static_cast<FrameKind>(bytes[8]), bytes.substr(kFrameHeadBytes)};
}

std::optional<uint64_t> ParseCommit(std::string_view payload, uint64_t offset,
                                    std::optional<uint64_t> nonce) {
  const uint64_t durable = GetU64(payload.data());
  if (durable > offset) return std::nullopt;
  if (nonce && GetU64(payload.data() + 8) != *nonce) return std::nullopt;
  return durable;
}

Result<SegmentHeader> ParseSegmentHeader(std::string_view bytes, std::string_view where) {
  const Status bad = Corrupt(std::string(where) +
                             ": offset 0: bad segment header; restore the file from a backup");
  if (bytes.size() < kHeaderPrefixBytes || bytes.substr(0, kMagic.size()) != kMagic) return bad;
  const uint16_t version = GetU16(bytes.data() + 8);
  const size_t header_bytes = GetU16(bytes.data() + 10);
  if (header_bytes < kHeaderBytesMin || header_bytes > kSegmentHeaderBytesMax ||
      bytes.size() < header_bytes ||
      Crc32c(bytes.substr(0, header_bytes - 4)) != GetU32(bytes.data() + header_bytes - 4)) {
    return bad;
  }
  if (version != kFormatVersion) {
    return FailedPrecondition(std::string(where) + ": segment format " + std::to_string(version) +
                              " is newer than this program's " + std::to_string(kFormatVersion) +
                              "; run the newer program");
  }
  const size_t node_bytes = static_cast<uint8_t>(bytes[30]);
  if (node_bytes == 0 || kHeaderBytesMin - 1 + node_bytes != header_bytes) return bad;
  SegmentHeader header;
  header.name.incarnation = GetU32(bytes.data() + 12);
  header.name.log = GetU16(bytes.data() + 16);
  header.name.number = GetU32(bytes.data() + 18);
  header.nonce = GetU64(bytes.data() + 22);
  header.node = std::string(bytes.substr(31, node_bytes));
  header.bytes = header_bytes;
  return header;
}

Result<bool> HasCommitBeyond(const runtime::ReadableFile& file, uint64_t from, uint64_t beyond,
                             std::optional<uint64_t> nonce) {
  // Chunks overlap by a frame less a byte, so that a frame across their border is seen once.
  std::string chunk(kScanChunkBytes, '\0');
  for (uint64_t at = from;; at += kScanChunkBytes - (kCommitFrameBytes - 1)) {
    TOKURA_ASSIGN_OR_RETURN(size_t got, file.ReadAt(at, chunk));
    const std::string_view bytes(chunk.data(), got);
    for (size_t i = 0; i + kCommitFrameBytes <= got; ++i) {
      if (bytes[i + 8] != static_cast<char>(FrameKind::kCommit)) continue;
      const std::string_view candidate = bytes.substr(i, kCommitFrameBytes);
      if (FrameBytes(candidate) != kCommitFrameBytes) continue;
      const std::optional<FrameView> frame = ParseFrame(candidate);
      if (!frame) continue;
      const std::optional<uint64_t> durable = ParseCommit(frame->payload, at + i, nonce);
      if (durable && *durable > beyond) return true;
    }
    if (got < kScanChunkBytes) return false;
  }
}

}  // namespace tokura::replication
