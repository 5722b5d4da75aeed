// The verbs of the view's tests: a simulated disk that can lose power or fail at any call, the view
// on it, and a model of what it must hold.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/view.h"
#include "runtime/metrics.h"
#include "runtime/sim/sim_world.h"
#include "tests/runtime/faulty_files.h"

namespace tokura::node {

inline constexpr char kViewDirectory[] = "/n1/view";

using ViewRows = std::map<std::pair<uint16_t, std::string>, std::string>;

// What a view holds: rows and mark.
struct ViewContent {
  ViewRows rows;
  std::optional<std::string> mark;
  friend bool operator==(const ViewContent& a, const ViewContent& b) {
    return a.mark == b.mark && a.rows == b.rows;
  }
};

// One call of Write.
struct ViewWrite {
  std::vector<std::pair<std::pair<uint16_t, std::string>, std::optional<std::string>>> changes;
  std::optional<std::string> mark;

  void ApplyTo(ViewContent* content) const {
    for (const auto& [key, row] : changes) {
      if (row.has_value()) {
        content->rows[key] = *row;
      } else {
        content->rows.erase(key);
      }
    }
    if (mark.has_value()) content->mark = mark;
  }
};

// What a view was after each Write, and from where on it must survive.
class ViewHistory {
 public:
  const ViewContent& now() const { return now_; }
  void Wrote(const ViewWrite& write) {
    write.ApplyTo(&now_);
    writes_.push_back(write);
  }
  void Flushed() { durable_ = writes_.size(); }
  void ForgetFlushes() { durable_ = 0; }
  // Goes on from what was recovered; false if the view never was that, or lost what was flushed.
  bool GoOnFrom(const ViewContent& recovered) {
    ViewContent content = std::move(begin_);
    bool was_so = durable_ == 0 && content == recovered;
    for (size_t i = 0; i < writes_.size() && !was_so; ++i) {
      writes_[i].ApplyTo(&content);
      was_so = i + 1 >= durable_ && content == recovered;
    }
    Clear();
    begin_ = now_ = recovered;
    return was_so;
  }
  // The view was removed.
  void Clear() { *this = ViewHistory(); }

 private:
  ViewContent begin_;
  std::vector<ViewWrite> writes_;
  ViewContent now_;
  size_t durable_ = 0;
};

class ViewFixture {
 public:
  explicit ViewFixture(uint64_t seed = 1)
      : world_(seed), process_(world_.AddProcess("n1")), files_(process_.files()) {
    EXPECT_TRUE(files_.CreateDirectories("/n1").ok());
    options_.directory = kViewDirectory;
    options_.wait_for_compaction = true;
    options_.write_buffer_bytes = 64 << 10;
    options_.clock = &world_.clock();
  }

  runtime::Random& random() { return world_.random(); }
  uint64_t Below(uint64_t n) { return random().Next() % n; }
  runtime::FaultyFiles& files() { return files_; }
  ViewOptions& options() { return options_; }
  View& view() { return *view_; }
  bool open() const { return view_ != nullptr; }
  runtime::FileSystem& disk() { return process_.files(); }

  Status Open() { return Open(files_); }
  Status Open(runtime::FileSystem& files) {
    view_.reset();
    Result<std::unique_ptr<View>> opened = View::Open(files, options_, *metrics_);
    if (opened.ok()) view_ = std::move(*opened);
    return opened.status();
  }
  void Close() { view_.reset(); }
  Status Remove() { return View::Remove(files_, kViewDirectory); }
  // The power is cut: what was not synced may be lost.
  void Crash() {
    process_.Crash();
    view_.reset();
    process_.Restart();
  }

  Status Write(const ViewWrite& write) {
    std::vector<View::Change> changes;
    for (const auto& [key, row] : write.changes) {
      changes.push_back({ShardId(key.first), key.second, row});
    }
    return view_->Write(changes, write.mark);
  }
  Status Put(uint16_t shard, const std::string& key, const std::string& row,
             std::optional<std::string> mark = std::nullopt) {
    return Write({{{{shard, key}, row}}, std::move(mark)});
  }
  Status Erase(uint16_t shard, const std::string& key) {
    return Write({{{{shard, key}, std::nullopt}}, std::nullopt});
  }

  Result<std::optional<std::string>> Get(uint16_t shard, const std::string& key) {
    const View::Key wanted{ShardId(shard), key};
    std::optional<std::string> row;
    TOKURA_RETURN_IF_ERROR(view_->Get({&wanted, 1}, {&row, 1}));
    return row;
  }
  // All rows of the shards below `shards`, by scan, with the mark that was recovered.
  template <typename Scanned>
  static Result<ViewRows> RowsOf(const Scanned& scanned, uint16_t shards = 8) {
    ViewRows rows;
    for (uint16_t shard = 0; shard < shards; ++shard) {
      TOKURA_RETURN_IF_ERROR(
          scanned.Scan(ShardId(shard), "", "", [&](std::string_view key, std::string_view row) {
            EXPECT_TRUE(rows.emplace(std::pair(shard, std::string(key)), row).second);
            return true;
          }));
    }
    return rows;
  }
  Result<ViewContent> Recovered() {
    TOKURA_ASSIGN_OR_RETURN(ViewRows rows, RowsOf(*view_));
    return ViewContent{std::move(rows), view_->recovered_mark()};
  }

  // A batch over few keys, so that rows are replaced and removed often.
  ViewWrite RandomWrite(size_t keys = 60, size_t row_bytes_max = 400) {
    ViewWrite write;
    for (uint64_t n = Below(8); n > 0; --n) {
      const std::pair key(static_cast<uint16_t>(Below(8)), "key " + std::to_string(Below(keys)));
      std::optional<std::string> row;
      if (Below(4) > 0) {
        row = std::to_string(random().Next());
        row->resize(Below(row_bytes_max), static_cast<char>(random().Next()));
      }
      write.changes.emplace_back(key, std::move(row));
    }
    if (Below(3) > 0) write.mark = "mark " + std::to_string(++last_mark_);
    return write;
  }

 private:
  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& process_;
  runtime::FaultyFiles files_;
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  ViewOptions options_;
  std::unique_ptr<View> view_;
  int last_mark_ = 0;
};

}  // namespace tokura::node
