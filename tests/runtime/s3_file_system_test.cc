// What an object store adds to the suite of all file systems (file_system_test.cc).
#include "runtime/s3/s3_file_system.h"

#include "tests/s3/s3_harness.h"

namespace tokura::runtime::s3 {
namespace {

using Fault = FakeS3::Fault;

class S3Files : public testing::Test {
 protected:
  static std::string In(const std::string& name) { return "s3://b/t/" + name; }
  Status Create(const std::string& name, std::string_view bytes) {
    return CreateFileAtomically(*files_, In(name), bytes);
  }
  std::string Read(const std::string& name) {
    const Result<std::string> content = ReadFile(*files_, In(name));
    return content.ok() ? *content : content.status().ToString();
  }
  // The next request with `method` goes wrong, once.
  void FailNext(const std::string& method, Fault fault) {
    harness_.store.fault = [this, method, fault, done = false](const HttpRequest& request) mutable {
      if (done || request.method != method) return Fault::kNone;
      done = true;
      if (fault == Fault::kNone) before_();
      return fault;
    };
  }
  size_t Requests(const std::string& request) const {
    return static_cast<size_t>(
        std::count(harness_.store.requests.begin(), harness_.store.requests.end(), request));
  }

  S3Harness harness_;
  std::unique_ptr<S3FileSystem> files_ = harness_.NewFileSystem();
  std::function<void()> before_ = [] {};
};

TEST_F(S3Files, TemporaryFilesNeverReachTheStore) {
  ASSERT_TRUE(Create("f", "whole").ok());
  ASSERT_TRUE(WriteFileAtomically(*files_, In("g"), "whole").ok());
  EXPECT_EQ(harness_.store.objects.size(), 2u);
  EXPECT_EQ(Requests("PUT b/t/f"), 1u);
  EXPECT_EQ(Requests("PUT b/t/f.tmp.0"), 0u);
}

TEST_F(S3Files, DraftsHaveNoNameSoThatACrashLeavesNothing) {
  auto file = files_->Create(In("f.tmp"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("torn").ok());
  EXPECT_EQ(*harness_.local().List("/scratch"), std::vector<std::string>{});
}

TEST_F(S3Files, FilesThatAreNotTemporaryAreSentOnSync) {
  auto file = files_->Create(In("f"));
  ASSERT_TRUE((*file)->Append("one").ok());
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(Read("f"), "one");
  ASSERT_TRUE((*file)->Close().ok());
  EXPECT_EQ(Requests("PUT b/t/f"), 1u);
}

TEST_F(S3Files, LargeFilesGoInPartsAndComeBackWhole) {
  std::string bytes(2 * kPartBytes + 12'345, 'x');
  for (size_t i = 0; i < bytes.size(); i += 4'097) bytes[i] = static_cast<char>(i);
  ASSERT_TRUE(Create("f", bytes).ok());
  EXPECT_EQ(Requests("PUT b/t/f"), 3u);
  EXPECT_TRUE(harness_.store.uploads.empty());
  EXPECT_TRUE(harness_.store.objects["b/t/f"] == bytes);
  const auto file = *files_->Open(In("f"));
  std::string part(1 << 20, '\0');
  EXPECT_EQ(*file->ReadAt(kPartBytes - 7, part), part.size());
  EXPECT_TRUE(part == bytes.substr(kPartBytes - 7, part.size()));
}

TEST_F(S3Files, AnUploadThatFailsLeavesNoParts) {
  FailNext("PUT", Fault::kNone);
  before_ = [this] { harness_.store.uploads.clear(); };  // as if somebody had aborted it
  EXPECT_EQ(Create("f", std::string(kPartBytes + 1, 'x')).code(), Code::kNotFound);
  EXPECT_TRUE(harness_.store.uploads.empty());
  EXPECT_TRUE(harness_.store.objects.empty());
}

TEST_F(S3Files, OfTwoWritersOfOneNameOneWins) {
  const auto others = harness_.NewFileSystem();
  FailNext("PUT", Fault::kNone);  // both have looked, and the other is faster
  before_ = [&] { harness_.store.objects["b/t/f"] = "theirs"; };
  EXPECT_EQ(Create("f", "ours").code(), Code::kAlreadyExists);
  EXPECT_EQ(Read("f"), "theirs");
}

TEST_F(S3Files, AWriteWhoseAnswerIsLostCountsOnce) {
  for (const Fault fault : {Fault::kLost, Fault::kFailedLate, Fault::kCut, Fault::kBusy}) {
    const std::string name = "f" + std::to_string(static_cast<int>(fault));
    FailNext("PUT", fault);
    EXPECT_TRUE(Create(name, "ours").ok()) << name;
    EXPECT_EQ(Read(name), "ours");
  }
}

TEST_F(S3Files, AnUploadWhoseEndIsLostCountsOnce) {
  const std::string bytes(kPartBytes + 1, 'x');
  for (const Fault fault : {Fault::kLost, Fault::kFailedLate, Fault::kCut}) {
    const std::string name = "f" + std::to_string(static_cast<int>(fault));
    harness_.store.fault = [fault, done = false](const HttpRequest& request) mutable {
      if (done || request.method != "POST" || !request.query.contains("uploadId")) {
        return Fault::kNone;
      }
      done = true;
      return fault;
    };
    EXPECT_TRUE(Create(name, bytes).ok()) << name;
    EXPECT_TRUE(Read(name) == bytes);
  }
}

TEST_F(S3Files, AWriteThatIsLostAndTakenByAnotherIsTheirs) {
  int puts = 0;
  harness_.store.fault = [&](const HttpRequest& request) {
    if (request.method != "PUT" || ++puts > 1) return Fault::kNone;
    harness_.store.objects["b/t/f"] = "theirs";
    return Fault::kCut;
  };
  EXPECT_EQ(Create("f", "ours").code(), Code::kAlreadyExists);
  EXPECT_EQ(Read("f"), "theirs");
}

TEST_F(S3Files, AStoreThatIsAwayIsAnUnknownOutcomeThatNamesTheObject) {
  harness_.store.fault = [](const HttpRequest& request) {
    return request.method == "PUT" ? Fault::kCut : Fault::kNone;
  };
  const Status status = Create("f", "ours");
  EXPECT_EQ(status.code(), Code::kUnknownOutcome);
  EXPECT_NE(status.message().find("s3://b/t/f: PUT"), std::string::npos) << status.message();
}

TEST_F(S3Files, ReadsAreTriedAgain) {
  ASSERT_TRUE(Create("f", "bytes").ok());
  for (const Fault fault : {Fault::kBusy, Fault::kCut, Fault::kFailedLate}) {
    FailNext("GET", fault);
    EXPECT_EQ(Read("f"), "bytes");
  }
  harness_.store.fault = [](const HttpRequest&) { return Fault::kBusy; };
  const Status busy = files_->Open(In("f")).status();
  EXPECT_EQ(busy.code(), Code::kUnavailable);
  EXPECT_EQ(busy.message(),
            "s3://b/t/f: GET: HTTP 503 SlowDown; tried several times; try again later");
}

TEST_F(S3Files, AnObjectThatIsReplacedWhileItIsReadIsNoticed) {
  ASSERT_TRUE(Create("f", std::string(1 << 20, 'a')).ok());
  const auto file = *files_->Open(In("f"));
  harness_.store.objects["b/t/f"] = std::string(1 << 20, 'b');
  std::string part(16, '\0');
  EXPECT_EQ(file->ReadAt((1 << 20) - 16, part).status().code(), Code::kUnavailable);
}

TEST_F(S3Files, ListsAllPagesAndEachFolderOnce) {
  for (const char* name : {"a/1", "a/2", "a/3", "b&<", "c/d/e", "f", "g"}) {
    ASSERT_TRUE(Create(name, "x").ok());
  }
  EXPECT_EQ(*files_->List("s3://b/t"), (std::vector<std::string>{"a", "b&<", "c", "f", "g"}));
  EXPECT_EQ(*files_->List("s3://b/t/none"), std::vector<std::string>{});
}

TEST_F(S3Files, TheAgeOfAnObjectIsByTheClockOfTheStore) {
  ASSERT_TRUE(Create("f", "x").ok());
  harness_.store.now += 90;
  EXPECT_EQ(*files_->Age(In("f")), std::chrono::seconds(90));
  EXPECT_EQ(files_->Age(In("g")).status().code(), Code::kNotFound);
}

TEST_F(S3Files, AFolderIsRenamedObjectByObjectAndMayBeBegunAgain) {
  for (const char* name : {"a/1", "a/x/2", "a/3", "ab"}) ASSERT_TRUE(Create(name, name).ok());
  int deletes = 0;
  harness_.store.fault = [&](const HttpRequest& request) {
    return request.method == "DELETE" && ++deletes > 1 ? Fault::kBusy : Fault::kNone;
  };
  EXPECT_FALSE(files_->Rename(In("a"), In("z")).ok());
  harness_.store.fault = [](const HttpRequest&) { return Fault::kNone; };
  ASSERT_TRUE(files_->Rename(In("a"), In("z")).ok());
  EXPECT_EQ(*files_->List(In("z")), (std::vector<std::string>{"1", "3", "x"}));
  EXPECT_EQ(Read("z/x/2"), "a/x/2");
  EXPECT_EQ(Read("ab"), "ab");
  EXPECT_FALSE(*files_->Exists(In("a")));
}

TEST_F(S3Files, AStoreWithoutConditionalWritesIsRefused) {
  EXPECT_TRUE(files_->Lock(In("LOCK")).ok());
  EXPECT_TRUE(harness_.store.objects.empty());
  harness_.store.honours_conditions = false;
  const Status refused = harness_.NewFileSystem()->Lock(In("LOCK")).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("conditional writes"), std::string::npos);
}

TEST_F(S3Files, ErrorsSayWhatToDo) {
  const Status bucket = files_->Open("s3://missing/x").status();
  EXPECT_EQ(bucket.code(), Code::kFailedPrecondition);
  EXPECT_EQ(bucket.message(),
            "s3://missing/x: GET: HTTP 404 NoSuchBucket; make the bucket first, or mend its name");
  for (const char* path : {"s3://", "s3:///x", "s3://b/../x", "s3://b//x"}) {
    EXPECT_EQ(files_->Open(path).status().code(), Code::kInvalidArgument) << path;
  }
}

}  // namespace
}  // namespace tokura::runtime::s3
