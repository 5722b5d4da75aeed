#include "runtime/rpc/frame.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>

#include "core/bytes.h"
#include "core/limits.h"

namespace tokura::runtime::rpc {
namespace {

constexpr size_t kChecksumAt = kFrameHeaderBytes - 4;
constexpr size_t kErrorMessageBytesMax = 4'096;

// Makes room for the body, too.
void AppendHeader(const FrameHeader& header, size_t body_bytes, std::string* out) {
  TOKURA_CHECK(body_bytes <= kFrameBytesMax);
  char bytes[kFrameHeaderBytes];
  const auto put = [&bytes](size_t at, auto number) {
    std::memcpy(bytes + at, &number, sizeof number);
  };
  put(0, kFrameMagic);
  put(4, kFrameVersion);
  put(5, header.method);
  put(6, header.flags);
  put(8, header.request_id);
  put(16, header.deadline_us);
  put(20, static_cast<uint32_t>(body_bytes));
  put(kChecksumAt, Crc32c({bytes, kChecksumAt}));
  out->reserve(std::max(out->capacity(), out->size() + kFrameHeaderBytes + body_bytes));
  out->append(bytes, kFrameHeaderBytes);
}

size_t ErrorBytes(const Status& status) {
  return 5 + std::min(status.message().size(), kErrorMessageBytesMax);
}

void AppendError(const Status& status, std::string* out) {
  out->push_back(static_cast<char>(status.code()));
  const int64_t wait_ms = status.retry_after().value_or(std::chrono::milliseconds(0)).count();
  PutU32(out, static_cast<uint32_t>(
                  std::clamp<int64_t>(wait_ms, 0, std::numeric_limits<uint32_t>::max())));
  out->append(status.message(), 0, kErrorMessageBytesMax);
}

}  // namespace

void AppendFrame(const FrameHeader& header, std::string_view body, std::string* out) {
  AppendHeader(header, body.size(), out);
  out->append(body);
}

void AppendErrorFrame(FrameHeader header, const Status& status, std::string* out) {
  header.flags |= kFrameError;
  AppendHeader(header, ErrorBytes(status), out);
  AppendError(status, out);
}

Result<FrameHeader> ParseFrameHeader(std::string_view bytes) {
  if (bytes.size() != kFrameHeaderBytes) {
    return InvalidArgument("frame header of " + std::to_string(bytes.size()) + " bytes: expected " +
                           std::to_string(kFrameHeaderBytes));
  }
  ByteReader reader(bytes);
  uint32_t magic = 0, checksum = 0;
  uint8_t version = 0;
  FrameHeader header;
  reader.U32(&magic);
  reader.U8(&version);
  reader.U8(&header.method);
  reader.U16(&header.flags);
  reader.U64(&header.request_id);
  reader.U32(&header.deadline_us);
  reader.U32(&header.body_bytes);
  reader.U32(&checksum);
  TOKURA_CHECK(reader.done());
  if (magic != kFrameMagic) {
    return InvalidArgument("not a Tokura frame: the peer speaks another protocol");
  }
  // Before the checksum: a newer version may place it elsewhere.
  if (version != kFrameVersion) {
    return InvalidArgument("frame version " + std::to_string(version) + ": this program speaks " +
                           std::to_string(kFrameVersion) + "; update the older side");
  }
  if (checksum != Crc32c(bytes.substr(0, kChecksumAt))) {
    return InvalidArgument("frame header does not match its checksum");
  }
  if (header.body_bytes > kFrameBytesMax) {
    return ResourceExhausted("frame body of " + std::to_string(header.body_bytes) +
                             " bytes is over the limit of " + std::to_string(kFrameBytesMax));
  }
  return header;
}

std::string EncodeError(const Status& status) {
  std::string body;
  body.reserve(ErrorBytes(status));
  AppendError(status, &body);
  return body;
}

Status DecodeError(std::string_view body) {
  ByteReader reader(body);
  uint8_t code = 0;
  uint32_t wait_ms = 0;
  const bool whole = reader.U8(&code) && reader.U32(&wait_ms);
  if (!whole || code == 0 || code > static_cast<uint8_t>(Code::kInternal)) {
    return Internal("the peer sent an error answer that cannot be read");
  }
  Status status(static_cast<Code>(code),
                std::string(reader.rest().substr(0, kErrorMessageBytesMax)));
  if (wait_ms == 0) return status;
  return std::move(status).WithRetryAfter(std::chrono::milliseconds(wait_ms));
}

}  // namespace tokura::runtime::rpc
