// The frames of a segment as bytes: what SegmentBuilder writes and SegmentReader reads, and the
// search for the commit that tells corruption from a torn tail. Internal to replication/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/limits.h"
#include "core/status.h"
#include "replication/segment.h"

namespace tokura::replication {

enum class FrameKind : uint8_t { kRecord = 1, kOrigin = 2, kCommit = 3 };

inline constexpr size_t kFrameHeadBytes = 4 + 4 + 1;  // crc, length, kind
inline constexpr size_t kRecordHeadBytes = 2 + 2 + 8 + 4 + 8 + 8;
inline constexpr size_t kCommitFrameBytes = kFrameHeadBytes + 8 + 8;
inline constexpr size_t kFramePayloadBytesMax = kRecordHeadBytes + kRecordBytesMax;

struct FrameView {
  FrameKind kind = FrameKind::kCommit;
  std::string_view payload;
};

// How many bytes the frame that begins with `head` takes; nullopt if no frame can begin so.
// REQUIRES: head.size() >= kFrameHeadBytes.
std::optional<size_t> FrameBytes(std::string_view head);
// The frame that fills `bytes` exactly; nullopt if its checksum or kind is wrong.
std::optional<FrameView> ParseFrame(std::string_view bytes);

// The durable bytes that a COMMIT frame at `offset` of its segment names; nullopt if they are not
// possible there, or if the nonce is another's. Without `nonce` any is taken.
std::optional<uint64_t> ParseCommit(std::string_view payload, uint64_t offset,
                                    std::optional<uint64_t> nonce);

struct SegmentHeader {
  SegmentName name;
  std::string node;
  uint64_t nonce = 0;
  uint64_t bytes = 0;
};
// `bytes`: the first kSegmentHeaderBytesMax of a file, or all of it. `where` begins the message.
Result<SegmentHeader> ParseSegmentHeader(std::string_view bytes, std::string_view where);

// True if, at or after `from`, some whole COMMIT frame says that bytes beyond `beyond` were
// durable.
Result<bool> HasCommitBeyond(const runtime::ReadableFile& file, uint64_t from, uint64_t beyond,
                             std::optional<uint64_t> nonce);

}  // namespace tokura::replication
