#include "node/read_request.h"

#include <gtest/gtest.h>

#include "proto/node.pb.h"
#include "tests/core/samples.h"

namespace tokura::node {
namespace {

using namespace std::string_literals;

// A request of every field, random in each.
v1::NodeReadRequest SomeRequest(Samples* samples) {
  v1::NodeReadRequest request;
  for (size_t reads = samples->Below(4); reads > 0; --reads) {
    auto* read = request.add_reads();
    if (!samples->OneIn(4)) read->set_group(static_cast<uint32_t>(samples->Below(300)));
    for (size_t n = samples->Below(4); n > 0; --n) read->add_features(1u << samples->Below(32));
    for (size_t n = samples->Below(200); n > 0; --n) {
      read->set_keys(read->keys() + std::string(samples->Below(20), 'k'));
      read->add_key_ends(static_cast<uint32_t>(read->keys().size()));
    }
  }
  if (samples->OneIn(2)) request.set_max_staleness_us(static_cast<int64_t>(samples->Below(9)) - 4);
  request.set_want_event_time(samples->OneIn(2));
  if (samples->OneIn(2)) request.set_token("token");
  return request;
}

void ExpectSame(const ReadRequest& read, const v1::NodeReadRequest& expected) {
  ASSERT_EQ(read.reads.size(), static_cast<size_t>(expected.reads_size()));
  for (size_t i = 0; i < read.reads.size(); ++i) {
    const auto& group = expected.reads(static_cast<int>(i));
    EXPECT_EQ(read.reads[i].group, group.group());
    EXPECT_EQ(read.reads[i].keys, group.keys());
    EXPECT_EQ(read.reads[i].features,
              std::vector<uint32_t>(group.features().begin(), group.features().end()));
    EXPECT_EQ(read.reads[i].key_ends,
              std::vector<uint32_t>(group.key_ends().begin(), group.key_ends().end()));
  }
  EXPECT_EQ(read.max_staleness_us.has_value(), expected.has_max_staleness_us());
  EXPECT_EQ(read.max_staleness_us.value_or(0), expected.max_staleness_us());
  EXPECT_EQ(read.want_event_time, expected.want_event_time());
  EXPECT_EQ(read.token, expected.token());
}

// What both ways make of a body; returns whether it is a request.
bool ExpectReadAsProtobufReadsIt(const std::string& body) {
  const Result<ReadRequest> read = ParseReadRequest(body);
  v1::NodeReadRequest expected;
  const bool parsed = expected.ParseFromString(body);
  EXPECT_EQ(read.ok(), parsed);
  if (read.ok() && parsed) ExpectSame(*read, expected);
  return read.ok();
}

TEST(ReadRequestTest, ReadsWhatTheGeneratedCodeWrites) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    EXPECT_TRUE(ExpectReadAsProtobufReadsIt(SomeRequest(&samples).SerializeAsString()));
  }
}

TEST(ReadRequestTest, RepeatedNumbersComePackedOrOneByOneAndTheLastOfOthersCounts) {
  EXPECT_TRUE(ExpectReadAsProtobufReadsIt(
      "\x0a\x0f\x08\x05\x08\x06\x10\x01\x12\x02\x02\x03\x22\x01k\x10\x04"
      "\x18\x01\x18\x02"));
}

TEST(ReadRequestTest, SkipsUnknownFieldsAndFieldsOfAnotherWireType) {
  EXPECT_TRUE(ExpectReadAsProtobufReadsIt("\x78\x01\x0a\x06\x7a\x01x\x0a\x01g\x15zzzz\x1a\x00"s));
}

TEST(ReadRequestTest, RefusesABodyThatIsCut) {
  Samples samples(7);
  const std::string body = SomeRequest(&samples).SerializeAsString();
  for (size_t size = 0; size < body.size(); ++size) {
    ExpectReadAsProtobufReadsIt(body.substr(0, size));
  }
  EXPECT_EQ(ParseReadRequest("\x0a\x01").status().ToString(),
            "INVALID_ARGUMENT: the request's body is not a tokura.v1.NodeReadRequest");
}

}  // namespace
}  // namespace tokura::node
