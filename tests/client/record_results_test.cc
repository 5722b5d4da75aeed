#include "core/record_results.h"

#include <gtest/gtest.h>

#include "client/wire_proto.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "tests/core/samples.h"

namespace tokura {
namespace {

std::vector<Status> AnyResults(Samples* samples) {
  std::vector<Status> results(samples->Below(6));
  for (Status& status : results) {
    if (samples->OneIn(2)) continue;
    status = Status(static_cast<Code>(1 + samples->Below(12)),
                    samples->Pick<std::string>(
                        {"", "no", "gr\xc3\xbc\xc3\x9f", "bad \xff", std::string(300, 'x')}));
  }
  return results;
}

template <typename Response>
std::string Generated(const std::vector<Status>& results, const std::string& token) {
  Response response;
  for (const Status& status : results) client::wire::ToProto(status, response.add_results());
  response.set_token(token);
  return response.SerializeAsString();
}

TEST(RecordResults, AreTheBytesOfBothGeneratedResponses) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    const std::vector<Status> results = AnyResults(&samples);
    const std::string token = samples.Pick<std::string>({"", "t", std::string(200, 't')});
    const std::string bytes = EncodeRecordResults(results, token);
    ASSERT_EQ(EncodeHex(bytes), EncodeHex(Generated<v1::PutRecordsResponse>(results, token)));
    ASSERT_EQ(EncodeHex(bytes), EncodeHex(Generated<v1::NodeAppendResponse>(results, token)));
    const Result<RecordResults> decoded = DecodeRecordResults(bytes, results.size());
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->token, token);
    ASSERT_EQ(decoded->results.size(), results.size());
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(decoded->results[i].code(), results[i].code());
    }
  }
}

TEST(RecordResults, ReadWhatTheGeneratedCodeReads) {
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Samples samples(seed);
    const std::vector<Status> results = AnyResults(&samples);
    const std::string bytes = samples.Mutate(EncodeRecordResults(results, "token"));
    const Result<RecordResults> decoded = DecodeRecordResults(bytes, results.size());
    if (!decoded.ok()) continue;
    v1::NodeAppendResponse response;
    ASSERT_TRUE(response.ParseFromString(bytes));
    ASSERT_EQ(static_cast<size_t>(response.results_size()), results.size());
    EXPECT_EQ(decoded->token, response.token());
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(decoded->results[i],
                client::wire::FromProto(response.results(static_cast<int>(i))));
    }
  }
}

TEST(RecordResults, OfAnotherNumberAreRefused) {
  const std::string bytes = EncodeRecordResults(std::vector<Status>(3), "");
  EXPECT_FALSE(DecodeRecordResults(bytes, 2).ok());
  EXPECT_FALSE(DecodeRecordResults(bytes, 4).ok());
}

}  // namespace
}  // namespace tokura
