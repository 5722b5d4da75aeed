// For every k the k-th file-system call fails: the view then gives right rows or an error, opens
// again as it was after some Write, or can be removed and begun anew. And no damaged byte of any
// file makes it give a wrong row or miss one.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "tests/node/view_fixture.h"

namespace tokura::node {
namespace {

constexpr int kNoCall = -1;

enum class Fault { kError, kNoSpace, kShortWrite, kDead, kFlipOnRead };

std::string NameOf(Fault fault) {
  switch (fault) {
    case Fault::kError:
      return "IoError";
    case Fault::kNoSpace:
      return "NoSpace";
    case Fault::kShortWrite:
      return "ShortWrite";
    case Fault::kDead:
      return "Crash";
    case Fault::kFlipOnRead:
      return "FlipOnRead";
  }
  return "";
}

// Counts the calls to a file system and its files, and fails one of them.
class CallFaults final : public runtime::FileSystem {
 public:
  explicit CallFaults(runtime::FileSystem& under) : under_(under) {}

  int calls = 0;
  void FailAt(int call, Fault fault) {
    fail_at_ = call;
    fault_ = fault;
  }
  void Heal() { fail_at_ = kNoCall; }

  Result<std::unique_ptr<runtime::WritableFile>> Create(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    TOKURA_ASSIGN_OR_RETURN(auto file, under_.Create(path));
    return std::unique_ptr<runtime::WritableFile>(std::make_unique<Writer>(*this, std::move(file)));
  }
  Result<std::unique_ptr<runtime::ReadableFile>> Open(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    TOKURA_ASSIGN_OR_RETURN(auto file, under_.Open(path));
    return std::unique_ptr<runtime::ReadableFile>(std::make_unique<Reader>(*this, std::move(file)));
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.Truncate(path, size);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.Rename(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.Link(from, to);
  }
  Status Remove(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.Remove(path);
  }
  Status RemoveAll(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.RemoveAll(path);
  }
  Status CreateDirectories(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.CreateDirectories(path);
  }
  Status SyncDirectory(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.SyncDirectory(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.List(path);
  }
  Result<bool> Exists(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.Exists(path);
  }
  Result<bool> IsDirectory(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.IsDirectory(path);
  }
  Result<uint64_t> FreeBytes(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.FreeBytes(path);
  }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override {
    TOKURA_RETURN_IF_ERROR(Call());
    return under_.Lock(path);
  }

 private:
  class Writer final : public runtime::WritableFile {
   public:
    Writer(CallFaults& owner, std::unique_ptr<runtime::WritableFile> under)
        : owner_(owner), under_(std::move(under)) {}
    Status Append(std::string_view bytes) override {
      const Status status = owner_.Call();
      if (!status.ok() && owner_.fault_ == Fault::kShortWrite) {
        (void)under_->Append(bytes.substr(0, bytes.size() / 2));
      }
      TOKURA_RETURN_IF_ERROR(status);
      return under_->Append(bytes);
    }
    Status Sync() override {
      TOKURA_RETURN_IF_ERROR(owner_.Call());
      return under_->Sync();
    }
    Status Close() override {
      TOKURA_RETURN_IF_ERROR(owner_.Call());
      return under_->Close();
    }
    uint64_t size() const override { return under_->size(); }

   private:
    CallFaults& owner_;
    const std::unique_ptr<runtime::WritableFile> under_;
  };

  class Reader final : public runtime::ReadableFile {
   public:
    Reader(CallFaults& owner, std::unique_ptr<runtime::ReadableFile> under)
        : owner_(owner), under_(std::move(under)) {}
    Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
      TOKURA_RETURN_IF_ERROR(owner_.Call());
      Result<size_t> read = under_->ReadAt(offset, buffer);
      if (owner_.Hit() && owner_.fault_ == Fault::kFlipOnRead && read.ok() && *read > 0) {
        buffer[static_cast<size_t>(owner_.calls) % *read] ^= 0x10;
      }
      return read;
    }
    Result<uint64_t> Size() const override {
      TOKURA_RETURN_IF_ERROR(owner_.Call());
      return under_->Size();
    }

   private:
    CallFaults& owner_;
    const std::unique_ptr<runtime::ReadableFile> under_;
  };

  bool Hit() const { return calls == fail_at_; }
  Status Call() {
    ++calls;
    if (fail_at_ < 0 || fault_ == Fault::kFlipOnRead) return OkStatus();
    if (fault_ == Fault::kDead && calls >= fail_at_) return Unavailable("the process is dead");
    if (!Hit()) return OkStatus();
    return fault_ == Fault::kError ? Unavailable("I/O error") : ResourceExhausted("no space");
  }

  runtime::FileSystem& under_;
  int fail_at_ = kNoCall;
  Fault fault_ = Fault::kError;
};

class ViewFault : public testing::TestWithParam<Fault> {
 protected:
  // Writes, flushes and reads until something fails. What succeeds must be right.
  static Status Work(ViewFixture& t, ViewHistory* history, int writes = 40) {
    for (int i = 0; i < writes; ++i) {
      const ViewWrite write = t.RandomWrite(40, 8'000);
      TOKURA_RETURN_IF_ERROR(t.Write(write));
      history->Wrote(write);
      if (i % 20 == 19) {
        TOKURA_RETURN_IF_ERROR(t.view().Flush());
        history->Flushed();
      }
      if (i % 30 == 0) {
        TOKURA_ASSIGN_OR_RETURN(const ViewRows rows, ViewFixture::RowsOf(t.view()));
        EXPECT_EQ(rows, history->now().rows);
      }
      if (!write.changes.empty()) {
        const auto& key = write.changes.front().first;
        TOKURA_ASSIGN_OR_RETURN(const auto got, t.Get(key.first, key.second));
        const auto it = history->now().rows.find(key);
        const bool there = it != history->now().rows.end();
        EXPECT_EQ(got, there ? std::optional(it->second) : std::nullopt);
      }
    }
    return OkStatus();
  }

  static void ExpectOneOf(Code code, std::initializer_list<Code> codes) {
    EXPECT_TRUE(std::find(codes.begin(), codes.end(), code) != codes.end()) << CodeName(code);
  }

  // Two lives, the k-th call of which fails; then a life without a fault. How many calls there are.
  static int Run(int k, Fault fault, int* rebuilt) {
    ViewFixture t(7);
    CallFaults faults(t.disk());
    ViewHistory history;
    faults.FailAt(k, fault);
    Status status;
    for (int life = 0; life < 2 && status.ok(); ++life) {
      status = t.Open(faults);
      if (status.ok() && life > 0) {
        const Result<ViewContent> recovered = t.Recovered();
        status = recovered.status();
        EXPECT_TRUE(!recovered.ok() || history.GoOnFrom(*recovered));
      }
      if (status.ok()) status = Work(t, &history);
    }
    if (!status.ok()) {
      ExpectOneOf(status.code(), {Code::kUnavailable, Code::kResourceExhausted, Code::kCorrupt});
    }
    const int calls = faults.calls;
    if (fault == Fault::kDead || k % 2 == 0) {
      t.Crash();
    } else {
      t.Close();
    }
    faults.Heal();
    status = t.Open(faults);
    if (!status.ok()) {
      ++*rebuilt;
      EXPECT_TRUE(View::Remove(faults, kViewDirectory).ok());
      history.Clear();
      status = t.Open(faults);
    }
    EXPECT_TRUE(status.ok()) << status.ToString();
    if (!status.ok()) return calls;
    const Result<ViewContent> recovered = t.Recovered();
    EXPECT_TRUE(recovered.ok()) << recovered.status().ToString();
    EXPECT_TRUE(recovered.ok() && history.GoOnFrom(*recovered)) << "not as after some Write";
    status = Work(t, &history, 5);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return calls;
  }
};

TEST_P(ViewFault, AtAnyCallLosesNothingFlushedAndServesNothingWrong) {
  int rebuilt = 0;
  const int calls = Run(kNoCall, GetParam(), &rebuilt);
  for (int k = 1; k <= calls && !HasFailure(); ++k) {
    SCOPED_TRACE("call " + std::to_string(k));
    Run(k, GetParam(), &rebuilt);
  }
  std::cout << NameOf(GetParam()) << ": " << calls << " calls, rebuilt " << rebuilt << "\n";
}

INSTANTIATE_TEST_SUITE_P(Faults, ViewFault,
                         testing::Values(Fault::kError, Fault::kNoSpace, Fault::kShortWrite,
                                         Fault::kDead, Fault::kFlipOnRead),
                         [](const auto& fault) { return NameOf(fault.param); });

}  // namespace
}  // namespace tokura::node
