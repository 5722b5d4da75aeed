// Every store's answers, made by hand or by the code that serves them: the right ones pass, and one
// wrong value, one missing row or half an answer never does.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>

#include "bench/load/memcached_dialect.h"
#include "bench/load/resp_dialect.h"
#include "bench/load/tokura_dialect.h"
#include "client/wire.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "runtime/rpc/frame.h"

namespace tokura::bench {
namespace {

const std::vector<uint64_t> kEntities = {5, 11, 5};

RowShape ShapeS() { return *ShapeNamed("f64x20"); }

std::string ValueBytesOf(uint64_t entity, size_t feature) {
  std::string bytes(ShapeS().value_bytes, '\0');
  WriteValue(ShapeS(), entity, feature, 0, bytes.data());
  return bytes;
}

std::string PackedRow(uint64_t entity) {
  std::string row;
  for (size_t f = 0; f < ShapeS().features; ++f) row += ValueBytesOf(entity, f);
  return row;
}

std::string Bulk(const std::string& bytes) {
  return "$" + std::to_string(bytes.size()) + "\r\n" + bytes + "\r\n";
}

std::string HashAnswer() {
  std::string answer;
  for (const uint64_t entity : kEntities) {
    answer += "*20\r\n";
    for (size_t f = 0; f < 20; ++f) answer += Bulk(ValueBytesOf(entity, f));
  }
  return answer;
}

std::string PackedAnswer() {
  std::string answer = "*3\r\n";
  for (const uint64_t entity : kEntities) answer += Bulk(PackedRow(entity));
  return answer;
}

std::string MemcachedAnswer() {
  std::string answer;
  for (const uint64_t entity : kEntities) {
    answer += "VALUE " + KeyOf(entity) + " 0 160\r\n" + PackedRow(entity) + "\r\n";
  }
  return answer + "END\r\n";
}

std::string Framed(uint8_t method, const std::string& body) {
  std::string frame;
  runtime::rpc::AppendFrame(
      {.method = method, .flags = runtime::rpc::kFrameResponse, .request_id = 3}, body, &frame);
  return frame;
}

std::string RouterAnswer() {
  client::GetFeaturesResponse response;
  response.rows = kEntities.size();
  for (size_t f = 0; f < 20; ++f) {
    client::FeatureAnswer& answer = response.features.emplace_back();
    answer.name = "bench/s@1:" + FeatureName(f);
    answer.values = Column(ShapeS().type);
    for (const uint64_t entity : kEntities) answer.values.Append(ValueOf(ShapeS(), entity, f, 0));
    answer.statuses.assign(kEntities.size(), ReadStatus::kPresent);
    answer.has_value.assign(kEntities.size(), true);
  }
  return Framed(v1::GET_FEATURES, client::wire::Encode(response));
}

std::unique_ptr<Dialect> Router() { return MakeTokuraRouter(ShapeS(), {"bench/s", "bench/all"}); }

struct Store {
  std::string name;
  std::unique_ptr<Dialect> (*make)();
  std::string (*answer)();
};

std::unique_ptr<Dialect> Hashes() { return MakeRedisHashes(ShapeS()); }
std::unique_ptr<Dialect> Packed() { return MakeRedisPacked(ShapeS()); }
std::unique_ptr<Dialect> Memcache() { return MakeMemcached(ShapeS()); }

class DialectOfEveryStore : public testing::TestWithParam<Store> {
 protected:
  Answer Check(std::string_view bytes) const {
    return dialect_->CheckRead(bytes, 20, Asked{kEntities, 0});
  }
  const std::unique_ptr<Dialect> dialect_ = GetParam().make();
  const std::string answer_ = GetParam().answer();
};

TEST_P(DialectOfEveryStore, AcceptsWhatWasWritten) {
  const Answer answer = Check(answer_ + "more");
  EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.bytes, answer_.size());
}

TEST_P(DialectOfEveryStore, WaitsForTheRestOfAnAnswer) {
  for (size_t size = 0; size < answer_.size(); ++size) {
    const Answer answer = Check(std::string_view(answer_).substr(0, size));
    ASSERT_TRUE(answer.status.ok()) << "cut at " << size << ": " << answer.status.ToString();
    ASSERT_EQ(answer.bytes, 0U) << "cut at " << size;
  }
}

TEST_P(DialectOfEveryStore, FindsAWrongValueOfEveryEntityAndFeature) {
  for (const uint64_t entity : kEntities) {
    for (size_t f = 0; f < 20; ++f) {
      std::string wrong = answer_;
      wrong[wrong.find(ValueBytesOf(entity, f)) + 2] ^= 1;
      EXPECT_EQ(Check(wrong).status.code(), Code::kCorrupt) << KeyOf(entity) << ", feature " << f;
    }
  }
}

TEST_P(DialectOfEveryStore, FindsTheValuesOfAnotherGeneration) {
  EXPECT_EQ(dialect_->CheckRead(answer_, 20, Asked{kEntities, 1}).status.code(), Code::kCorrupt);
}

INSTANTIATE_TEST_SUITE_P(Stores, DialectOfEveryStore,
                         testing::Values(Store{"RedisHashes", Hashes, HashAnswer},
                                         Store{"RedisPacked", Packed, PackedAnswer},
                                         Store{"Memcached", Memcache, MemcachedAnswer},
                                         Store{"Tokura", Router, RouterAnswer}),
                         [](const auto& store) { return store.param.name; });

TEST(RedisHashes, FindsAMissingRow) {
  std::string answer;
  for (int row = 0; row < 3; ++row) {
    answer += "*20\r\n";
    for (int f = 0; f < 20; ++f) answer += "$-1\r\n";
  }
  EXPECT_EQ(Hashes()->CheckRead(answer, 20, Asked{kEntities, 0}).status.code(), Code::kCorrupt);
}

TEST(RedisPacked, FindsAMissingRow) {
  const std::string answer = "*3\r\n$-1\r\n$-1\r\n$-1\r\n";
  EXPECT_EQ(Packed()->CheckRead(answer, 20, Asked{kEntities, 0}).status.code(), Code::kCorrupt);
}

TEST(Memcached, FindsAMissingRow) {
  EXPECT_EQ(Memcache()->CheckRead("END\r\n", 20, Asked{kEntities, 0}).status.code(),
            Code::kCorrupt);
}

TEST(Redis, ReportsAnErrorOfTheServer) {
  const Answer answer = Packed()->CheckWrite("-OOM command not allowed\r\n", Asked{kEntities, 0});
  EXPECT_EQ(answer.status.code(), Code::kUnavailable);
  EXPECT_EQ(answer.status.message(), "redis: -OOM command not allowed\r");
}

TEST(Tokura, ReportsAnErrorOfTheServer) {
  std::string frame;
  runtime::rpc::AppendFrame({.method = v1::GET_FEATURES,
                             .flags = runtime::rpc::kFrameResponse | runtime::rpc::kFrameError,
                             .request_id = 3},
                            runtime::rpc::EncodeError(ResourceExhausted("busy")), &frame);
  const Answer answer = Router()->CheckRead(frame, 20, Asked{kEntities, 0});
  EXPECT_EQ(answer.status.code(), Code::kResourceExhausted);
  EXPECT_EQ(answer.bytes, frame.size());
}

TEST(Tokura, TellsWhoseAnswerItIs) {
  EXPECT_EQ(*Router()->AnswerId(RouterAnswer()), std::optional<uint64_t>(3));
  EXPECT_EQ(*Router()->AnswerId("TKRA"), std::nullopt);
}

}  // namespace
}  // namespace tokura::bench
