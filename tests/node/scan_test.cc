#include <gtest/gtest.h>

#include "core/limits.h"
#include "tests/node/node_fixture.h"

namespace tokura::node {
namespace {

class NodeScanTest : public NodeFixture {
 protected:
  NodeScanTest() { Start(); }

  v1::NodeScanRequest ScanRequest(std::vector<Value> prefix, uint32_t limit = 100) {
    v1::NodeScanRequest request;
    request.set_group(Group("visits").id.value);
    request.set_prefix(Key("visits", std::move(prefix)));
    request.set_limit(limit);
    request.add_features(FeatureOf("visits", "page"));
    request.add_features(FeatureOf("visits", "ms"));
    return request;
  }
  std::vector<int64_t> Numbers(const v1::NodeScanResponse& response) {
    std::vector<int64_t> numbers;
    for (const auto& row : response.rows()) {
      const auto key = DecodeRowKey(row.key(), Group("visits").entity.keys);
      numbers.push_back((*key)[1].as<int64_t>());
    }
    return numbers;
  }
  v1::NodeScanResponse Scan(const v1::NodeScanRequest& request) {
    return Call<v1::NodeScanResponse>(v1::NODE_SCAN, request);
  }
  using Numbers_ = std::vector<int64_t>;
};

TEST_F(NodeScanTest, GivesTheRowsOfAPartitionKeyInOrder) {
  for (int n : {30, -5, 7, 7, 100}) Put("visits", {"u1", n}, {{"ms", n}});
  Put("visits", {"u2", 8}, {{"ms", 1}});
  Put("visits", {"u", 9}, {{"ms", 1}});
  const auto response = Scan(ScanRequest({"u1"}));
  EXPECT_EQ(Numbers(response), (Numbers_{-5, 7, 30, 100}));
  EXPECT_FALSE(response.more());
  EXPECT_EQ(response.rows(0).cells_size(), 1);
  EXPECT_EQ(response.rows(0).cells(0).value().int_value(), -5);
}

TEST_F(NodeScanTest, PagesWithoutGapOrRepetition) {
  for (int n = 0; n < 25; ++n) Put("visits", {"u1", n}, {{"ms", n}});
  auto request = ScanRequest({"u1"}, 10);
  Numbers_ seen;
  std::vector<int> sizes;
  while (true) {
    const auto response = Scan(request);
    for (int64_t n : Numbers(response)) seen.push_back(n);
    sizes.push_back(response.rows_size());
    if (!response.more()) break;
    request.set_after(response.rows(response.rows_size() - 1).key());
  }
  EXPECT_EQ(sizes, (std::vector<int>{10, 10, 5}));
  ASSERT_EQ(seen.size(), 25u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(NodeScanTest, HasNoMoreAfterAFullLastPage) {
  for (int n = 0; n < 10; ++n) Put("visits", {"u1", n}, {{"ms", n}});
  EXPECT_FALSE(Scan(ScanRequest({"u1"}, 10)).more());
  EXPECT_TRUE(Scan(ScanRequest({"u1"}, 9)).more());
}

TEST_F(NodeScanTest, LeavesOutRowsWithNothingToSee) {
  Put("visits", {"u1", 1}, {{"ms", 1}});
  Put("visits", {"u1", 2}, {{"ms", 1}});
  Put("visits", {"u1", 3}, {{"ms", Value()}});
  Record deletion = MakeRecord("visits", {"u1", 2}, {});
  deletion.delete_row = true;
  EXPECT_EQ(AppendCode(deletion), Code::kOk);
  EXPECT_EQ(Numbers(Scan(ScanRequest({"u1"}))), (Numbers_{1, 3}));
}

TEST_F(NodeScanTest, WalksPastManyInvisibleRows) {
  for (int from = 0; from < 2'500; from += 500) {
    std::vector<Record> records;
    for (int n = from; n < from + 500; ++n) {
      records.push_back(MakeRecord("visits", {"u1", n}, {}));
      records.back().delete_row = true;
    }
    Append(records);
  }
  Put("visits", {"u1", 5'000}, {{"ms", 1}});
  EXPECT_EQ(Numbers(Scan(ScanRequest({"u1"}))), (Numbers_{5'000}));
}

TEST_F(NodeScanTest, TakesAWholeKeyAsPrefix) {
  Put("visits", {"u1", 1}, {{"ms", 1}});
  EXPECT_EQ(Numbers(Scan(ScanRequest({"u1", 1}))), (Numbers_{1}));
  EXPECT_EQ(Numbers(Scan(ScanRequest({"u1", 2}))), (Numbers_{}));
}

TEST_F(NodeScanTest, LooksUpTheOneRowOfAGroupWithoutSortColumns) {
  Put("profile", {"u1"}, {{"age", 1}});
  v1::NodeScanRequest request;
  request.set_group(Group("profile").id.value);
  request.set_prefix(Key("profile", {"u1"}));
  request.set_limit(10);
  request.add_features(FeatureOf("profile", "age"));
  EXPECT_EQ(Scan(request).rows_size(), 1);
  request.set_after(request.prefix());
  EXPECT_EQ(Scan(request).rows_size(), 0);
}

TEST_F(NodeScanTest, SeesRowsThatGrewAndRowsAfterARestart) {
  Put("visits", {"u1", 1}, {{"page", "a"}});
  Put("visits", {"u1", 1}, {{"page", std::string(500, 'b')}});
  EXPECT_EQ(Scan(ScanRequest({"u1"})).rows(0).cells(0).value().string_value(),
            std::string(500, 'b'));
  Restart();
  EXPECT_EQ(Numbers(Scan(ScanRequest({"u1"}))), (Numbers_{1}));
}

TEST_F(NodeScanTest, RefusesWhatItCannotDo) {
  const auto with = [this](auto change) {
    auto request = ScanRequest({"u1"});
    change(&request);
    return ErrorOf(v1::NODE_SCAN, request);
  };
  using Request = v1::NodeScanRequest*;
  EXPECT_EQ(with([](Request r) { r->set_group(999); }), Code::kNotFound);
  EXPECT_EQ(with([](Request r) { r->set_limit(0); }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Request r) { r->set_limit(kScanRowsMax + 1); }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Request r) { r->clear_features(); }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Request r) { r->set_features(0, 99); }), Code::kNotFound);
  EXPECT_EQ(with([](Request r) { r->mutable_prefix()->pop_back(); }), Code::kInvalidArgument);
  EXPECT_EQ(with([](Request r) { r->set_prefix(r->prefix().substr(0, 4)); }),
            Code::kInvalidArgument);
  EXPECT_EQ(with([](Request r) { r->set_after(std::string(10'000, 'x')); }),
            Code::kResourceExhausted);
}

}  // namespace
}  // namespace tokura::node
