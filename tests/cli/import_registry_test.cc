#include "cli/ingest/import_registry.h"

#include <gtest/gtest.h>

#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

class ImportRegistryTest : public ::testing::Test {
 protected:
  std::string IdOf(const std::string& name, const std::string& content) {
    EXPECT_TRUE(runtime::WriteFileAtomically(*files_, root_ + "/" + name, content).ok());
    return ImportId(*files_, root_ + "/" + name, identity_).value();
  }
  Import Register(const std::string& id, int64_t now_us) {
    return RegisterImport(*files_, root_, id, identity_, now_us).value();
  }
  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  ImportIdentity identity_{"p/g@1", "live", "csv", "event_time", false};
  const ScratchFolder folder_;
  const std::string& root_ = folder_.path();
};

TEST_F(ImportRegistryTest, SameContentIsTheSameImportUnderAnyName) {
  const std::string id = IdOf("a.csv", "x");
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(IdOf("b.csv", "x"), id);
  EXPECT_NE(IdOf("c.csv", "y"), id);
}

TEST_F(ImportRegistryTest, OptionsThatChangeWhatIsWrittenMakeAnotherImport) {
  const std::string id = IdOf("a.csv", "x");
  identity_.skip_nulls = true;
  EXPECT_NE(IdOf("a.csv", "x"), id);
}

TEST_F(ImportRegistryTest, FirstStartCounts) {
  EXPECT_EQ(Register("0123", 1'000'000).started_at_us, 1'000'000);
  EXPECT_EQ(Register("0123", 2'000'000).started_at_us, 1'000'000);
  EXPECT_EQ(Register("4567", 2'000'000).started_at_us, 2'000'000);
}

TEST_F(ImportRegistryTest, CorruptEntryIsNamed) {
  Register("0123", 1'000'000);
  const std::string path = root_ + "/_imports/0123.json";
  ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path, "{").ok());
  const Result<Import> import = RegisterImport(*files_, root_, "0123", identity_, 1);
  EXPECT_EQ(import.status().code(), Code::kCorrupt);
  EXPECT_NE(import.status().message().find(path), std::string::npos);
}

TEST(ImportWriteId, CountsUpFromTheStartAndIsRepeatable) {
  const Import import{"0123", 1'000'000};
  EXPECT_EQ(ImportWriteId(import, 1), ImportWriteId(import, 1));
  uint64_t previous = 0;
  for (uint64_t row = 1; row < 10'000; ++row) {
    const uint64_t prefix = ImportWriteId(import, row).prefix();
    ASSERT_GT(prefix, previous) << row;
    previous = prefix;
  }
  EXPECT_EQ(ImportWriteId(import, 4096).prefix() >> 16, 1001u);
}

TEST(ImportWriteId, OrdersAgainstIdsOfOtherMakersByTime) {
  WriteIdMaker maker;
  const WriteId before = maker.Next(999'000, 0);
  const WriteId after = maker.Next(1'002'000, 0);
  const WriteId row = ImportWriteId({"0123", 1'000'000}, 1);
  EXPECT_LT(before.prefix(), row.prefix());
  EXPECT_LT(row.prefix(), after.prefix());
}

TEST(FormatOfName, LooksBeneathCompression) {
  EXPECT_EQ(FormatOfName("a/b.csv"), "csv");
  EXPECT_EQ(FormatOfName("b.jsonl.zst"), "jsonl");
  EXPECT_EQ(FormatOfName("b.parquet"), "parquet");
  EXPECT_EQ(FormatOfName("b.txt"), "");
}

}  // namespace
}  // namespace tokura::cli
