#include "offline/iceberg/avro_file.h"

#include <zlib.h>
#include <zstd.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/hex.h"

namespace tokura::offline::iceberg {
namespace {

constexpr std::string_view kPointSchema =
    R"({"type":"record","name":"point","fields":[)"
    R"({"name":"x","type":"long","field-id":7},)"
    R"({"name":"label","type":["null","string"],"field-id":8},)"
    R"({"name":"tags","type":{"type":"array","items":"bytes"},"field-id":9}]})";

AvroEncoder Point(int64_t x, const char* label, std::vector<std::string> tags) {
  AvroEncoder to;
  to.Long(x);
  if (label == nullptr) {
    to.Choice(0);
  } else {
    to.Choice(1).Bytes(label);
  }
  to.BeginArray(tags.size());
  for (const std::string& tag : tags) to.Bytes(tag);
  to.EndArray();
  return to;
}

// A file as another writer might make it: any codec, any blocks.
std::string FileOf(std::string_view schema, std::string_view codec, int64_t count,
                   std::string_view block) {
  AvroEncoder header;
  header.BeginArray(2).Bytes("avro.codec").Bytes(codec).Bytes("avro.schema").Bytes(schema);
  header.EndArray();
  AvroEncoder blocks;
  blocks.Long(count).Bytes(block);
  const std::string marker(16, 'm');
  return std::string("Obj\1", 4) + std::string(header.bytes()) + marker +
         std::string(blocks.bytes()) + marker;
}

struct Read {
  Status status;
  AvroMetadata metadata;
  std::vector<int64_t> xs;
  std::vector<std::string> labels;  // "-": null
};

Read ReadPoints(std::string_view file) {
  Read read;
  Result<AvroMetadata> metadata = ReadAvroFile(file, [&read](const AvroValue& object) {
    const AvroValue* x = object.Field(7);
    const AvroValue* label = object.Field(8);
    if (x == nullptr || label == nullptr) return Corrupt("not a point");
    read.xs.push_back(*x->integer());
    read.labels.push_back(label->is_null() ? "-" : *label->bytes());
    return OkStatus();
  });
  read.status = metadata.status();
  if (metadata.ok()) read.metadata = *metadata;
  return read;
}

TEST(AvroFile, WhatIsWrittenReadsBack) {
  AvroWriter writer(kPointSchema, {{"owner", "me"}});
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < 20'000; ++i) {  // several blocks
    expected.push_back(i * i - 5);
    writer.Add(Point(i * i - 5, i % 2 == 0 ? nullptr : "odd", {"a", std::string(i % 40, 'b')}));
  }
  const Read read = ReadPoints(writer.Finish());
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  EXPECT_EQ(read.xs, expected);
  EXPECT_EQ(read.labels[0], "-");
  EXPECT_EQ(read.labels[1], "odd");
  EXPECT_EQ(read.metadata.at("owner"), "me");
}

TEST(AvroFile, EncodesAsTheSpecificationSays) {
  EXPECT_EQ(EncodeHex(Point(-64, "foo", {"\x01", ""}).bytes()), "7f0206666f6f0402010000");
  EXPECT_EQ(EncodeHex(Point(64, nullptr, {}).bytes()), "80010000");
}

TEST(AvroFile, SameObjectsMakeTheSameBytes) {
  const auto make = [](const char* label) {
    AvroWriter writer(kPointSchema, {});
    writer.Add(Point(1, label, {}));
    return writer.Finish();
  };
  EXPECT_EQ(make("a"), make("a"));
  EXPECT_NE(make("a"), make("b"));
}

TEST(AvroFile, ReadsTheCodecsOfOtherWriters) {
  const std::string block(Point(5, "five", {"t"}).bytes());
  std::string deflated(200, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
  stream.avail_in = static_cast<uInt>(block.size());
  stream.next_out = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_out = 200;
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  deflated.resize(200 - stream.avail_out);
  deflateEnd(&stream);
  std::string zstd(200, '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), block.data(), block.size(), 1));
  for (const auto& [codec, bytes] : {std::pair<std::string_view, std::string>{"null", block},
                                     {"deflate", deflated},
                                     {"zstandard", zstd}}) {
    const Read read = ReadPoints(FileOf(kPointSchema, codec, 1, bytes));
    ASSERT_TRUE(read.status.ok()) << codec << ": " << read.status.ToString();
    EXPECT_EQ(read.xs, std::vector<int64_t>{5});
  }
  const Read other = ReadPoints(FileOf(kPointSchema, "snappy", 1, block));
  EXPECT_EQ(other.status.code(), Code::kFailedPrecondition);
  EXPECT_NE(other.status.message().find("snappy"), std::string::npos);
}

TEST(AvroFile, ReadsEveryTypeThatASchemaCanHave) {
  constexpr std::string_view kAll =
      R"({"type":"record","name":"all","namespace":"n","fields":[)"
      R"({"name":"b","type":"boolean","field-id":1},{"name":"f","type":"float","field-id":2},)"
      R"({"name":"d","type":"double","field-id":3},)"
      R"({"name":"x","type":{"type":"fixed","name":"two","size":2},"field-id":4},)"
      R"({"name":"e","type":{"type":"enum","name":"color","symbols":["r","g"]},"field-id":5},)"
      R"({"name":"m","type":{"type":"map","values":"int"},"field-id":6},)"
      R"({"name":"y","type":"n.two","field-id":7},)"
      R"({"name":"i","type":{"type":"int","logicalType":"date"},"field-id":8}]})";
  std::string object("\x01", 1);
  object.append("\x00\x00\xc0\x3f", 4);                  // 1.5
  object.append("\x00\x00\x00\x00\x00\x00\x04\x40", 8);  // 2.5
  object.append("ab");
  object.append("\x02", 1);               // symbol 1
  object.append("\x01\x04\x02k\x08", 5);  // one item in a block of 2 bytes: "k" -> 4
  object.append("\x00", 1);
  object.append("cd");
  object.append("\x03", 1);  // -2
  int visited = 0;
  const auto read = ReadAvroFile(FileOf(kAll, "null", 1, object), [&](const AvroValue& all) {
    ++visited;
    EXPECT_TRUE(*all.Field(1)->boolean());
    EXPECT_EQ(*all.Field(2)->number(), 1.5);
    EXPECT_EQ(*all.Field(3)->number(), 2.5);
    EXPECT_EQ(*all.Field(4)->bytes(), "ab");
    EXPECT_EQ(*all.Field(5)->integer(), 1);
    EXPECT_EQ(*all.Field(6)->items()->at(0).integer(), 4);
    EXPECT_EQ(*all.Field(7)->bytes(), "cd");
    EXPECT_EQ(*all.Field(8)->integer(), -2);
    EXPECT_EQ(all.Field(9), nullptr);
    return OkStatus();
  });
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(visited, 1);
}

TEST(AvroFile, EveryCutIsFound) {
  AvroWriter writer(kPointSchema, {});
  for (int64_t i = 0; i < 50; ++i) writer.Add(Point(i, "label", {"tag"}));
  const std::string file = writer.Finish();
  size_t whole_blocks = 0;  // a file may end after its header
  for (size_t n = 0; n < file.size(); ++n) {
    const Read read = ReadPoints(std::string_view(file).substr(0, n));
    if (read.status.ok()) ++whole_blocks;
    if (!read.status.ok()) EXPECT_EQ(read.status.code(), Code::kCorrupt) << n;
  }
  EXPECT_EQ(whole_blocks, 1u);
}

TEST(AvroFile, WhatDoesNotFitItsSchemaIsRefused) {
  const std::string good(Point(1, "a", {}).bytes());
  EXPECT_EQ(ReadPoints(FileOf(kPointSchema, "null", 2, good)).status.code(), Code::kCorrupt);
  EXPECT_EQ(ReadPoints(FileOf(kPointSchema, "null", 1, good + "x")).status.code(), Code::kCorrupt);
  EXPECT_EQ(ReadPoints(FileOf(kPointSchema, "null", -1, good)).status.code(), Code::kCorrupt);
  EXPECT_EQ(ReadPoints(FileOf(kPointSchema, "deflate", 1, good)).status.code(), Code::kCorrupt);
  const std::string bad_choice("\x02\x04", 2);
  EXPECT_EQ(ReadPoints(FileOf(kPointSchema, "null", 1, bad_choice)).status.code(), Code::kCorrupt);
  EXPECT_EQ(ReadPoints("").status.code(), Code::kCorrupt);
  EXPECT_EQ(ReadPoints(FileOf("{}", "null", 1, good)).status.code(), Code::kCorrupt);
  EXPECT_EQ(ReadPoints(FileOf("[[[", "null", 1, good)).status.code(), Code::kCorrupt);
}

// A list of a billion nulls takes six bytes.
TEST(AvroFile, ItemsWithoutBytesAreBounded) {
  constexpr std::string_view kNulls =
      R"({"type":"record","name":"r","fields":[{"name":"n","type":{"type":"array","items":"null"}}]})";
  AvroEncoder object;
  object.Long(1'000'000'000).Long(0);
  const auto read = ReadAvroFile(FileOf(kNulls, "null", 1, object.bytes()),
                                 [](const AvroValue&) { return OkStatus(); });
  EXPECT_EQ(read.status().code(), Code::kCorrupt);
}

TEST(AvroFile, ATypeInsideItselfIsBounded) {
  constexpr std::string_view kNested =
      R"({"type":"record","name":"r","fields":[{"name":"inner","type":["null","r"]}]})";
  const auto read_nested = [&](size_t depth) {
    const std::string object = std::string(depth, '\x02') + std::string(1, '\0');
    return ReadAvroFile(FileOf(kNested, "null", 1, object),
                        [](const AvroValue&) { return OkStatus(); })
        .status();
  };
  EXPECT_TRUE(read_nested(5).ok());
  EXPECT_EQ(read_nested(1'000).code(), Code::kCorrupt);
}

TEST(AvroFile, AVisitorThatRefusesEndsTheReading) {
  AvroWriter writer(kPointSchema, {});
  for (int64_t i = 0; i < 3; ++i) writer.Add(Point(i, nullptr, {}));
  int visited = 0;
  const auto read = ReadAvroFile(writer.Finish(), [&visited](const AvroValue&) {
    ++visited;
    return Unavailable("enough");
  });
  EXPECT_EQ(read.status(), Unavailable("enough"));
  EXPECT_EQ(visited, 1);
}

}  // namespace
}  // namespace tokura::offline::iceberg
