// A request patched to other entities is, byte for byte, the request encoded for them.
#include "bench/load/request_template.h"

#include <gtest/gtest.h>

#include "bench/load/memcached_dialect.h"
#include "bench/load/resp_dialect.h"
#include "bench/load/tokura_dialect.h"
#include "client/wire.h"
#include "core/record.h"
#include "proto/node.pb.h"

namespace tokura::bench {
namespace {

RowShape Named(const std::string& name) { return *ShapeNamed(name); }

client::PutRecordsRequest PutOf(std::string_view body) {
  Result<client::PutRecordsRequest> request = client::wire::Decode<client::PutRecordsRequest>(body);
  EXPECT_TRUE(request.ok());
  return *request;
}

TEST(RequestTemplate, AsksRouterForTheEntitiesSet) {
  const auto dialect = MakeTokuraRouter(Named("f64x20"), {"bench/s", "bench/all"});
  RequestTemplate request = dialect->ReadTemplate(3, 20);
  for (size_t i = 0; i < 3; ++i) request.SetEntity(i, 100 + i);
  const auto decoded = client::wire::Decode<client::GetFeaturesRequest>(request.bytes());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->service, "bench/all");
  EXPECT_EQ(decoded->keys[0].values,
            (std::vector<Value>{Value(KeyOf(100)), Value(KeyOf(101)), Value(KeyOf(102))}));
}

TEST(RequestTemplate, WritesTheRowsSetOfEveryShape) {
  for (const char* name : {"f64x20", "f32x20", "str16x5", "vec128x1"}) {
    const RowShape shape = Named(name);
    RequestTemplate request = MakeTokuraRouter(shape, {"bench/s", "bench/all"})->WriteTemplate(2);
    request.SetRow(0, 7, 0);
    request.SetRow(1, 8, 3);
    const client::PutRecordsRequest put = PutOf(request.bytes());
    ASSERT_EQ(put.records.size(), 2U);
    EXPECT_EQ(put.records[1].key[0].second, Value(KeyOf(8)));
    ASSERT_EQ(put.records[1].values.size(), shape.features);
    for (size_t f = 0; f < shape.features; ++f) {
      EXPECT_EQ(put.records[0].values[f].second, ValueOf(shape, 7, f, 0)) << name;
      EXPECT_EQ(put.records[1].values[f].second, ValueOf(shape, 8, f, 3)) << name;
    }
  }
}

TEST(RequestTemplate, AppendsCanonicalRecordsToANode) {
  const RowShape shape = Named("f64x20");
  std::vector<FeatureId> features;
  for (uint32_t f = 1; f <= 20; ++f) features.emplace_back(f);
  RequestTemplate request = MakeTokuraNode(shape, {GroupId(3), features})->WriteTemplate(2);
  request.SetRow(0, 7, 0);
  request.SetRow(1, 8, 3);
  v1::NodeAppendRequest append;
  ASSERT_TRUE(append.ParseFromString(std::string(request.bytes())));
  const Result<Record> first = DecodeRecord(append.records(0));
  const Result<Record> second = DecodeRecord(append.records(1));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->write_id, second->write_id);
  EXPECT_NE(first->key, second->key);
  for (size_t f = 0; f < 20; ++f) EXPECT_EQ(second->cells[f].value, ValueOf(shape, 8, f, 3));
}

TEST(RequestTemplate, SetsEveryPlaceOfAKey) {
  RequestTemplate request = MakeRedisHashes(Named("f64x20"))->WriteTemplate(1);
  request.SetRow(0, 7, 0);
  const std::string bytes(request.bytes());
  const size_t hset = bytes.find(KeyOf(7));
  EXPECT_LT(bytes.find("HSET"), hset);
  EXPECT_LT(bytes.find("EXPIRE"), bytes.find(KeyOf(7), hset + 1));
  EXPECT_EQ(bytes.find(KeyOf(MarkerEntity(0))), std::string::npos);
}

TEST(RequestTemplate, AsksMemcachedInItsTextProtocol) {
  RequestTemplate request = MakeMemcached(Named("f64x20"))->ReadTemplate(2, 20);
  request.SetEntity(0, 1);
  request.SetEntity(1, 2);
  EXPECT_EQ(request.bytes(), "get entity:00000000001 entity:00000000002\r\n");
}

}  // namespace
}  // namespace tokura::bench
