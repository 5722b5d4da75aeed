#include "core/answer_column_view.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/core/samples.h"

namespace tokura {
namespace {

// The body of a column of random values, as AnswerColumns writes it.
std::string SomeColumn(const Type& type, size_t rows, bool event_times, Samples* samples) {
  const std::vector<Type> types = {type};
  AnswerColumns columns(types, rows, {.event_times = event_times, .has_value = false});
  for (size_t row = 0; row < rows; ++row) {
    const auto status =
        samples->OneIn(2) ? ReadStatus::kPresent : static_cast<ReadStatus>(samples->Below(5));
    columns.cells(0).SetStatus(row, status);
    if (status == ReadStatus::kPresent) columns.PutValue(0, row, 0, samples->Any(type));
  }
  std::string body(columns.EncodedBytes(0), '\0');
  columns.Encode(0, body.data());
  return body;
}

// What a view says of all rows, as a column of its own.
std::string ReadAll(AnswerColumnView view) {
  const std::vector<Type> types = {view.type()};
  AnswerColumns columns(types, view.rows(), {});
  view.Index();
  for (size_t row = 0; row < view.rows(); ++row) {
    columns.cells(0).SetStatus(row, view.status(row));
    view.CopyValue(row, &columns, 0, row);
  }
  std::string body(columns.EncodedBytes(0), '\0');
  columns.Encode(0, body.data());
  return body;
}

// The same column, if it parses as `model`; else null.
std::optional<AnswerColumnView> ParsedAs(const std::string& model, const std::string& body) {
  AnswerColumnView view;
  if (!view.ParseAs(*AnswerColumnView::Parse(model), body)) return std::nullopt;
  return view;
}

TEST(AnswerColumnViewTest, ColumnsOfOneTypeOfFixedWidthAreFramedAlike) {
  Samples samples(1);
  for (const char* name : {"bool", "float32", "float64", "vector<float32, 3>"}) {
    const std::string one = SomeColumn(TypeOf(name), 100, false, &samples);
    const std::string other = SomeColumn(TypeOf(name), 100, false, &samples);
    EXPECT_TRUE(ParsedAs(one, other).has_value()) << name;
    EXPECT_FALSE(ParsedAs(one, SomeColumn(TypeOf(name), 101, false, &samples))) << name;
  }
  EXPECT_FALSE(ParsedAs(SomeColumn(TypeOf("float64"), 100, false, &samples),
                        SomeColumn(TypeOf("float32"), 200, false, &samples)));
}

TEST(AnswerColumnViewTest, WhatParsesAsAnotherParsesToTheSame) {
  const std::vector<const char*> names = {"bool",   "int64",         "float32",
                                          "string", "list<float64>", "vector<float32, 3>"};
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const Type type = TypeOf(names[samples.Below(names.size())]);
    const bool event_times = samples.OneIn(4);
    const size_t rows = samples.Below(20);
    const std::string model = SomeColumn(type, rows, event_times, &samples);
    std::string body = SomeColumn(type, rows, event_times, &samples);
    if (samples.OneIn(2)) body = samples.Mutate(body);
    const std::optional<AnswerColumnView> quick = ParsedAs(model, body);
    if (!quick) continue;
    const Result<AnswerColumnView> view = AnswerColumnView::Parse(body);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    EXPECT_EQ(quick->type(), view->type());
    EXPECT_EQ(quick->body(), view->body());
    EXPECT_EQ(quick->has_has_value(), view->has_has_value());
    EXPECT_EQ(ReadAll(*quick), ReadAll(*view));
  }
}

}  // namespace
}  // namespace tokura
