// Whatever a request or answer holds comes out of the wire as it went in.
#include "client/wire.h"

#include <gtest/gtest.h>

#include <random>

#include "core/limits.h"

namespace tokura::client::wire {
namespace {

// Random values of every kind; the seed is printed when a test fails.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  uint64_t Below(uint64_t n) { return random_() % n; }
  std::string Text() {
    std::string text;
    for (uint64_t n = Below(6); n > 0; --n) text.push_back(static_cast<char>(Below(128)));
    return text;
  }
  Value Any() {
    switch (Below(9)) {
      case 0:
        return Value();
      case 1:
        return Value(Below(2) == 1);
      case 2:
        return Value(static_cast<int64_t>(random_()));
      case 3:
        return Value(static_cast<double>(static_cast<int64_t>(random_())) / 3);
      case 4:
        return Value(Text());
      case 5:
        return Value(Bytes{Text() + "\xff"});
      case 6:
        return Value(Timestamp{static_cast<int64_t>(Below(1ULL << 50))});
      case 7:
        return Value(FloatVector{1.5f, -0.0f});
      default:
        return Value(List{Value(Text()), Value(Text())});
    }
  }

 private:
  std::mt19937_64 random_;
};

TEST(Wire, GetRequestsComeOutAsTheyWentIn) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    GetFeaturesRequest request;
    request.service = dice.Text();
    request.features = {dice.Text(), dice.Text()};
    request.tokens = {dice.Text()};
    if (dice.Below(2) == 1) request.max_staleness_us = static_cast<int64_t>(dice.Below(1000));
    request.want_event_time = dice.Below(2) == 1;
    request.syntax = dice.Below(2) == 1 ? Syntax::kJson : Syntax::kNative;
    const Value first = dice.Any();
    for (KeyColumnValues column : {KeyColumnValues{"same", {first, first}},
                                   KeyColumnValues{"mixed", {dice.Any(), dice.Any()}}}) {
      request.keys.push_back(std::move(column));
    }
    const Result<GetFeaturesRequest> decoded = Decode<GetFeaturesRequest>(Encode(request));
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(decoded->service, request.service);
    EXPECT_EQ(decoded->features, request.features);
    EXPECT_EQ(decoded->tokens, request.tokens);
    EXPECT_EQ(decoded->max_staleness_us, request.max_staleness_us);
    EXPECT_EQ(decoded->want_event_time, request.want_event_time);
    EXPECT_EQ(decoded->syntax, request.syntax);
    ASSERT_EQ(decoded->keys.size(), 2u);
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(decoded->keys[i].values, request.keys[i].values);
  }
}

TEST(Wire, PutRequestsComeOutAsTheyWentIn) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    PutRecordsRequest request;
    request.group = dice.Text();
    if (dice.Below(2) == 1) request.stores = static_cast<Stores>(1 + dice.Below(3));
    for (uint64_t n = dice.Below(4); n > 0; --n) {
      PutRecord& record = request.records.emplace_back();
      record.key = {{"b", Value("k")}, {"a", Value(int64_t{3})}};
      record.event_time = Value(Timestamp{static_cast<int64_t>(dice.Below(1000))});
      if (dice.Below(2) == 1) record.ttl = Value(int64_t{7});
      if (dice.Below(2) == 1) record.write_id = WriteId{{1, 2, 3}};
      for (uint64_t f = dice.Below(4); f > 0; --f) {
        record.values.emplace_back("f" + std::to_string(dice.Below(3)), dice.Any());
      }
    }
    const Result<PutRecordsRequest> decoded = Decode<PutRecordsRequest>(Encode(request));
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(decoded->stores, request.stores);
    ASSERT_EQ(decoded->records.size(), request.records.size());
    for (size_t i = 0; i < request.records.size(); ++i) {
      EXPECT_EQ(decoded->records[i].key, request.records[i].key);
      EXPECT_EQ(decoded->records[i].event_time, request.records[i].event_time);
      EXPECT_EQ(decoded->records[i].values, request.records[i].values);
      EXPECT_EQ(decoded->records[i].ttl, request.records[i].ttl);
      EXPECT_EQ(decoded->records[i].write_id, request.records[i].write_id);
      EXPECT_TRUE(decoded->records[i].malformed.ok());
    }
  }
}

TEST(Wire, ATimeThatDoesNotParseIsRejectedInItsPlace) {
  PutRecordsRequest request;
  request.syntax = Syntax::kJson;
  request.records.resize(2);
  request.records[0].event_time = Value("2013-01-01T06:00:00Z");
  request.records[0].ttl = Value("2h");
  request.records[1].event_time = Value("yesterday");
  const Result<PutRecordsRequest> decoded = Decode<PutRecordsRequest>(Encode(request));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->records[0].event_time, Value(Timestamp{1357020000000000}));
  EXPECT_EQ(decoded->records[0].ttl, Value(int64_t{7'200'000'000}));
  EXPECT_TRUE(decoded->records[1].malformed.message().starts_with("records[1].event_time: "));
}

TEST(Wire, AnswersKeepDefaultsAndEventTimes) {
  GetFeaturesResponse response;
  response.rows = 3;
  FeatureAnswer& answer = response.features.emplace_back();
  answer.name = "p/g@1:f";
  answer.values = Column(Type{Kind::kFloat32});
  for (const double v : {1.5, 10.0, 0.0}) answer.values.Append(Value(v));
  answer.statuses = {ReadStatus::kPresent, ReadStatus::kNotFound, ReadStatus::kNull};
  answer.has_value = {true, true, false};
  answer.event_times_us = {5, std::nullopt, 0};
  const Result<GetFeaturesResponse> decoded = Decode<GetFeaturesResponse>(Encode(response));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->features[0].values, answer.values);
  EXPECT_EQ(decoded->features[0].statuses, answer.statuses);
  EXPECT_EQ(decoded->features[0].has_value, answer.has_value);
  EXPECT_EQ(decoded->features[0].event_times_us, answer.event_times_us);
}

TEST(Wire, RecordsOverTheLimitAreRefusedBeforeTheyAreBuilt) {
  std::string body;
  for (size_t i = 0; i <= kRequestRecordsMax; ++i) body.append("\x2a\x00", 2);
  const Status status = Decode<PutRecordsRequest>(body).status();
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(status.message(), "records: 1001 is over the limit of 1000");
}

TEST(Wire, GarbageIsInvalid) {
  EXPECT_EQ(Decode<GetFeaturesRequest>("\xff\xff").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Decode<DigestReport>("\x12\x02\x22\x00").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace tokura::client::wire
