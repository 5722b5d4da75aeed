#include <gtest/gtest.h>

#include "cli/feature_answers.h"
#include "cli/ingest/progress.h"
#include "cli/text/assignments.h"
#include "cli/text/format.h"
#include "cli/text/table.h"

namespace tokura::cli {
namespace {

TEST(TextTable, AlignsColumnsByCharactersAndNumbersToTheRight) {
  TextTable table({{"NAME"}, {"ROWS", Align::kRight}, {"NOTE"}});
  table.Add({"café", "5", "x"});
  table.Add({"a", "1,234", ""});
  EXPECT_EQ(table.ToString(),
            "NAME   ROWS  NOTE\n"
            "café      5  x\n"
            "a     1,234\n");
}

TEST(Printable, MakesControlCharactersHarmless) {
  EXPECT_EQ(Printable("a\nb\tc"), "a\\nb\\tc");
  EXPECT_EQ(Printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\x9b");
  EXPECT_EQ(Printable("日本"), "日本");
}

TEST(CsvCell, QuotesWhereNeededAndTellsEmptyTextFromNothing) {
  EXPECT_EQ(CsvCell("plain"), "plain");
  EXPECT_EQ(CsvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCell("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(CsvCell(""), "\"\"");
}

TEST(Format, ReadsWell) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(uint64_t{64} << 20), "64.0 MiB");
  EXPECT_EQ(FormatBytes((uint64_t{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatSeconds(0.2), "0.2 s");
  EXPECT_EQ(FormatSeconds(200), "3 min 20 s");
  EXPECT_EQ(FormatSeconds(7500), "2 h 5 min");
  EXPECT_EQ(Counted(1, "row"), "1 row");
  EXPECT_EQ(Counted(1000, "row"), "1,000 rows");
}

TEST(FormatShort, RoundsFloatsForTheEyeAndNothingElse) {
  const auto shown = [](double number) { return FormatShort(Value(number), {Kind::kFloat64}); };
  EXPECT_EQ(shown(6.904679999999999), "6.90468");
  EXPECT_EQ(shown(39.02), "39.02");
  EXPECT_EQ(shown(-0.000123456789), "-0.000123457");
  EXPECT_EQ(shown(1234567.891), "1234568");
  EXPECT_EQ(shown(250000), "250000");
  EXPECT_EQ(shown(0), "0");
  EXPECT_EQ(shown(1e300), "1e+300");
  EXPECT_EQ(shown(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(FormatShort(Value(int64_t{9007199254740993}), {Kind::kInt64}), "9007199254740993");
  EXPECT_EQ(FormatShort(Value("6.904679999999999"), {Kind::kString}), "6.904679999999999");
}

TEST(FormatValue, ShowsEachTypeAsItsTextForm) {
  EXPECT_EQ(FormatValue(Value(39.02), {Kind::kFloat64}), "39.02");
  EXPECT_EQ(FormatValue(Value(double{0.1F}), {Kind::kFloat32}), "0.1");
  EXPECT_EQ(FormatValue(Value("a \"b\""), {Kind::kString}), "a \"b\"");
  EXPECT_EQ(FormatValue(Value(Timestamp{0}), {Kind::kTimestamp}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatValue(Value(FloatVector{1, 2.5}), {Kind::kFloat32, Shape::kVector, 2}),
            "[1,2.5]");
  EXPECT_EQ(FormatValue(Value(), {Kind::kInt64}), "");
}

TEST(Assignments, TakeCommasAndQuotes) {
  const Assignments plain = ParseAssignments("origin=JFK, carrier=UA").value();
  EXPECT_EQ(plain, (Assignments{{"origin", "JFK"}, {"carrier", "UA"}}));
  const Assignments quoted = ParseAssignments("a=\"x,\"\"y\"\"\",b=1=2").value();
  EXPECT_EQ(quoted, (Assignments{{"a", "x,\"y\""}, {"b", "1=2"}}));
  EXPECT_EQ(ParseAssignments("a=").value(), (Assignments{{"a", ""}}));
}

TEST(Assignments, RefuseWhatIsAmbiguous) {
  EXPECT_FALSE(ParseAssignments("").ok());
  EXPECT_FALSE(ParseAssignments("a").ok());
  EXPECT_FALSE(ParseAssignments("a=1,").ok());
  EXPECT_FALSE(ParseAssignments("a=1,a=2").ok());
  EXPECT_FALSE(ParseAssignments("a=\"open").ok());
  EXPECT_FALSE(ParseAssignments("a=\"x\"y").ok());
}

TEST(References, SplitAtCommasOutsideBrackets) {
  EXPECT_EQ(SplitReferences("p/a:[x, y], p/b:*"),
            (std::vector<std::string>{"p/a:[x, y]", "p/b:*"}));
}

TEST(ShortNames, AreAsShortAsTheyStayDistinct) {
  EXPECT_EQ(ShortNames({"p/a@1:x", "p/a@1:y"}), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(ShortNames({"p/a@1:x", "p/b@1:x"}), (std::vector<std::string>{"a:x", "b:x"}));
  EXPECT_EQ(ShortNames({"p/a@1:x", "p/a@2:x"}), (std::vector<std::string>{"a@1:x", "a@2:x"}));
  EXPECT_EQ(ShortNames({"p/a@1:x", "q/a@1:x"}), (std::vector<std::string>{"p/a@1:x", "q/a@1:x"}));
}

client::FeatureAnswer AnswerOf(Value value, ReadStatus status, bool has_value) {
  client::FeatureAnswer answer{"p/g@1:f", Column(Type{Kind::kFloat64}), {status}, {has_value}, {}};
  answer.values.Append(value);
  return answer;
}

TEST(AnswerCell, TellsTheStatuses) {
  EXPECT_EQ(AnswerCell(AnswerOf(Value(1.5), ReadStatus::kPresent, true), 0), "1.5");
  EXPECT_EQ(AnswerCell(AnswerOf(Value(), ReadStatus::kNull, false), 0), "NULL");
  EXPECT_EQ(AnswerCell(AnswerOf(Value(), ReadStatus::kNotFound, false), 0), "-");
  EXPECT_EQ(AnswerCell(AnswerOf(Value(10.0), ReadStatus::kNotFound, true), 0), "10 (default)");
  EXPECT_EQ(AnswerCell(AnswerOf(Value(), ReadStatus::kExpired, false), 0), "expired");
  EXPECT_EQ(AnswerCell(AnswerOf(Value(), ReadStatus::kUnknown, false), 0), "unknown");
}

TEST(ProgressLine, ShowsBarRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine("a.csv", 1000, 50, 100, 2),
            "a.csv  50% [##########----------] 1,000 rows, 500 rows/s, 2.0 s left");
  EXPECT_EQ(ProgressLine("-", 10, 0, 0, 0), "-  10 rows");
}

}  // namespace
}  // namespace tokura::cli
