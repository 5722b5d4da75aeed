#include "router/http_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tokura::router {
namespace {

HttpParser::State Feed(HttpParser* parser, std::string_view bytes) {
  for (const char byte : bytes) {
    parser->Append({&byte, 1});
    parser->Advance();
  }
  return parser->state();
}

constexpr std::string_view kChunked =
    "POST /v1/records:put HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";

// A byte alone behind the last chunk's size ended the program: Beast asserts that five are there.
TEST(HttpParser, TakesALastChunkThatComesByteByByte) {
  HttpParser parser(1024, 4096);
  ASSERT_EQ(Feed(&parser, kChunked), HttpParser::State::kBody);
  EXPECT_EQ(Feed(&parser, "0\r\n\r"), HttpParser::State::kBody);
  ASSERT_EQ(Feed(&parser, "\n"), HttpParser::State::kRequest);
  EXPECT_EQ(parser.Take().body, "");
  EXPECT_EQ(parser.Advance(), HttpParser::State::kIdle);
}

TEST(HttpParser, TakesChunksAndTrailersThatComeByteByByte) {
  HttpParser parser(1024, 4096);
  ASSERT_EQ(Feed(&parser, kChunked), HttpParser::State::kBody);
  ASSERT_EQ(Feed(&parser, "1\r\n{\r\n1;a=b\r\n}\r\n0\r\nX: y\r\n\r\n"),
            HttpParser::State::kRequest);
  EXPECT_EQ(parser.Take().body, "{}");
}

TEST(HttpParser, RefusesABadTrailer) {
  HttpParser parser(1024, 4096);
  Feed(&parser, kChunked);
  EXPECT_EQ(Feed(&parser, "0\r\nX y: z\r\n\r\n"), HttpParser::State::kBad);
  EXPECT_EQ(parser.error().status, 400);
}

}  // namespace
}  // namespace tokura::router
