#include <gtest/gtest.h>

#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/up/data_directory.h"
#include "cli/up/ready_file.h"
#include "cli/up/single.h"
#include "cli/up/storage_flags.h"
#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

class UpFilesTest : public ::testing::Test {
 protected:
  void WriteFormat(const std::string& text) {
    ASSERT_TRUE(files_->CreateDirectories(path_).ok());
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path_ + "/FORMAT", text).ok());
  }
  Status Open() { return DataDirectory::Open(*files_, path_, 42).status(); }
  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  const ScratchFolder folder_;
  const std::string path_ = folder_ / "data";
};

TEST_F(UpFilesTest, DataDirectoryIsMadeAndOpensAgain) {
  EXPECT_TRUE(Open().ok());
  EXPECT_TRUE(Open().ok());
}

TEST_F(UpFilesTest, SecondHolderIsRefusedWithThePidOfTheFirst) {
  const auto first = DataDirectory::Open(*files_, path_, 42);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Open(), FailedPrecondition("data directory " + path_ +
                                       " is in use by another process (pid 42)"));
}

TEST_F(UpFilesTest, NewerFormatIsRefusedAndGarbageIsCorrupt) {
  WriteFormat("tokura data 2\n");
  EXPECT_EQ(Open().code(), Code::kFailedPrecondition);
  WriteFormat("tokura data 1x\n");
  EXPECT_EQ(Open().code(), Code::kCorrupt);
  WriteFormat("");
  EXPECT_EQ(Open().code(), Code::kCorrupt);
}

TEST_F(UpFilesTest, ReadyFileIsThereWhilePublished) {
  ASSERT_TRUE(files_->CreateDirectories(path_).ok());
  const std::string file = path_ + "/ready.json";
  {
    Result<ReadyFile> ready = ReadyFile::Claim(*files_, file);
    ASSERT_TRUE(ready.ok()) << ready.status().ToString();
    ASSERT_TRUE(ready->Publish({1, {}, {}, {}}).ok());
    EXPECT_TRUE(files_->Exists(file).value());
  }
  EXPECT_FALSE(files_->Exists(file).value());
}

TEST_F(UpFilesTest, ReadyFileInAMissingDirectoryIsRefusedAtOnce) {
  EXPECT_EQ(ReadyFile::Claim(*files_, path_ + "/no/ready.json").status().code(), Code::kNotFound);
}

TEST(ParseSize, TakesUnitsAndShares) {
  EXPECT_EQ(ParseSize("65536", 0).value(), 65'536u);
  EXPECT_EQ(ParseSize("8GiB", 0).value(), 8ull << 30);
  EXPECT_EQ(ParseSize("512MiB", 0).value(), 512ull << 20);
  EXPECT_EQ(ParseSize("50%", 1'000).value(), 500u);
  for (const char* text : {"", "x", "-1", "8 GiB", "8GB", "101%", "0%", "%", "-5%", "5.5%",
                           "99999999999TiB", "1.5GiB"}) {
    EXPECT_EQ(ParseSize(text, 1'000).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(ParseBytes, TakesUnitsAndNoShares) {
  EXPECT_EQ(ParseBytes("0").value(), 0u);
  EXPECT_EQ(ParseBytes("7B").value(), 7u);
  EXPECT_EQ(ParseBytes("64KiB").value(), 64u << 10);
  EXPECT_EQ(ParseBytes("16777215TiB").value(), 16'777'215ull << 40);
  for (const char* text : {"", "MiB", "+1", "1 B", "1KB", "16777216TiB", "50%"}) {
    EXPECT_EQ(ParseBytes(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(ReadyJson, IsTheContract) {
  const ReadyState state{1,
                         runtime::Address{"127.0.0.1", 7400},
                         runtime::Address{"127.0.0.1", 7480},
                         {{"n1", {"127.0.0.1", 7401}, 1}}};
  EXPECT_EQ(ReadyJson(state), R"({"pid":1,"router":"127.0.0.1:7400","http":"127.0.0.1:7480",)"
                              R"("nodes":[{"id":"n1","pid":1,"listen":"127.0.0.1:7401"}]})"
                              "\n");
}

TEST_F(UpFilesTest, RegisteredNodesReadBack) {
  EXPECT_TRUE(ReadRegisteredNodes(*files_, path_).value().empty());
  ASSERT_TRUE(RegisterNode(*files_, path_, {"n1", {"127.0.0.1", 7401}, 5}, "r1").ok());
  const auto nodes = ReadRegisteredNodes(*files_, path_).value();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].address, (runtime::Address{"127.0.0.1", 7401}));
  EXPECT_EQ(nodes[0].pid, 5);
}

TEST_F(UpFilesTest, BrokenRegistrationIsNamed) {
  ASSERT_TRUE(files_->CreateDirectories(path_ + "/nodes").ok());
  ASSERT_TRUE(runtime::WriteFileAtomically(*files_, path_ + "/nodes/n1.json", "{}").ok());
  EXPECT_EQ(ReadRegisteredNodes(*files_, path_).status().code(), Code::kCorrupt);
}

TEST(CatalogDirectory, RefusesEtcdForNow) {
  EXPECT_EQ(CatalogDirectory("file:///a/b").value(), "/a/b");
  EXPECT_EQ(CatalogDirectory("etcd://localhost:2379").status().code(), Code::kInvalidArgument);
}

TEST(OfflineRoot, IsTheGrandparentOfATable) {
  EXPECT_EQ(OfflineRootOf("file:///data/offline/flights/weather_v1").value(), "/data/offline");
  EXPECT_EQ(OfflineRootOf("s3://bucket/lake/flights/weather_v1").value(), "s3://bucket/lake");
  EXPECT_EQ(OfflineRootOf("s3://bucket/a/b").value(), "s3://bucket");
  EXPECT_FALSE(OfflineRootOf("s3://bucket/a").ok());
  EXPECT_FALSE(OfflineRootOf("file:///a").ok());
}

}  // namespace
}  // namespace tokura::cli
