// The checks of LevelDB's files before LevelDB reads them.
#include "node/view_checks.h"

#include <gtest/gtest.h>

#include "core/bytes.h"

namespace tokura::node {
namespace {

constexpr size_t kBlock = 32 << 10;

// Appends a record as LevelDB does, in as many pieces as blocks need.
void AppendRecord(std::string_view record, std::string* log) {
  bool first = true;
  do {
    const size_t left = kBlock - log->size() % kBlock;
    if (left < 7) {
      log->append(left, '\0');
      continue;
    }
    const size_t n = std::min(left - 7, record.size());
    const bool last = n == record.size();
    const char type = first ? (last ? 1 : 2) : (last ? 4 : 3);
    const std::string body = type + std::string(record.substr(0, n));
    const uint32_t crc = Crc32c(body);
    PutU32(log, ((crc >> 15) | (crc << 17)) + 0xa282ead8U);
    PutU16(log, static_cast<uint16_t>(n));
    log->append(body);
    record.remove_prefix(n);
    first = false;
    if (last) return;
  } while (true);
}

std::string SomeManifest() {
  std::string log;
  for (size_t i = 0; i < 90; ++i) AppendRecord(std::string(37 * i, static_cast<char>(i)), &log);
  return log;
}

TEST(WholeManifest, TakesAllOfAWholeOne) {
  const std::string log = SomeManifest();
  ASSERT_GT(log.size(), 4 * kBlock);
  EXPECT_EQ(WholeManifestBytes(log).value(), log.size());
  EXPECT_EQ(WholeManifestBytes("").value(), 0U);
}

TEST(WholeManifest, CutsTheRecordThatACrashTore) {
  std::string log = SomeManifest();
  const size_t whole = log.size();
  AppendRecord("the last record", &log);
  for (size_t size = whole; size < log.size(); ++size) {
    EXPECT_EQ(WholeManifestBytes(log.substr(0, size)).value(), whole) << size;
  }
  std::string zeros_inside = log;
  std::fill(zeros_inside.begin() + whole + 9, zeros_inside.end() - 2, '\0');
  EXPECT_EQ(WholeManifestBytes(zeros_inside).value(), whole);
  EXPECT_EQ(WholeManifestBytes(log.substr(0, whole) + std::string(100, '\0')).value(), whole);
}

TEST(WholeManifest, RefusesEveryFlippedByteOrEndsBefore) {
  const std::string log = SomeManifest();
  for (size_t at = 0; at < log.size(); at += 1 + at % 53) {
    std::string damaged = log;
    damaged[at] ^= 1;
    const Result<size_t> whole = WholeManifestBytes(damaged);
    EXPECT_TRUE(!whole.ok() || *whole <= at) << at;
    if (!whole.ok()) EXPECT_EQ(whole.status().code(), Code::kCorrupt);
  }
}

TEST(WholeManifest, RefusesAZeroedStretchInFrontOfRecords) {
  std::string log = SomeManifest();
  std::fill(log.begin() + 2 * kBlock, log.begin() + 3 * kBlock, '\0');
  EXPECT_EQ(WholeManifestBytes(log).status().code(), Code::kCorrupt);
}

// A table of 1,000 bytes: metaindex block at 800 of 45, index block at 850 of 97.
std::string SomeFooter() {
  std::string footer;
  for (const uint64_t number : {800, 45, 850, 97}) PutVarint(&footer, number);
  footer.resize(40);
  PutU64(&footer, 0xdb4775248b80fb57);
  return footer;
}

TEST(TableFooter, AcceptsBlocksThatLieEndToEnd) {
  EXPECT_TRUE(CheckTableFooter(SomeFooter(), 1'000).ok());
}

TEST(TableFooter, RefusesAnotherSizeOfTheTable) {
  for (const uint64_t size : {0, 47, 48, 999, 1'001, 100'000}) {
    EXPECT_EQ(CheckTableFooter(SomeFooter(), size).code(), Code::kCorrupt) << size;
  }
  EXPECT_EQ(CheckTableFooter(SomeFooter().substr(1), 1'000).code(), Code::kCorrupt);
  EXPECT_EQ(CheckTableFooter("", 1'000).code(), Code::kCorrupt);
}

TEST(TableFooter, RefusesEveryOtherByteAnywhere) {
  for (size_t at = 0; at < kTableFooterBytes; ++at) {
    for (int change = 1; change < 256; ++change) {
      std::string footer = SomeFooter();
      footer[at] = static_cast<char>(footer[at] ^ change);
      EXPECT_EQ(CheckTableFooter(footer, 1'000).code(), Code::kCorrupt) << at << " " << change;
    }
  }
}

}  // namespace
}  // namespace tokura::node
