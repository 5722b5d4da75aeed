// The view on a real disk, with threads that read, scan, hold images, write and flush beside one
// another: each reader sees whole batches, and what a flush covered is there when it is opened
// again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "node/view.h"
#include "runtime/real/real_runtime.h"

namespace tokura::node {
namespace {

constexpr int kKeys = 200;
constexpr int kBatches = 400;

class ViewThreads : public testing::Test {
 protected:
  ViewThreads() : files_(runtime::real::MakeFileSystem()), metrics_(runtime::MakeNullMetrics()) {
    options_.directory = (std::filesystem::temp_directory_path() /
                          ("tokura-view-" + std::to_string(::getpid()) + "/view"))
                             .string();
    options_.write_buffer_bytes = 256 << 10;
  }
  ~ViewThreads() override {
    view_.reset();
    std::filesystem::remove_all(std::filesystem::path(options_.directory).parent_path());
  }

  void Open() {
    view_.reset();
    auto opened = View::Open(*files_, options_, *metrics_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    view_ = std::move(*opened);
  }

  static std::string KeyOf(int i) { return "key " + std::to_string(1'000 + i); }

  // Every row says which batch wrote it.
  Status WriteBatch(int batch) {
    std::vector<std::string> keys;
    for (int i = 0; i < kKeys; ++i) keys.push_back(KeyOf(i));
    const std::string number = std::to_string(batch);
    const std::string row = number + std::string(100, ' ');
    std::vector<View::Change> changes;
    for (const std::string& key : keys) changes.push_back({ShardId(5), key, row});
    return view_->Write(changes, number);
  }

  // The one batch that all rows are of; -1: there are none.
  template <typename Scanned>
  static int BatchOf(const Scanned& scanned) {
    std::set<int> batches;
    int rows = 0;
    const Status status =
        scanned.Scan(ShardId(5), "key ", "", [&](std::string_view, std::string_view row) {
          batches.insert(std::stoi(std::string(row)));
          ++rows;
          return true;
        });
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_LE(batches.size(), 1U) << "rows of several batches";
    EXPECT_EQ(rows, batches.empty() ? 0 : kKeys);
    return batches.empty() ? -1 : *batches.begin();
  }

  std::unique_ptr<runtime::FileSystem> files_;
  std::unique_ptr<runtime::Metrics> metrics_;
  ViewOptions options_;
  std::unique_ptr<View> view_;
};

TEST_F(ViewThreads, ReadWholeBatchesBesideWritesAndFlushes) {
  Open();
  std::atomic<int> written = -1;
  std::atomic<int> flushed = -1;
  std::atomic<bool> done = false;
  const auto repeat = [&done](const std::function<void()>& step) {
    return std::thread([&done, step] {
      while (!done) step();
    });
  };
  std::vector<std::thread> threads;
  threads.push_back(repeat([&] {
    const int before = written;
    ASSERT_TRUE(view_->Flush().ok());
    flushed = std::max<int>(flushed, before);
  }));
  threads.push_back(repeat([&] {
    const int before = written;
    EXPECT_GE(BatchOf(*view_), before);
  }));
  threads.push_back(repeat([&] {
    const std::unique_ptr<View::Image> image = view_->TakeImage();
    const int batch = BatchOf(*image);
    while (!done && written < batch + 3) std::this_thread::yield();
    EXPECT_EQ(BatchOf(*image), batch);
  }));
  threads.push_back(repeat([&] {
    const int before = written;
    const std::string name = KeyOf(17);
    const View::Key key{ShardId(5), name};
    std::optional<std::string> row;
    ASSERT_TRUE(view_->Get({&key, 1}, {&row, 1}).ok());
    EXPECT_GE(row.has_value() ? std::stoi(*row) : -1, before);
  }));
  for (int batch = 0; batch < kBatches; ++batch) {
    ASSERT_TRUE(WriteBatch(batch).ok());
    written = batch;
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  Open();
  const int recovered = BatchOf(*view_);
  EXPECT_GE(recovered, flushed);
  EXPECT_EQ(view_->recovered_mark(), std::to_string(recovered));
}

}  // namespace
}  // namespace tokura::node
