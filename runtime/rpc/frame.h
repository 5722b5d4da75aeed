// The frame of the native protocol (docs/formats/frame.md): a fixed header, then a protobuf body.
// Many requests are in flight on a connection; answers come in any order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace tokura::runtime::rpc {

// Little-endian: u32 magic "TKRA", u8 version, u8 method, u16 flags, u64 request id,
// u32 deadline in µs left (0: none), u32 body length, u32 CRC32C of the 24 bytes before it.
inline constexpr size_t kFrameHeaderBytes = 28;
inline constexpr uint32_t kFrameMagic = 0x41524B54;
inline constexpr uint8_t kFrameVersion = 1;
enum FrameFlags : uint16_t { kFrameResponse = 1, kFrameError = 2 };

struct FrameHeader {
  uint8_t method = 0;
  uint16_t flags = 0;
  uint64_t request_id = 0;
  uint32_t deadline_us = 0;
  uint32_t body_bytes = 0;
  bool operator==(const FrameHeader&) const = default;
};

void AppendFrame(const FrameHeader& header, std::string_view body, std::string* out);
// The same with the error as its body, and flagged so.
void AppendErrorFrame(FrameHeader header, const Status& status, std::string* out);
// `bytes`: exactly kFrameHeaderBytes. INVALID_ARGUMENT for another protocol, a newer version or a
// bad checksum (the connection is then cut); RESOURCE_EXHAUSTED when the body is over
// kFrameBytesMax.
Result<FrameHeader> ParseFrameHeader(std::string_view bytes);

// An error answer's body: u8 code, u32 retry_after_ms, message. Needs no protobuf.
std::string EncodeError(const Status& status);
Status DecodeError(std::string_view body);

}  // namespace tokura::runtime::rpc
