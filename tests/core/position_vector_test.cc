#include "core/position_vector.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tokura {
namespace {

Dot At(uint16_t shard, const std::string& node, uint32_t incarnation, uint64_t seq) {
  return Dot{ShardId(shard), Origin{node, incarnation}, Seq(seq)};
}

PositionVector Of(const std::vector<Dot>& dots) {
  PositionVector vector;
  for (const Dot& dot : dots) vector.Add(dot);
  return vector;
}

PositionVector RandomVector(std::mt19937_64& random) {
  PositionVector vector;
  const bool is_large = random() % 8 == 0;  // about as many shards as are kept in another way
  for (uint64_t i = is_large ? random() % 600 : random() % 12; i > 0; --i) {
    const auto shard = static_cast<uint16_t>(random() % (is_large ? 200 : 6));
    vector.Add(At(shard, "n" + std::to_string(random() % 3), 1 + random() % 3, 1 + random() % 4));
  }
  return vector;
}

TEST(PositionVector, CoversWhatWasAddedAndAllBefore) {
  const PositionVector vector = Of({At(3, "n1", 2, 5)});
  EXPECT_TRUE(vector.Covers(At(3, "n1", 2, 5)));
  EXPECT_TRUE(vector.Covers(At(3, "n1", 2, 1)));
  EXPECT_TRUE(vector.Covers(At(3, "n1", 1, 99)));
  EXPECT_FALSE(vector.Covers(At(3, "n1", 2, 6)));
  EXPECT_FALSE(vector.Covers(At(3, "n1", 3, 1)));
  EXPECT_FALSE(vector.Covers(At(4, "n1", 1, 1)));
  EXPECT_FALSE(vector.Covers(At(3, "n2", 1, 1)));
}

TEST(PositionVector, AddNeverLowersAnEntry) {
  EXPECT_EQ(Of({At(1, "n1", 2, 5), At(1, "n1", 2, 3), At(1, "n1", 1, 9)}), Of({At(1, "n1", 2, 5)}));
}

TEST(PositionVector, HoldsTheHighestOfWhatWasAdded) {
  std::mt19937_64 random(6);
  for (const uint64_t shards : {5, 127, 128, 129, 1024}) {
    std::map<std::pair<ShardId, std::string>, Position> expected;
    PositionVector vector;
    for (int i = 0; i < 4'000; ++i) {
      const Dot dot = At(static_cast<uint16_t>(random() % shards),
                         "n" + std::to_string(random() % 2), 1 + random() % 3, 1 + random() % 9);
      vector.Add(dot);
      Position& held = expected[{dot.shard, dot.origin.node}];
      held = std::max(held, Position{dot.origin.incarnation, dot.seq});
    }
    EXPECT_EQ(vector.entries(), PositionVector::Entries(expected.begin(), expected.end()));
    for (const auto& [place, position] : expected) {
      EXPECT_EQ(vector.Find(place.first, place.second), position);
    }
    EXPECT_EQ(vector.Find(ShardId(0), "n9"), std::nullopt);
  }
}

TEST(PositionVector, JoinAndMeetAreTheBoundsOfCovers) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const PositionVector a = RandomVector(random);
    const PositionVector b = RandomVector(random);
    PositionVector join = a;
    join.JoinWith(b);
    PositionVector meet = a;
    meet.MeetWith(b);
    EXPECT_TRUE(join.Covers(a) && join.Covers(b));
    EXPECT_TRUE(a.Covers(meet) && b.Covers(meet));
    PositionVector absorbed = a;
    absorbed.JoinWith(meet);
    EXPECT_EQ(absorbed, a);
    PositionVector reversed = b;
    reversed.JoinWith(a);
    EXPECT_EQ(join, reversed);
    EXPECT_EQ(a.Covers(b), join == a);
  }
}

TEST(PositionVector, SurvivesEncodingAndTokens) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 2'000; ++i) {
    const PositionVector vector = RandomVector(random);
    EXPECT_EQ(PositionVector::Decode(vector.Encode()).value(), vector);
    EXPECT_EQ(PositionVector::FromToken(vector.ToToken()).value(), vector);
  }
}

TEST(PositionVector, KeepsItsGoldenBytes) {
  const PositionVector vector = Of({At(0, "n1", 1, 1), At(1023, "n1", 2, 300), At(5, "n2", 1, 7)});
  EXPECT_EQ(
      vector.Encode(),
      std::string("\x01\x02\x02n1\x02\x00\x01\x01\xfe\x07\x02\xac\x02\x02n2\x01\x05\x01\x07", 21));
  EXPECT_EQ(PositionVector().Encode(), std::string("\x01\x00", 2));
  EXPECT_EQ(Of({At(0, "n1", 1, 1)}).ToToken(), "AQECbjEBAAEB");
}

TEST(PositionVector, RefusesWhatIsNotOne) {
  const std::string whole = Of({At(0, "n1", 1, 1), At(9, "n2", 1, 7)}).Encode();
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(PositionVector::Decode(whole.substr(0, bytes)).status().code(),
              Code::kInvalidArgument);
  }
  EXPECT_FALSE(PositionVector::Decode(whole + "x").ok());
  EXPECT_FALSE(PositionVector::Decode("\x02" + whole.substr(1)).ok());
  EXPECT_FALSE(PositionVector::FromToken("not a token!").ok());
  EXPECT_FALSE(PositionVector::FromToken("AQEC+/").ok());
}

TEST(PositionVector, DecodesNothingButItsOwnSpelling) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = RandomVector(random).Encode();
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    const Result<PositionVector> decoded = PositionVector::Decode(bytes);
    if (decoded.ok()) EXPECT_EQ(decoded->Encode(), bytes);
  }
}

}  // namespace
}  // namespace tokura
