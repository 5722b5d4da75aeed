#include "core/key_codec.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/core/samples.h"

namespace tokura {
namespace {

using namespace std::string_literals;

const std::vector<KeyColumn>& EveryKeyType() {
  static const std::vector<KeyColumn> kColumns = {
      {"a", TypeOf("string")}, {"b", TypeOf("int32")}, {"c", TypeOf("bytes")},
      {"d", TypeOf("bool")},   {"e", TypeOf("int64")}, {"f", TypeOf("timestamp")}};
  return kColumns;
}

std::vector<Value> AnyKey(const std::vector<KeyColumn>& columns, Samples* samples) {
  std::vector<Value> key;
  for (const KeyColumn& column : columns) {
    if (column.type.kind == Kind::kString || column.type.kind == Kind::kBytes) {
      std::string text;
      while (!samples->OneIn(3)) text += samples->Pick<char>({'\0', '\x01', 'a', 'b', '\x7f'});
      if (column.type.kind == Kind::kString) {
        key.emplace_back(text);
      } else {
        key.emplace_back(Bytes{samples->OneIn(3) ? text + "\xff" : text});
      }
    } else {
      key.push_back(samples->Scalar(column.type.kind));
    }
  }
  return key;
}

bool Less(const Value& a, const Value& b) {
  if (const auto* x = a.get_if<bool>()) return *x < b.as<bool>();
  if (const auto* x = a.get_if<int64_t>()) return *x < b.as<int64_t>();
  if (const auto* x = a.get_if<Timestamp>()) return *x < b.as<Timestamp>();
  if (const auto* x = a.get_if<Bytes>()) return *x < b.as<Bytes>();
  return a.as<std::string>() < b.as<std::string>();
}

bool Less(const std::vector<Value>& a, const std::vector<Value>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] == b[i])) return Less(a[i], b[i]);
  }
  return false;
}

std::string Encode(const std::vector<Value>& values) { return *EncodeRowKey(GroupId(7), values); }

// The worked example of docs/formats/key.md.
TEST(KeyCodec, HasTheBytesOfTheFormatPage) {
  const std::vector<Value> key = {"UA", std::string("J\0", 2), -2, true};
  EXPECT_EQ(EncodeHex(Encode(key)),
            EncodeHex(FromHex("01 000007  5541 0001  4a 00ff 0001  7ffffffffffffffe  01")));
}

TEST(KeyCodec, DecodesWhatItEncodes) {
  Samples samples(1);
  for (int i = 0; i < 2'000; ++i) {
    const std::vector<Value> key = AnyKey(EveryKeyType(), &samples);
    const auto decoded = DecodeRowKey(Encode(key), EveryKeyType());
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    ASSERT_EQ(*decoded, key);
  }
}

TEST(KeyCodec, GivesColumnsWithoutValues) {
  Samples samples(3);
  const std::vector<KeyColumn>& columns = EveryKeyType();
  for (int i = 0; i < 2'000; ++i) {
    const std::vector<Value> key = AnyKey(columns, &samples);
    const std::string encoded = Encode(key);
    std::string_view rest = std::string_view(encoded).substr(kRowKeyHeaderBytes);
    std::string room;
    for (const Value& value : key) {
      std::string_view text;
      int64_t integer = 0;
      bool boolean = false;
      if (const auto* x = value.get_if<std::string>()) {
        ASSERT_TRUE(TakeTextKey(&rest, &room, &text));
        ASSERT_EQ(text, *x);
      } else if (const auto* b = value.get_if<Bytes>()) {
        ASSERT_TRUE(TakeTextKey(&rest, &room, &text));
        ASSERT_EQ(text, b->data);
      } else if (const auto* flag = value.get_if<bool>()) {
        ASSERT_TRUE(TakeBoolKey(&rest, &boolean));
        ASSERT_EQ(boolean, *flag);
      } else {
        ASSERT_TRUE(TakeIntKey(&rest, &integer));
        const auto* time = value.get_if<Timestamp>();
        ASSERT_EQ(integer, time != nullptr ? time->us : value.as<int64_t>());
      }
    }
    ASSERT_TRUE(rest.empty());
  }
}

TEST(KeyCodec, GivesNoColumnOfBytesThatAreNone) {
  std::string room;
  std::string_view text;
  int64_t integer = 0;
  bool boolean = false;
  for (const std::string& bytes : {""s, "a"s, "\0"s, "a\0"s, "a\0\2"s, "a\0\xff"s, "a\0\xff\0"s}) {
    std::string_view rest = bytes;
    EXPECT_FALSE(TakeTextKey(&rest, &room, &text)) << EncodeHex(bytes);
  }
  std::string_view seven = "1234567";
  EXPECT_FALSE(TakeIntKey(&seven, &integer));
  std::string_view two = "\2";
  EXPECT_FALSE(TakeBoolKey(&two, &boolean));
}

TEST(KeyCodec, SortsBytesAsColumns) {
  Samples samples(2);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<KeyColumn> columns = {samples.Pick(EveryKeyType()), samples.Pick(EveryKeyType())};
    const std::vector<Value> a = AnyKey(columns, &samples);
    const std::vector<Value> b = AnyKey(columns, &samples);
    ASSERT_EQ(Encode(a) < Encode(b), Less(a, b));
    ASSERT_EQ(Encode(a) == Encode(b), a == b);
  }
}

TEST(KeyCodec, KeepsColumnsApart) {
  EXPECT_NE(Encode({"a", "bc"}), Encode({"ab", "c"}));
  EXPECT_NE(Encode({"", "x"}), Encode({"x", ""}));
}

TEST(KeyCodec, MakesPrefixesOfFewerColumns) {
  const std::string prefix = Encode({"UA"});
  EXPECT_TRUE(Encode({"UA", "JFK"}).starts_with(prefix));
  EXPECT_FALSE(Encode({"UAX", "JFK"}).starts_with(prefix));
}

TEST(KeyCodec, RefusesKeysOverTheLimit) {
  EXPECT_TRUE(EncodeRowKey(GroupId(7), std::vector<Value>{std::string(4'094, 'x')}).ok());
  const auto key = EncodeRowKey(GroupId(7), std::vector<Value>{std::string(4'095, 'x')});
  EXPECT_EQ(key.status().code(), Code::kResourceExhausted);
  EXPECT_EQ(key.status().message(), "key of 4097 encoded bytes is over the limit of 4096");
}

TEST(KeyCodec, AcceptsMutatedBytesOnlyIfTheyEncodeTheSame) {
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const std::string key = samples.Mutate(Encode(AnyKey(EveryKeyType(), &samples)));
    const auto decoded = DecodeRowKey(key, EveryKeyType());
    if (!decoded.ok()) {
      ASSERT_EQ(decoded.status().code(), Code::kCorrupt);
    } else {
      ASSERT_EQ(*EncodeRowKey(*RowKeyGroup(key), *decoded), key);
    }
  }
}

TEST(KeyCodec, RefusesNumbersBeyondTheColumnsType) {
  const std::vector<KeyColumn> narrow = {{"b", TypeOf("int32")}};
  EXPECT_FALSE(DecodeRowKey(Encode({int64_t{1} << 40}), narrow).ok());
}

TEST(Sharding, DependsOnThePartitionKeyAlone) {
  const Entity route = {
      "route", "", {{"carrier", TypeOf("string")}, {"dest", TypeOf("string")}}, 1};
  const std::string one = Encode({"UA", "SFO"});
  const std::string other = *EncodeRowKey(GroupId(8), std::vector<Value>{"UA", "BOS"});
  EXPECT_EQ(EncodeHex(*PartitionKeyBytes(one, route)), "55410001");
  EXPECT_EQ(*ShardOfRowKey(one, route), *ShardOfRowKey(other, route));
  EXPECT_EQ(PartitionKeyBytes("\x01\0\0\7UA", route).status().code(), Code::kCorrupt);
}

TEST(Sharding, SpreadsKeysOverAllShards) {
  std::set<ShardId> seen;
  for (int i = 0; i < 20'000; ++i) seen.insert(ShardOf("user" + std::to_string(i)));
  EXPECT_EQ(seen.size(), kShardCount);
  EXPECT_LT(seen.rbegin()->value, kShardCount);
}

}  // namespace
}  // namespace tokura
