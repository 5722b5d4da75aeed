// One suite for the POSIX files, the simulated ones and those of an object store.
#include "runtime/file_system.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "tests/runtime/harness.h"
#include "tests/runtime/scratch_folder.h"
#include "tests/s3/s3_harness.h"

namespace tokura::runtime {
namespace {

enum class Kept { kPosix, kSimulated, kS3 };

std::string KeptName(const testing::TestParamInfo<Kept>& info) {
  return info.param == Kept::kPosix ? "Real" : info.param == Kept::kS3 ? "S3" : "Simulated";
}

class Files : public testing::TestWithParam<Kept> {
 protected:
  Files() {
    if (GetParam() == Kept::kS3) {
      files_ = s3_.NewFileSystem();
      root_ = "s3://bucket/data";
    } else if (GetParam() == Kept::kPosix) {
      files_ = real::MakeFileSystem();
      folder_.emplace();
      root_ = folder_->path();
    } else {
      files_of_world_ = &world_.AddProcess("p").files();
      root_ = "/data";
      TOKURA_CHECK(files_of_world_->CreateDirectories(root_).ok());
    }
  }

  FileSystem& files() { return files_ ? *files_ : *files_of_world_; }
  std::string In(const std::string& name) { return root_ + "/" + name; }
  void Write(const std::string& name, std::string_view bytes) {
    auto file = files().Create(In(name));
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->Append(bytes).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    ASSERT_TRUE((*file)->Close().ok());
  }
  std::string Read(const std::string& name) {
    const Result<std::string> content = ReadFile(files(), In(name));
    return content.ok() ? *content : std::string(CodeName(content.status().code()));
  }
  std::vector<std::string> List() {
    const auto names = files().List(root_);
    return names.ok() ? *names : std::vector<std::string>{names.status().ToString()};
  }

  // Folders are not things of their own there, and what is there is never changed.
  bool object_store() const { return GetParam() == Kept::kS3; }

  sim::SimWorld world_{1};
  s3::S3Harness s3_;
  std::unique_ptr<FileSystem> files_;
  FileSystem* files_of_world_ = nullptr;
  std::optional<ScratchFolder> folder_;
  std::string root_;
};
INSTANTIATE_TEST_SUITE_P(Runtimes, Files,
                         testing::Values(Kept::kPosix, Kept::kSimulated, Kept::kS3), KeptName);

TEST_P(Files, ReadsBackWhatWasAppended) {
  auto file = files().Create(In("f"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("hello ").ok());
  ASSERT_TRUE((*file)->Append("world").ok());
  EXPECT_EQ((*file)->size(), 11u);
  if (object_store()) ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(Read("f"), "hello world");
}

TEST_P(Files, ReadsAtAnyOffsetAndLessAtTheEnd) {
  Write("f", "0123456789");
  auto file = files().Open(In("f"));
  ASSERT_TRUE(file.ok());
  char buffer[4] = {};
  EXPECT_EQ(*(*file)->ReadAt(3, buffer), 4u);
  EXPECT_EQ(std::string_view(buffer, 4), "3456");
  EXPECT_EQ(*(*file)->ReadAt(8, buffer), 2u);
  EXPECT_EQ(*(*file)->ReadAt(10, buffer), 0u);
  EXPECT_EQ(*(*file)->ReadAt(99, buffer), 0u);
  EXPECT_EQ(*(*file)->Size(), 10u);
}

TEST_P(Files, CreateRefusesANameThatIsThere) {
  Write("f", "x");
  EXPECT_EQ(files().Create(In("f")).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(Read("f"), "x");
}

TEST_P(Files, NamesThePathOfWhatIsMissing) {
  const Status status = files().Open(In("missing")).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_NE(status.message().find(In("missing")), std::string::npos);
  EXPECT_EQ(files().Remove(In("missing")).code(), Code::kNotFound);
  EXPECT_EQ(files().Rename(In("missing"), In("x")).code(), Code::kNotFound);
  EXPECT_EQ(files().Link(In("missing"), In("x")).code(), Code::kNotFound);
}

TEST_P(Files, NamesTheFolderThatIsMissing) {
  if (object_store()) GTEST_SKIP() << "every folder is there";
  EXPECT_EQ(files().Create(In("no/such/f")).status().code(), Code::kNotFound);
  EXPECT_EQ(files().Truncate(In("missing"), 0).code(), Code::kNotFound);
  EXPECT_EQ(files().List(In("missing")).status().code(), Code::kNotFound);
  EXPECT_EQ(files().SyncDirectory(In("missing")).code(), Code::kNotFound);
}

TEST_P(Files, RenameReplacesItsTarget) {
  Write("a", "new");
  Write("b", "old");
  ASSERT_TRUE(files().Rename(In("a"), In("b")).ok());
  EXPECT_EQ(Read("b"), "new");
  EXPECT_EQ(List(), (std::vector<std::string>{"b"}));
}

TEST_P(Files, LinkNamesTheSameFileAndNeverReplaces) {
  Write("a", "bytes");
  ASSERT_TRUE(files().Link(In("a"), In("b")).ok());
  EXPECT_EQ(files().Link(In("a"), In("b")).code(), Code::kAlreadyExists);
  ASSERT_TRUE(files().Remove(In("a")).ok());
  EXPECT_EQ(Read("b"), "bytes");
}

TEST_P(Files, TruncateCuts) {
  if (object_store()) GTEST_SKIP() << "an object is never changed";
  Write("f", "0123456789");
  ASSERT_TRUE(files().Truncate(In("f"), 4).ok());
  EXPECT_EQ(Read("f"), "0123");
}

TEST_P(Files, CreatesAndRemovesTrees) {
  ASSERT_TRUE(files().CreateDirectories(In("a/b/c")).ok());
  ASSERT_TRUE(files().CreateDirectories(In("a/b/c")).ok());
  Write("a/b/c/f", "x");
  Write("z", "x");
  EXPECT_TRUE(*files().IsDirectory(In("a/b")));
  EXPECT_FALSE(*files().IsDirectory(In("z")));
  EXPECT_EQ(List(), (std::vector<std::string>{"a", "z"}));
  ASSERT_TRUE(files().RemoveAll(In("a")).ok());
  ASSERT_TRUE(files().RemoveAll(In("a")).ok());
  EXPECT_FALSE(*files().Exists(In("a")));
  EXPECT_TRUE(*files().Exists(In("z")));
}

TEST_P(Files, TellsFilesFromDirectories) {
  if (object_store()) GTEST_SKIP() << "a name may be both";
  Write("f", "x");
  ASSERT_TRUE(files().CreateDirectories(In("d")).ok());
  EXPECT_EQ(files().Open(In("d")).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(files().Remove(In("d")).code(), Code::kFailedPrecondition);
  EXPECT_EQ(files().CreateDirectories(In("f/x")).code(), Code::kFailedPrecondition);
  EXPECT_FALSE(*files().Exists(In("f/x")));
}

TEST_P(Files, LockExcludesUntilItEnds) {
  auto lock = files().Lock(In("LOCK"));
  ASSERT_TRUE(lock.ok());
  const Status refused = files().Lock(In("LOCK")).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_EQ(refused.message(), In("LOCK") + " is locked by another process");
  lock = Unavailable("released");
  EXPECT_TRUE(files().Lock(In("LOCK")).ok());
}

TEST_P(Files, ReadFileRefusesMoreThanItsLimit) {
  Write("f", "0123456789");
  EXPECT_EQ(ReadFile(files(), In("f"), 9).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(*ReadFile(files(), In("f"), 10), "0123456789");
}

TEST_P(Files, WritesAtomicallyAndLeavesNothingElse) {
  ASSERT_TRUE(WriteFileAtomically(files(), In("f"), "one").ok());
  ASSERT_TRUE(WriteFileAtomically(files(), In("f"), "two").ok());
  EXPECT_EQ(Read("f"), "two");
  EXPECT_EQ(List(), (std::vector<std::string>{"f"}));
}

TEST_P(Files, CreatesAtomicallyOnlyOnce) {
  ASSERT_TRUE(CreateFileAtomically(files(), In("f"), "one").ok());
  EXPECT_EQ(CreateFileAtomically(files(), In("f"), "two").code(), Code::kAlreadyExists);
  EXPECT_EQ(Read("f"), "one");
  EXPECT_EQ(List(), (std::vector<std::string>{"f"}));
}

TEST_P(Files, WritesAtomicallyBesideLeftoversOfACrash) {
  Write("f.tmp.0", "torn");
  ASSERT_TRUE(WriteFileAtomically(files(), In("f"), "one").ok());
  EXPECT_EQ(Read("f"), "one");
}

TEST_P(Files, TellsFreeSpace) { EXPECT_GT(*files().FreeBytes(root_), 0u); }

TEST_P(Files, RefusesAClosedFile) {
  auto file = files().Create(In("f"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Close().ok());
  EXPECT_EQ((*file)->Append("x").code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace tokura::runtime
