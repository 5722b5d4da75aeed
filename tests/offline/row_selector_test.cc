#include "offline/training/row_selector.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <arrow/api.h>

#include "gtest/gtest.h"
#include "tests/offline/spine_arrays.h"

namespace tokura::offline {
namespace {

using testing::TextsOf;

constexpr int64_t kRows = 20'000;

// Rows "user,label" and times; every tenth label is "rare". In `order`, in batches of `batch_rows`.
std::vector<SpineBatch> Spine(const std::vector<int64_t>& order, size_t batch_rows) {
  std::vector<SpineBatch> batches;
  for (size_t begin = 0; begin < order.size(); begin += batch_rows) {
    arrow::Int64Builder users;
    arrow::StringBuilder labels;
    arrow::Int64Builder times;
    arrow::BinaryBuilder keys;
    const size_t end = std::min(order.size(), begin + batch_rows);
    for (size_t i = begin; i < end; ++i) {
      EXPECT_TRUE(users.Append(order[i] / 4).ok());
      EXPECT_TRUE(labels.Append(order[i] % 10 == 0 ? "rare" : "common").ok());
      EXPECT_TRUE(times.Append(order[i]).ok());
      EXPECT_TRUE(keys.Append(std::to_string(order[i])).ok());
    }
    SpineBatch batch;
    EXPECT_TRUE(times.Finish(&batch.times_us).ok());
    batch.keys.emplace_back();
    EXPECT_TRUE(keys.Finish(&batch.keys.back()).ok());
    batch.rows = arrow::RecordBatch::Make(
        arrow::schema({arrow::field("user", arrow::int64()), arrow::field("label", arrow::utf8()),
                       arrow::field("at", arrow::int64())}),
        static_cast<int64_t>(end - begin), {*users.Finish(), *labels.Finish(), batch.times_us});
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::vector<int64_t> Ascending() {
  std::vector<int64_t> order(kRows);
  for (int64_t i = 0; i < kRows; ++i) order[static_cast<size_t>(i)] = i;
  return order;
}
std::vector<int64_t> Shuffled() {
  std::vector<int64_t> order = Ascending();
  for (size_t i = 0; i < order.size(); ++i) std::swap(order[i], order[(i * 7919) % order.size()]);
  return order;
}

// The rows selected, as CSV, sorted.
std::vector<std::string> Select(const SpineSelection& selection,
                                const std::vector<SpineBatch>& in) {
  EXPECT_TRUE(selection.Check().ok()) << selection.Check().ToString();
  RowSelector selector(selection);
  if (selector.learns()) {
    for (const SpineBatch& batch : in) EXPECT_TRUE(selector.Learn(*batch.rows, 1 << 30).ok());
    selector.Settle();
  }
  std::string text;
  for (SpineBatch batch : in) {
    const auto all = batch.rows;
    EXPECT_TRUE(selector.Select(*all, &batch).ok());
    EXPECT_EQ(batch.times_us->length(), batch.rows->num_rows());
    EXPECT_EQ(batch.keys[0]->length(), batch.rows->num_rows());
    text += TextsOf(*batch.rows);
  }
  std::vector<std::string> rows;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    rows.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

size_t Count(const std::vector<std::string>& rows, const std::string& part) {
  return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [&](const std::string& row) {
    return row.find(part) != std::string::npos;
  }));
}

TEST(RowSelector, SamplesAboutTheShareWhateverTheOrder) {
  SpineSelection selection;
  selection.sample = 0.1;
  selection.seed = 7;
  const auto rows = Select(selection, Spine(Ascending(), 5'000));
  EXPECT_NEAR(static_cast<double>(rows.size()), 2'000, 150);
  EXPECT_EQ(Select(selection, Spine(Shuffled(), 333)), rows);
  selection.seed = 8;
  EXPECT_NE(Select(selection, Spine(Ascending(), 5'000)), rows);
}

TEST(RowSelector, SplitsIntoPartsAndKeepsEveryRow) {
  SpineSelection selection;
  selection.split = {{"train", 0.7}, {"validation", 0.1}, {"test", 0.2}};
  const auto rows = Select(selection, Spine(Ascending(), 5'000));
  EXPECT_EQ(rows.size(), static_cast<size_t>(kRows));
  EXPECT_NEAR(static_cast<double>(Count(rows, ",train")), 14'000, 300);
  EXPECT_NEAR(static_cast<double>(Count(rows, ",test")), 4'000, 300);
  EXPECT_EQ(Count(rows, ",train") + Count(rows, ",validation") + Count(rows, ",test"), rows.size());
  EXPECT_EQ(Select(selection, Spine(Shuffled(), 1'234)), rows);
}

TEST(RowSelector, AGreaterSampleHoldsTheSmallerOne) {
  SpineSelection selection;
  selection.sample = 0.1;
  const auto small = Select(selection, Spine(Ascending(), 5'000));
  selection.sample = 0.3;
  const auto large = Select(selection, Spine(Ascending(), 5'000));
  EXPECT_TRUE(std::includes(large.begin(), large.end(), small.begin(), small.end()));
}

TEST(RowSelector, KeepsRowsThatBelongTogetherInOnePart) {
  SpineSelection selection;
  selection.split = {{"train", 0.5}, {"test", 0.5}};
  selection.split_by = {"user"};
  std::map<std::string, std::set<std::string>> parts;
  for (const std::string& row : Select(selection, Spine(Ascending(), 5'000))) {
    parts[row.substr(0, row.find(','))].insert(row.substr(row.rfind(',')));
  }
  EXPECT_EQ(parts.size(), static_cast<size_t>(kRows) / 4);
  for (const auto& [user, in] : parts) EXPECT_EQ(in.size(), 1u) << user;
}

TEST(RowSelector, StratifiesToTheRow) {
  SpineSelection selection;
  selection.sample = 0.25;
  selection.stratify = "label";
  selection.split = {{"train", 0.8}, {"test", 0.2}};
  const auto rows = Select(selection, Spine(Ascending(), 5'000));
  EXPECT_EQ(Count(rows, ",rare,"), 500u);
  EXPECT_EQ(Count(rows, ",common,"), 4'500u);
  EXPECT_EQ(Count(rows, ",test"), 1'000u);
  EXPECT_EQ(static_cast<size_t>(std::count_if(rows.begin(), rows.end(),
                                              [](const std::string& row) {
                                                return row.find(",rare,") != std::string::npos &&
                                                       row.ends_with(",test");
                                              })),
            100u);
  EXPECT_EQ(Select(selection, Spine(Shuffled(), 777)), rows);
}

TEST(RowSelector, StratifiesEqualRowsToTheRow) {
  SpineSelection selection;
  selection.sample = 0.5;
  selection.stratify = "label";
  const std::vector<int64_t> equal(100, 3);
  EXPECT_EQ(Select(selection, Spine(equal, 7)).size(), 50u);
}

TEST(RowSelector, SplitsByTime) {
  SpineSelection selection;
  selection.split_times_us = {100, 300};
  const auto rows = Select(selection, Spine(Ascending(), 5'000));
  EXPECT_EQ(Count(rows, ",train"), 100u);
  EXPECT_EQ(Count(rows, ",validation"), 200u);
  EXPECT_EQ(Count(rows, ",test"), static_cast<size_t>(kRows) - 300);
}

TEST(RowSelector, NamesAColumnThatIsNotThere) {
  SpineSelection selection;
  selection.sample = 0.5;
  selection.stratify = "lable";
  const Status status = RowSelector(selection).CheckColumns(*Spine({1}, 1).front().rows->schema());
  EXPECT_EQ(status.message(), "there is no column 'lable'; did you mean 'label'?");
}

TEST(RowSelector, StratifiesWithinTheMemoryItIsGiven) {
  SpineSelection selection;
  selection.sample = 0.5;
  selection.stratify = "label";
  RowSelector selector(selection);
  EXPECT_EQ(selector.Learn(*Spine(Ascending(), kRows).front().rows, 1'000).code(),
            Code::kResourceExhausted);
}

}  // namespace
}  // namespace tokura::offline
