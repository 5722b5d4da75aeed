#include "offline/user_files/csv.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tokura::offline {
namespace {

// Hands out `text` in pieces of `piece` bytes, to put every boundary everywhere.
std::unique_ptr<ByteSource> Pieces(std::string text, size_t piece) {
  size_t given = 0;
  return MakeFunctionSource(
      [text = std::move(text), piece, given](std::span<char> buffer) mutable -> Result<size_t> {
        const size_t n = text.copy(buffer.data(), std::min(piece, buffer.size()), given);
        given += n;
        return n;
      });
}

// "1:a|b" a record: line, cells; an empty unquoted cell is ~, a quoted one is in brackets; a
// malformed record is "1!first line".
std::vector<std::string> Parse(const std::string& text, size_t piece = 1, CsvLimits limits = {}) {
  auto source = Pieces(text, piece);
  CsvReader reader(*source, limits);
  CsvRecord record;
  std::vector<std::string> records;
  for (;;) {
    const Result<bool> more = reader.Next(&record);
    if (!more.ok()) return {more.status().ToString()};
    if (!*more) return records;
    std::string shown = std::to_string(record.line);
    if (!record.malformed.ok()) {
      records.push_back(shown + "!" + record.text);
      continue;
    }
    for (size_t i = 0; i < record.cells.size(); ++i) {
      const CsvCell& cell = record.cells[i];
      shown += i == 0 ? ":" : "|";
      shown += cell.is_null() ? "~" : cell.quoted ? "[" + cell.text + "]" : cell.text;
    }
    records.push_back(std::move(shown));
  }
}

using Records = std::vector<std::string>;
struct Case {
  const char* what;
  std::string text;
  Records records;
};

const std::vector<Case> kCases = {
    {"NothingWhenEmpty", "", {}},
    {"LastLineWithoutNewline", "a,b\nc,d", {"1:a|b", "2:c|d"}},
    {"CrLf", "a,b\r\nc,d\r\n", {"1:a|b", "2:c|d"}},
    {"CarriageReturnAtTheVeryEnd", "a,b\r", {"1:a|b"}},
    {"CarriageReturnInsideIsData", "a\rb,c\n", {"1:a\rb|c"}},
    {"ByteOrderMark",
     "\xef\xbb\xbf"
     "a,b\n",
     {"1:a|b"}},
    {"ByteOrderMarkBeforeQuote", "\xef\xbb\xbf\"a\",b\n", {"1:[a]|b"}},
    {"EmptyAndQuotedEmptyDiffer", "a,,\"\"\n", {"1:a|~|[]"}},
    {"TrailingCommaIsACell", "a,\n", {"1:a|~"}},
    {"OnlyCommas", ",,\n", {"1:~|~|~"}},
    {"SpacesAreData", " a , b \n", {"1: a | b "}},
    {"QuotedComma", "\"a,b\",c\n", {"1:[a,b]|c"}},
    {"DoubledQuote", "\"a\"\"b\",c\n", {"1:[a\"b]|c"}},
    {"OnlyDoubledQuote", "\"\"\"\"\n", {"1:[\"]"}},
    {"QuotedNewlineCountsLines", "\"a\nb\",c\nd,e\n", {"1:[a\nb]|c", "3:d|e"}},
    {"QuotedCrLfIsKept", "\"a\r\nb\"\r\nc\r\n", {"1:[a\r\nb]", "3:c"}},
    {"BlankLinesAreSkippedAndCounted", "\n\r\na\n\nb\n\n", {"3:a", "5:b"}},
    {"QuotedEmptyLineIsARecord", "\"\"\n", {"1:[]"}},
    {"QuoteInsideUnquotedCell", "a\"b,c\nd,e\n", {"1!a\"b,c", "2:d|e"}},
    {"TextAfterClosingQuote", "\"a\"b,c\nd,e\n", {"1!\"a\"b,c", "2:d|e"}},
    {"SpaceAfterClosingQuote", "\"a\" ,c\nd,e\n", {"1!\"a\" ,c", "2:d|e"}},
    {"UnclosedQuoteCostsOneLine", "a,\"b\nc,d\ne,f\n", {"1!a,\"b", "2:c|d", "3:e|f"}},
    {"UnclosedQuoteBeforeQuotedRows",
     "a,\"b\n\"c\",d\n\"e\",f\n",
     {"1!a,\"b", "2:[c]|d", "3:[e]|f"}},
    {"UnclosedQuoteOnTheLastLine", "a,b\r\nc,\"d", {"1:a|b", "2!c,\"d"}},
    {"NulIsData", std::string("a\0b,c\n", 6), {std::string("1:a\0b|c", 7)}},
};

TEST(CsvReader, ReadsAsSpecifiedWhateverThePieces) {
  for (const Case& c : kCases) {
    for (const size_t piece : {1, 2, 3, 7, 1000}) {
      EXPECT_EQ(Parse(c.text, piece), c.records) << c.what << ", pieces of " << piece;
    }
  }
}

TEST(CsvReader, KeepsTheTextOfARecordWithoutItsNewline) {
  auto source = Pieces("a,\"b\r\nc\"\"\",\r\nd\n", 1);
  CsvReader reader(*source);
  CsvRecord record;
  ASSERT_TRUE(*reader.Next(&record));
  EXPECT_EQ(record.text, "a,\"b\r\nc\"\"\",");
  ASSERT_EQ(record.cells.size(), 3u);
  EXPECT_EQ(record.text.substr(record.cells[1].begin, record.cells[1].end - record.cells[1].begin),
            "\"b\r\nc\"\"\"");
}

TEST(CsvReader, RefusesCellsRowsAndCountsOverTheLimitAndGoesOn) {
  const CsvLimits limits{.cell_bytes_max = 4, .record_bytes_max = 12, .cells_max = 4};
  EXPECT_EQ(Parse("abcd,b\nabcde,b\nx\n", 5, limits), (Records{"1:abcd|b", "2!abcde,b", "3:x"}));
  EXPECT_EQ(Parse("aaa,bbb,ccc,ddd\nx\n", 5, limits), (Records{"1!aaa,bbb,ccc,", "2:x"}));
  EXPECT_EQ(Parse("a,b,c,d,e\nx\n", 5, limits), (Records{"1!a,b,c,d,e", "2:x"}));
  EXPECT_EQ(Parse("\"abcdefghijklmnopqrstuvwxyz\n\"\nx\n", 3, limits),
            (Records{"1!\"abcdefghijk", "2!\"", "3:x"}));
}

TEST(CsvReader, ReportsAnErrorOfItsSource) {
  bool first = true;
  auto source = MakeFunctionSource([&first](std::span<char> buffer) -> Result<size_t> {
    if (!std::exchange(first, false)) return Unavailable("disk on fire");
    buffer[0] = 'a';
    return size_t{1};
  });
  CsvReader reader(*source);
  CsvRecord record;
  EXPECT_EQ(reader.Next(&record).status().code(), Code::kUnavailable);
}

TEST(CsvReader, ReadsBackWhatCsvCellTextWrites) {
  const uint32_t seed = 20130101;
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> cells(1 + random() % 4);
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      for (size_t n = random() % 6; n > 0; --n) cells[i] += "a,\"\r\n "[random() % 6];
      line += (i > 0 ? "," : "") + CsvCellText(cells[i]);
    }
    auto source = Pieces(line + "\n", 1 + random() % 9);
    CsvReader reader(*source);
    CsvRecord record;
    ASSERT_TRUE(*reader.Next(&record)) << "seed " << seed << " round " << round;
    ASSERT_TRUE(record.malformed.ok()) << "seed " << seed << " round " << round;
    ASSERT_EQ(record.cells.size(), cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      EXPECT_EQ(record.cells[i].text, cells[i]);
      EXPECT_FALSE(record.cells[i].is_null());
    }
  }
}

}  // namespace
}  // namespace tokura::offline
