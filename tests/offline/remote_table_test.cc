// Tables in an object store, where the writers of one table may be on machines that know nothing of
// each other.
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "offline/table/table_writer.h"
#include "tests/offline/random_history.h"
#include "tests/s3/s3_harness.h"

namespace tokura::offline {
namespace {

using Fault = runtime::s3::FakeS3::Fault;

// Writes to the one table from a machine of its own.
class Writer {
 public:
  explicit Writer(runtime::s3::FakeS3* store) : machine_(store) {
    auto writer = TableWriter::Open(*files_, "s3://lake/o", group_, 1);
    TOKURA_CHECK(writer.ok());
    writer_ = *std::move(writer);
  }
  // A row that no other call has.
  Status Put(int64_t number) {
    HistoryRow row = testing::PriceRow("k" + std::to_string(number), testing::kNoonUs + number, 1.5,
                                       static_cast<uint64_t>(number), 1);
    row.origin = "n" + std::to_string(number) + ".1/0001";
    std::vector<HistoryRow> rows = {row};
    TableCommit commit{.position = {}, .watermark_us = 0, .now_us = 1};
    commit.position.Add(*DotOf(row));
    return writer_->Commit(group_, commit, rows).status();
  }
  uint64_t Rows() {
    auto table = Table::OpenForRead(*files_, "s3://lake/o", group_);
    TOKURA_CHECK(table.ok());
    return (*table)->current().rows();
  }

 private:
  FeatureGroup group_ = testing::PricesGroup();
  runtime::s3::S3Harness machine_;
  std::unique_ptr<runtime::s3::S3FileSystem> files_ = machine_.NewFileSystem();
  std::unique_ptr<TableWriter> writer_;
};

class RemoteTable : public ::testing::Test {
 protected:
  size_t DataObjects() const {
    size_t count = 0;
    for (const auto& [name, bytes] : store_.objects) count += name.ends_with(".parquet") ? 1 : 0;
    return count;
  }
  runtime::s3::FakeS3 store_;
};

TEST_F(RemoteTable, WritersOnTwoMachinesLoseNothingAndRepeatNothing) {
  store_.page_keys = 1'000;
  Writer one(&store_);
  Writer two(&store_);
  for (int64_t i = 0; i < 40; ++i) ASSERT_TRUE((i % 2 == 0 ? one : two).Put(i).ok()) << i;
  EXPECT_EQ(one.Rows(), 40u);
  EXPECT_EQ(two.Rows(), 40u);
}

TEST_F(RemoteTable, IsTheSameWhateverTheStoreAnswersToAnyRequest) {
  store_.page_keys = 1'000;
  uint64_t rows = 0;
  for (const Fault fault : {Fault::kBusy, Fault::kCut, Fault::kLost, Fault::kFailedLate}) {
    int64_t requests = 1;
    for (int64_t at = 0; at < requests; ++at) {
      Writer writer(&store_);
      requests = 0;
      store_.fault = [&](const runtime::s3::HttpRequest&) {
        return requests++ == at ? fault : Fault::kNone;
      };
      ASSERT_TRUE(writer.Put(static_cast<int64_t>(++rows)).ok()) << "request " << at;
      store_.fault = [](const runtime::s3::HttpRequest&) { return Fault::kNone; };
      ASSERT_EQ(writer.Rows(), rows) << "request " << at;
    }
  }
}

TEST_F(RemoteTable, KeepsStrayObjectsForADayForTheyMayBeOfAnotherMachine) {
  store_.page_keys = 1'000;
  {
    Writer first(&store_);
    ASSERT_TRUE(first.Put(1).ok());
  }
  const std::string stray =
      "lake/o/shop/prices_v1/data/event_day=2026-01-01/0000000009-w7-00-0.parquet";
  store_.objects[stray] = "x";
  store_.modified[stray] = store_.now;
  Writer soon(&store_);
  EXPECT_EQ(DataObjects(), 2u);
  store_.now += 25 * 3'600;
  Writer later(&store_);
  EXPECT_EQ(DataObjects(), 1u);
  EXPECT_EQ(later.Rows(), 1u);
}

}  // namespace
}  // namespace tokura::offline
