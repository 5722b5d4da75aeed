// FrameReader: cuts a byte stream into frames. Internal to runtime/rpc; does no I/O.
//
//   while (read n bytes into reader.Space()) {
//     reader.Received(n);
//     for (;;) { Result<std::optional<Frame>> frame = reader.Next(); ... }
//   }
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/rpc/frame.h"

namespace tokura::runtime::rpc {

struct Frame {
  FrameHeader header;
  std::string_view body;  // valid until the next Space()
};

// Memory follows the bytes that came, not the lengths that a header claims: the buffer doubles when
// it is full, up to one frame, and shrinks again when it is empty.
class FrameReader {
 public:
  // Where to read the next bytes; never empty.
  std::span<char> Space();
  void Received(size_t n) { end_ += n; }
  // The next whole frame, or nullopt until more bytes come. An error (of ParseFrameHeader) is
  // final.
  Result<std::optional<Frame>> Next();
  // The request id of a header that Next refused, where the header could be read.
  std::optional<uint64_t> refused_id() const { return refused_id_; }
  // True while a frame has begun and is not whole.
  bool partial() const { return begin_ != end_; }
  size_t capacity() const { return capacity_; }  // bytes that the buffer takes

 private:
  void Grow(size_t capacity);

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::optional<FrameHeader> header_;  // parsed, its body not yet whole
  std::optional<uint64_t> refused_id_;
};

}  // namespace tokura::runtime::rpc
