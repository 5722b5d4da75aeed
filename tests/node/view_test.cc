// The view: what is written is read, what was flushed survives a power cut, and what survives is a
// prefix of what was written, with its mark.
#include "node/view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "runtime/real/real_runtime.h"
#include "tests/node/view_fixture.h"

namespace tokura::node {
namespace {

using Row = std::optional<std::string>;

TEST(View, IsEmptyWhenNew) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  EXPECT_EQ(t.Get(1, "a").value(), std::nullopt);
  EXPECT_EQ(t.Recovered().value(), ViewContent{});
}

TEST(View, ReadsWhatWasWritten) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "one").ok());
  ASSERT_TRUE(t.Put(2, "a", "two").ok());
  EXPECT_EQ(t.Get(1, "a").value(), Row("one"));
  EXPECT_EQ(t.Get(2, "a").value(), Row("two"));
  ASSERT_TRUE(t.Erase(1, "a").ok());
  EXPECT_EQ(t.Get(1, "a").value(), std::nullopt);
  EXPECT_EQ(t.Get(2, "a").value(), Row("two"));
}

TEST(View, ReadsAnEmptyRowAsARow) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "").ok());
  EXPECT_EQ(t.Get(1, "a").value(), Row(""));
}

TEST(View, AnswersKeysInTheOrderAsked) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(t.Put(1, key, key).ok());
  const std::vector<View::Key> keys = {
      {ShardId(1), "c"}, {ShardId(1), "x"}, {ShardId(1), "a"}, {ShardId(1), "c"}};
  std::vector<Row> rows(keys.size(), "not asked");
  ASSERT_TRUE(t.view().Get(keys, rows).ok());
  EXPECT_EQ(rows, (std::vector<Row>{"c", std::nullopt, "a", "c"}));
}

TEST(View, ScansOneShardInKeyOrderWithinPrefixAndBehindKey) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  for (const char* key : {"b", "a2", "a1", "a3", "a\xff"}) {
    ASSERT_TRUE(t.Put(3, key, key).ok());
  }
  ASSERT_TRUE(t.Put(2, "a0", "another shard").ok());
  ASSERT_TRUE(t.Put(4, "a4", "another shard").ok());
  const auto scan = [&](std::string_view prefix, std::string_view after, size_t rows_max = 100) {
    std::vector<std::string> keys;
    EXPECT_TRUE(t.view()
                    .Scan(ShardId(3), prefix, after,
                          [&](std::string_view key, std::string_view row) {
                            EXPECT_EQ(key, row);
                            keys.emplace_back(key);
                            return keys.size() < rows_max;
                          })
                    .ok());
    return keys;
  };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(scan("", ""), (Keys{"a1", "a2", "a3", "a\xff", "b"}));
  EXPECT_EQ(scan("a", ""), (Keys{"a1", "a2", "a3", "a\xff"}));
  EXPECT_EQ(scan("a", "a1"), (Keys{"a2", "a3", "a\xff"}));
  EXPECT_EQ(scan("a", "a11", 1), (Keys{"a2"}));
  EXPECT_EQ(scan("a", "b"), Keys{});
  EXPECT_EQ(scan("b", "a"), (Keys{"b"}));
}

TEST(View, LosesWhatWasNotFlushedInACrash) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "kept", "m1").ok());
  ASSERT_TRUE(t.view().Flush().ok());
  ASSERT_TRUE(t.Put(1, "a", "lost", "m2").ok());
  t.Crash();
  ASSERT_TRUE(t.Open().ok());
  EXPECT_EQ(t.Recovered().value(), (ViewContent{{{{1, "a"}, "kept"}}, "m1"}));
}

TEST(View, LosesWhatWasNotFlushedWhenClosed) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "lost", "m1").ok());
  ASSERT_TRUE(t.Open().ok());
  EXPECT_EQ(t.Recovered().value(), ViewContent{});
}

TEST(View, WritesNoLog) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "row").ok());
  ASSERT_TRUE(t.view().Flush().ok());
  const std::vector<std::string> names = t.files().List(kViewDirectory).value();
  EXPECT_TRUE(std::none_of(names.begin(), names.end(),
                           [](const std::string& name) { return name.ends_with(".log"); }));
  EXPECT_EQ(std::count_if(names.begin(), names.end(),
                          [](const std::string& name) { return name.ends_with(".ldb"); }),
            1);
}

TEST(View, KeepsTheMarkOfTheOpeningWhateverIsWritten) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "row", "m1").ok());
  ASSERT_TRUE(t.view().Flush().ok());
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "row", "m2").ok());
  EXPECT_EQ(t.view().recovered_mark(), "m1");
}

TEST(View, ImageStaysAsItWasMade) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "old").ok());
  ASSERT_TRUE(t.Put(1, "b", "old").ok());
  const std::unique_ptr<View::Image> image = t.view().TakeImage();
  ASSERT_TRUE(t.Put(1, "a", "new").ok());
  ASSERT_TRUE(t.Erase(1, "b").ok());
  ASSERT_TRUE(t.Put(1, "c", "new").ok());
  ASSERT_TRUE(t.view().Flush().ok());
  EXPECT_EQ(ViewFixture::RowsOf(*image).value(), (ViewRows{{{1, "a"}, "old"}, {{1, "b"}, "old"}}));
  EXPECT_EQ(ViewFixture::RowsOf(t.view()).value(),
            (ViewRows{{{1, "a"}, "new"}, {{1, "c"}, "new"}}));
}

TEST(View, RemovedIsEmptyAgain) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "row", "m1").ok());
  ASSERT_TRUE(t.view().Flush().ok());
  EXPECT_GT(t.view().bytes(), 0U);
  t.Close();
  ASSERT_TRUE(t.Remove().ok());
  t.Crash();  // the removal is durable
  ASSERT_TRUE(t.Open().ok());
  EXPECT_EQ(t.Recovered().value(), ViewContent{});
  EXPECT_EQ(t.view().bytes(), 0U);
}

TEST(View, SaysThatTheDiskIsFullAndFailsFromThenOn) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "kept", "m1").ok());
  ASSERT_TRUE(t.view().Flush().ok());
  t.files().free_bytes = 100;
  ASSERT_TRUE(t.Put(1, "a", std::string(1'000, 'x'), "m2").ok());
  EXPECT_EQ(t.view().Flush().code(), Code::kResourceExhausted);
  t.files().free_bytes = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(t.Put(1, "a", "row").code(), Code::kUnavailable);
  EXPECT_EQ(t.view().Flush().code(), Code::kUnavailable);
  EXPECT_EQ(t.Get(1, "a").status().code(), Code::kUnavailable);
  EXPECT_EQ(ViewFixture::RowsOf(t.view()).status().code(), Code::kUnavailable);
  ASSERT_TRUE(t.Open().ok());
  EXPECT_EQ(t.Recovered().value(), (ViewContent{{{{1, "a"}, "kept"}}, "m1"}));
}

TEST(View, SaysThatAFlushCouldNotBeSynced) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  ASSERT_TRUE(t.Put(1, "a", "lost").ok());
  t.files().sync_fails = true;
  EXPECT_EQ(t.view().Flush().code(), Code::kUnavailable);
}

TEST(View, SaysWhichDirectoryAndFileAreCorrupt) {
  ViewFixture t;
  ASSERT_TRUE(t.Open().ok());
  t.Close();
  const std::string current = kViewDirectory + std::string("/CURRENT");
  ASSERT_TRUE(runtime::WriteFileAtomically(t.disk(), current, "MANIFEST-000099\n").ok());
  const Status status = t.Open();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find("view /n1/view"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("MANIFEST-000099"), std::string::npos) << status.message();
}

TEST(View, CountsWhatItDoes) {
  const std::unique_ptr<runtime::Metrics> metrics = runtime::real::MakeMetrics();
  ViewFixture t;
  auto view = View::Open(t.disk(), t.options(), *metrics);
  ASSERT_TRUE(view.ok());
  const View::Change change{ShardId(1), "key", "row"};
  ASSERT_TRUE((*view)->Write({&change, 1}, "mark").ok());
  ASSERT_TRUE((*view)->Flush().ok());
  const View::Key key{ShardId(1), "key"};
  std::optional<std::string> row;
  ASSERT_TRUE((*view)->Get({&key, 1}, {&row, 1}).ok());
  const std::string text = metrics->Expose();
  for (const char* line : {"tokura_view_writes_total 1", "tokura_view_written_rows_total 1",
                           "tokura_view_written_bytes_total 8", "tokura_view_gets_total 1",
                           "tokura_view_errors_total 0", "tokura_view_get_seconds_count 1",
                           "tokura_view_flush_seconds_count 1", "tokura_view_tables 1"}) {
    EXPECT_NE(text.find(std::string("\n") + line + "\n"), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace tokura::node
