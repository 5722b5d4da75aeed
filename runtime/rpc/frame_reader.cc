#include "runtime/rpc/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "core/bytes.h"

namespace tokura::runtime::rpc {
namespace {

constexpr size_t kCapacityMin = 16 << 10;
constexpr size_t kRequestIdAt = 8;

}  // namespace

std::span<char> FrameReader::Space() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > 16 * kCapacityMin) buffer_ = nullptr, capacity_ = 0;
  }
  if (capacity_ == 0) Grow(kCapacityMin);
  if (begin_ > capacity_ / 2) {
    // The start of the next frame moves to the front, so that a read finds room for several.
    std::memcpy(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Only a frame larger than half of the buffer makes it grow.
  if (end_ == capacity_) Grow(capacity_ * 2);
  return {buffer_.get() + end_, capacity_ - end_};
}

void FrameReader::Grow(size_t capacity) {
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  if (end_ > begin_) std::memcpy(buffer.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

Result<std::optional<Frame>> FrameReader::Next() {
  const std::string_view rest(buffer_.get() + begin_, end_ - begin_);
  if (!header_.has_value()) {
    if (rest.size() < kFrameHeaderBytes) return std::optional<Frame>();
    Result<FrameHeader> header = ParseFrameHeader(rest.substr(0, kFrameHeaderBytes));
    if (!header.ok()) {
      if (header.status().code() == Code::kResourceExhausted) {
        refused_id_ = GetU64(rest.data() + kRequestIdAt);
      }
      return header.status();
    }
    header_ = *header;
  }
  if (rest.size() - kFrameHeaderBytes < header_->body_bytes) return std::optional<Frame>();
  const Frame frame{*header_, rest.substr(kFrameHeaderBytes, header_->body_bytes)};
  begin_ += kFrameHeaderBytes + header_->body_bytes;
  header_.reset();
  return std::optional<Frame>(frame);
}

}  // namespace tokura::runtime::rpc
