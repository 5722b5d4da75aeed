// The matrix for the view: whichever call to the file system goes wrong, it gives right rows or an
// error, and opens again as it was after some Write, not before the last flush, or can be removed
// and begun anew.
#include <gtest/gtest.h>

#include "tests/faults/injecting_files.h"
#include "tests/node/view_fixture.h"

namespace tokura::node {
namespace {

using runtime::DiskFault;

class ViewFaultMatrixTest : public testing::TestWithParam<DiskFault> {
 protected:
  // Writes, flushes and reads until something fails. What succeeds must be right.
  static Status Work(ViewFixture& t, ViewHistory* history, int writes) {
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
      if (write.changes.empty()) continue;
      const auto& key = write.changes.front().first;
      TOKURA_ASSIGN_OR_RETURN(const auto got, t.Get(key.first, key.second));
      const auto it = history->now().rows.find(key);
      const bool there = it != history->now().rows.end();
      EXPECT_EQ(got, there ? std::optional(it->second) : std::nullopt);
    }
    return OkStatus();
  }

  // Opens, and takes up what is there.
  static Status Begin(ViewFixture& t, runtime::FileSystem& files, ViewHistory* history) {
    TOKURA_RETURN_IF_ERROR(t.Open(files));
    TOKURA_ASSIGN_OR_RETURN(const ViewContent recovered, t.Recovered());
    // A MANIFEST read wrongly may end early, and the view be older than its last flush. Its mark
    // tells.
    if (GetParam() == DiskFault::kFlipOnRead) history->ForgetFlushes();
    EXPECT_TRUE(history->GoOnFrom(recovered)) << "not as after some Write";
    return OkStatus();
  }

  // Two lives, in which the call fails; then one without a fault. False: there was no such call.
  static bool Run(uint64_t call, int* rebuilt) {
    ViewFixture t(7);
    runtime::InjectingFiles files(t.disk());
    files.Inject(GetParam(), call, call + 1);
    ViewHistory history;
    Status status;
    for (int life = 0; life < 2 && status.ok(); ++life) {
      status = Begin(t, files, &history);
      if (status.ok()) status = Work(t, &history, 40);
    }
    const Code code = status.code();
    EXPECT_TRUE(status.ok() || code == Code::kUnavailable || code == Code::kResourceExhausted ||
                code == Code::kCorrupt)
        << status.ToString();
    if (files.crashed() || call % 2 == 0) {
      t.Crash();
    } else {
      t.Close();
    }
    const bool reached = files.reached();
    files.Heal();
    status = Begin(t, files, &history);
    if (!status.ok()) {
      ++*rebuilt;
      history.Clear();
      EXPECT_TRUE(View::Remove(files, kViewDirectory).ok());
      status = Begin(t, files, &history);
    }
    if (status.ok()) status = Work(t, &history, 5);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return reached;
  }
};

TEST_P(ViewFaultMatrixTest, LosesNothingFlushedAndServesNothingWrongWhicheverCallFails) {
  int rebuilt = 0;
  uint64_t call = 0;
  for (bool reached = true; reached && !HasFailure(); ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    reached = Run(call, &rebuilt);
  }
  EXPECT_GT(call, 10U) << "the workload hardly uses the disk";
  RecordProperty("calls", static_cast<int>(call));
  RecordProperty("rebuilt", rebuilt);
  EXPECT_LT(rebuilt * 20, static_cast<int>(call)) << "the view is too easily lost";
}

INSTANTIATE_TEST_SUITE_P(Faults, ViewFaultMatrixTest,
                         testing::Values(DiskFault::kCrash, DiskFault::kIoError,
                                         DiskFault::kIoErrorForever, DiskFault::kFull,
                                         DiskFault::kShortWrite, DiskFault::kBrokenWrite,
                                         DiskFault::kSyncFails, DiskFault::kFlipOnRead),
                         [](const auto& test) { return std::string(NameOf(test.param)); });

}  // namespace
}  // namespace tokura::node
