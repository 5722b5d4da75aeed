#include "runtime/rpc/frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include "core/hex.h"

#include "core/bytes.h"
#include "core/hex.h"
#include "core/limits.h"
#include "runtime/rpc/frame_reader.h"

namespace tokura::runtime::rpc {
namespace {

// docs/formats/frame.md: method 2, request 258, 1.5 s left, body "hi".
const FrameHeader kExample{
    .method = 2, .flags = 0, .request_id = 258, .deadline_us = 1'500'000, .body_bytes = 2};
constexpr std::string_view kExampleHex = "544b524101020000020100000000000060e3160002000000";

std::string ExampleBytes() {
  std::string bytes;
  AppendFrame(kExample, "hi", &bytes);
  return bytes;
}

// Feeds `bytes` in pieces of `piece` and returns the bodies, or the error.
Result<std::vector<std::string>> ReadAll(std::string_view bytes, size_t piece) {
  FrameReader reader;
  std::vector<std::string> bodies;
  while (!bytes.empty()) {
    const std::span<char> space = reader.Space();
    const size_t n = std::min({space.size(), bytes.size(), piece});
    std::memcpy(space.data(), bytes.data(), n);
    reader.Received(n);
    bytes.remove_prefix(n);
    for (;;) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader.Next());
      if (!frame.has_value()) break;
      bodies.emplace_back(frame->body);
    }
  }
  return bodies;
}

TEST(Frame, EncodesTheExampleOfTheFormatPage) {
  const std::string bytes = ExampleBytes();
  ASSERT_EQ(bytes.size(), 30u);
  EXPECT_EQ(EncodeHex(bytes.substr(0, 24)), kExampleHex);
  EXPECT_EQ(EncodeHex(bytes.substr(24)), "565b9f726869");
}

TEST(Frame, ParsesWhatItEncodes) {
  const auto header = ParseFrameHeader(ExampleBytes().substr(0, kFrameHeaderBytes));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(*header, kExample);
}

TEST(Frame, RefusesEveryFlippedBitOfTheHeader) {
  for (size_t bit = 0; bit < kFrameHeaderBytes * 8; ++bit) {
    std::string bytes = ExampleBytes().substr(0, kFrameHeaderBytes);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(ParseFrameHeader(bytes).status().code(), Code::kInvalidArgument) << "bit " << bit;
  }
}

TEST(Frame, RefusesEveryOtherLength) {
  const std::string bytes = ExampleBytes() + std::string(100, 'x');
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(ParseFrameHeader(bytes.substr(0, n)).ok(), n == kFrameHeaderBytes) << n;
  }
}

TEST(Frame, TellsAnotherProtocolFromANewerVersion) {
  std::string http = "GET / HTTP/1.1\r\nHost: x\r\n\r\n    ";
  EXPECT_NE(ParseFrameHeader(http.substr(0, kFrameHeaderBytes))
                .status()
                .message()
                .find("another protocol"),
            std::string::npos);
  std::string newer = ExampleBytes().substr(0, kFrameHeaderBytes);
  newer[4] = 2;
  EXPECT_NE(ParseFrameHeader(newer).status().message().find("version 2"), std::string::npos);
}

TEST(Frame, RoundTripsErrorsWithTheirWait) {
  const Status quota = ResourceExhausted("quota").WithRetryAfter(std::chrono::milliseconds(250));
  EXPECT_EQ(DecodeError(EncodeError(quota)), quota);
  EXPECT_EQ(EncodeHex(EncodeError(quota)), "06fa00000071756f7461");
  EXPECT_EQ(DecodeError(EncodeError(NotFound("group"))), NotFound("group"));
}

TEST(Frame, CutsLongErrorMessages) {
  EXPECT_EQ(DecodeError(EncodeError(NotFound(std::string(10'000, 'x')))).message().size(), 4'096u);
}

TEST(Frame, ReadsAnUnreadableErrorAsInternal) {
  for (const std::string_view body :
       {std::string_view(""), std::string_view("\x02\0\0\0", 4), std::string_view("\0\0\0\0\0", 5),
        std::string_view("\xff\0\0\0\0", 5)}) {
    EXPECT_EQ(DecodeError(body).code(), Code::kInternal);
  }
}

TEST(FrameReader, FindsTheSameFramesHoweverTheBytesAreCut) {
  std::string bytes;
  std::vector<std::string> bodies;
  for (const size_t n : {0, 1, 5'000, 40'000, 3, 300'000, 0}) {
    bodies.emplace_back(n, static_cast<char>('a' + bodies.size()));
    AppendFrame(kExample, bodies.back(), &bytes);
  }
  for (const size_t piece : {1, 7, 28, 1'000, 65'536, 1'000'000}) {
    const auto read = ReadAll(bytes, piece);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, bodies) << "piece " << piece;
  }
}

TEST(FrameReader, NamesTheRequestOfAFrameThatIsTooLarge) {
  std::string bytes = ExampleBytes().substr(0, 20);
  const uint32_t over = kFrameBytesMax + 1;
  bytes.append(reinterpret_cast<const char*>(&over), 4);
  const uint32_t crc = Crc32c(bytes);
  bytes.append(reinterpret_cast<const char*>(&crc), 4);
  FrameReader reader;
  std::memcpy(reader.Space().data(), bytes.data(), bytes.size());
  reader.Received(bytes.size());
  EXPECT_EQ(reader.Next().status().code(), Code::kResourceExhausted);
  EXPECT_EQ(reader.refused_id(), 258u);
}

TEST(FrameReader, SurvivesRandomBytes) {
  std::mt19937_64 random(20'260'101);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes = ExampleBytes() + ExampleBytes();
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto read = ReadAll(bytes, 1 + random() % 20);
    if (!read.ok()) EXPECT_EQ(read.status().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace tokura::runtime::rpc
