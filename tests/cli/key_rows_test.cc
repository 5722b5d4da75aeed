#include "cli/key_rows.h"

#include <gtest/gtest.h>

#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

class KeyRowsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    EXPECT_TRUE(runtime::WriteFileAtomically(*files_, path, text).ok());
    return path;
  }
  const ScratchFolder folder_;
  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  KeyRows keys_{{{"origin", {Kind::kString}}, {"gate", {Kind::kInt64}}}};
};

TEST_F(KeyRowsTest, CoercesTextByKeyType) {
  ASSERT_TRUE(keys_.AddText("gate=7,origin=JFK").ok());
  EXPECT_EQ(keys_.size(), 1u);
  EXPECT_EQ(keys_.at(0, 0), Value("JFK"));
  EXPECT_EQ(keys_.at(0, 1), Value(7));
}

TEST_F(KeyRowsTest, NamesWhatIsWrong) {
  EXPECT_EQ(keys_.AddText("orgin=JFK,gate=7").message(),
            "'orgin' is not a key column here; did you mean 'origin'?");
  EXPECT_EQ(keys_.AddText("origin=JFK").message(), "key columns missing: 'gate'");
  EXPECT_FALSE(keys_.AddText("origin=JFK,gate=seven").ok());
}

TEST_F(KeyRowsTest, ReadsFilesAndIgnoresOtherColumns) {
  const std::string path = Write("keys.csv", "gate,origin,label\n7,JFK,x\n8,LGA,y\n");
  const Status added = keys_.AddFile(*files_, path);
  ASSERT_TRUE(added.ok()) << added.ToString();
  ASSERT_EQ(keys_.size(), 2u);
  EXPECT_EQ(keys_.at(1, 0), Value("LGA"));
  EXPECT_EQ(keys_.Slice(1, 1)[1].values, (std::vector<Value>{Value(8)}));
}

TEST_F(KeyRowsTest, RefusesAFileWithABadRowByItsLine) {
  const std::string path = Write("bad_keys.csv", "gate,origin\n7,JFK\nx,LGA\n");
  const Status added = keys_.AddFile(*files_, path);
  EXPECT_NE(added.message().find("bad_keys.csv:3"), std::string::npos) << added.ToString();
}

}  // namespace
}  // namespace tokura::cli
