#include "cli/ingest/file_patterns.h"

#include <gtest/gtest.h>

#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

class FilePatternsTest : public ::testing::Test {
 protected:
  FilePatternsTest() {
    for (const char* folder : {"/2013", "/2014", "/2013/old.csv"}) {
      EXPECT_TRUE(files_->CreateDirectories(root_ + folder).ok());
    }
    for (const char* name :
         {"2013/b.csv", "2013/a.csv", "2013/a.json", "2013/.c.csv", "2014/a.csv", "[x].csv"}) {
      EXPECT_TRUE(runtime::WriteFileAtomically(*files_, root_ + "/" + name, "x").ok());
    }
  }
  // The matches below root_, or what is wrong.
  std::vector<std::string> Expand(const std::string& name) {
    auto expanded = ExpandPatterns(*files_, {root_ + "/" + name});
    if (!expanded.ok()) return {expanded.status().message().substr(0, 16)};
    for (std::string& path : *expanded) path.erase(0, root_.size() + 1);
    return *expanded;
  }
  using Names = std::vector<std::string>;

  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  const ScratchFolder folder_;
  const std::string& root_ = folder_.path();
};

TEST_F(FilePatternsTest, MatchFilesInOrder) {
  EXPECT_EQ(Expand("2013/*.csv"), (Names{"2013/a.csv", "2013/b.csv"}));
  EXPECT_EQ(Expand("2013/?.csv"), (Names{"2013/a.csv", "2013/b.csv"}));
  EXPECT_EQ(Expand("2013/[b-z].csv"), (Names{"2013/b.csv"}));
}

TEST_F(FilePatternsTest, MatchFoldersOnTheWay) {
  EXPECT_EQ(Expand("*/a.csv"), (Names{"2013/a.csv", "2014/a.csv"}));
  EXPECT_EQ(Expand("201?/*.csv"), (Names{"2013/a.csv", "2013/b.csv", "2014/a.csv"}));
}

TEST_F(FilePatternsTest, HiddenFilesMustBeAskedFor) {
  EXPECT_EQ(Expand("2013/.*.csv"), (Names{"2013/.c.csv"}));
}

TEST_F(FilePatternsTest, WhatExistsIsNoPattern) { EXPECT_EQ(Expand("[x].csv"), Names{"[x].csv"}); }

TEST_F(FilePatternsTest, NamesWithoutPatternStayAndPatternsMustMatch) {
  EXPECT_EQ(Expand("none.csv"), Names{"none.csv"});
  EXPECT_EQ(Expand("*.parquet"), Names{"no file matches "});
}

}  // namespace
}  // namespace tokura::cli
