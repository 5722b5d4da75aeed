// Damage on disk: whatever byte is flipped in whatever file of a view, whatever file is cut, zeroed
// or gone, it is refused as corrupt, or is what it was after some Write, and gives right rows or an
// error for each.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/bytes.h"
#include "tests/node/view_fixture.h"

namespace tokura::node {
namespace {

class ViewDamage : public testing::Test {
 protected:
  // A view of some tables on two levels, and its files.
  void SetUp() override {
    ASSERT_TRUE(t_.Open().ok());
    ViewContent content;
    after_[std::nullopt] = {};
    for (int i = 0; i < 130; ++i) {
      ViewWrite write = t_.RandomWrite(30, 6'000);
      write.mark = "write " + std::to_string(i);
      ASSERT_TRUE(t_.Write(write).ok());
      write.ApplyTo(&content);
      after_[content.mark] = content.rows;
      if (i % 13 == 12) ASSERT_TRUE(t_.view().Flush().ok());
    }
    ASSERT_TRUE(t_.view().Flush().ok());
    t_.Close();
    const std::vector<std::string> names = t_.disk().List(kViewDirectory).value();
    for (const std::string& name : names) {
      files_[name] = runtime::ReadFile(t_.disk(), Path(name)).value();
    }
    ASSERT_GT(files_.size(), 4U);
  }

  static std::string Path(const std::string& name) { return kViewDirectory + ("/" + name); }

  void Restore(const std::map<std::string, std::string>& files) {
    t_.Close();
    ASSERT_TRUE(t_.disk().RemoveAll(kViewDirectory).ok());
    ASSERT_TRUE(t_.disk().CreateDirectories(kViewDirectory).ok());
    for (const auto& [name, bytes] : files) {
      auto file = t_.disk().Create(Path(name));
      ASSERT_TRUE(file.ok() && (*file)->Append(bytes).ok() && (*file)->Sync().ok());
    }
    ASSERT_TRUE(t_.disk().SyncDirectory(kViewDirectory).ok());
  }

  // Opens the files with `bytes` in place of file `name`; nullopt: without it.
  void CheckWith(const std::string& name, const std::optional<std::string>& bytes) {
    std::map<std::string, std::string> files = files_;
    files.erase(name);
    if (bytes.has_value()) files[name] = *bytes;
    Restore(files);
    const Status opened = t_.Open();
    if (!opened.ok()) {
      ++refused_;
      ASSERT_EQ(opened.code(), Code::kCorrupt) << opened.ToString();
      return;
    }
    const auto after = after_.find(t_.view().recovered_mark());
    ASSERT_TRUE(after != after_.end()) << "a mark that was never written";
    if (after->first != "write 129") ++older_;
    CheckScans(after->second);
    CheckGets(after->second);
  }

  // Rows come in order up to an error; none is wrong or left out.
  void CheckScans(const ViewRows& rows) {
    bool corrupt = false;
    for (uint16_t shard = 0; shard < 8; ++shard) {
      auto next = rows.lower_bound({shard, ""});
      const Status status =
          t_.view().Scan(ShardId(shard), "", "", [&](std::string_view key, std::string_view row) {
            const bool right = next != rows.end() && next->first.first == shard &&
                               next->first.second == key && next->second == row;
            EXPECT_TRUE(right) << "wrong row, or one is left out before it";
            if (right) ++next;
            return right;
          });
      if (status.ok()) {
        EXPECT_TRUE(next == rows.end() || next->first.first > shard) << "rows are missing";
      } else {
        EXPECT_EQ(status.code(), Code::kCorrupt) << status.ToString();
        corrupt = true;
      }
    }
    if (corrupt) ++corrupt_;
  }

  void CheckGets(const ViewRows& rows) {
    for (uint16_t shard = 0; shard < 8; ++shard) {
      for (int i = 0; i < 30; ++i) {
        const std::string key = "key " + std::to_string(i);
        const auto got = t_.Get(shard, key);
        if (!got.ok()) {
          EXPECT_EQ(got.status().code(), Code::kCorrupt) << got.status().ToString();
          continue;
        }
        const auto it = rows.find({shard, key});
        EXPECT_EQ(*got, it == rows.end() ? std::nullopt : std::optional(it->second));
      }
    }
  }

  // Every offset of a small file and of a table's end, where its index and footer are; else some.
  std::vector<size_t> OffsetsOf(const std::string& name) {
    const size_t size = files_[name].size();
    std::vector<size_t> offsets;
    for (size_t at = 0; at < size;) {
      offsets.push_back(at);
      const bool all = !name.ends_with(".ldb") || at + 120 > size;
      at += all ? 1 : std::min<size_t>(1 + t_.Below(2 * size / 1'000), size - 100 - at);
    }
    return offsets;
  }

  ViewFixture t_{3};
  std::map<std::optional<std::string>, ViewRows> after_;  // by mark
  std::map<std::string, std::string> files_;
  int refused_ = 0;
  int older_ = 0;
  int corrupt_ = 0;
};

TEST_F(ViewDamage, OfAnyByteGivesRightRowsOrCorrupt) {
  int flips = 0;
  for (const auto& [name, bytes] : files_) {
    for (const size_t at : OffsetsOf(name)) {
      SCOPED_TRACE(name + " at " + std::to_string(at) + " of " + std::to_string(bytes.size()));
      std::string damaged = bytes;
      damaged[at] ^= static_cast<char>(1 << t_.Below(8));
      CheckWith(name, damaged);
      ++flips;
      if (HasFailure()) return;
    }
  }
  std::cout << flips << " flips: refused " << refused_ << ", older " << older_ << ", corrupt rows "
            << corrupt_ << "\n";
  EXPECT_GT(refused_, 0);
  EXPECT_GT(corrupt_, 0);
}

TEST_F(ViewDamage, OfWholeFilesGivesRightRowsOrCorrupt) {
  for (const auto& [name, bytes] : files_) {
    SCOPED_TRACE(name);
    CheckWith(name, std::nullopt);
    for (size_t part = 0; part < 8; ++part) {
      SCOPED_TRACE("cut or zeroed behind " + std::to_string(part) + " eighths");
      const size_t begin = bytes.size() * part / 8;
      CheckWith(name, bytes.substr(0, begin));
      std::string zeroed = bytes;
      std::fill(zeroed.begin() + begin, zeroed.end(), '\0');
      CheckWith(name, zeroed);
      zeroed = bytes;
      std::fill(zeroed.begin() + begin, zeroed.begin() + bytes.size() * (part + 1) / 8, '\0');
      CheckWith(name, zeroed);
      CheckWith(name, bytes + bytes.substr(begin));
      if (HasFailure()) return;
    }
  }
}

TEST_F(ViewDamage, OfTheFormatIsRefused) {
  ASSERT_TRUE(t_.Open().ok());
  // Shard 65535 is where the view keeps what is not a row.
  ASSERT_TRUE(t_.Put(0xffff, "format", "2").ok());
  ASSERT_TRUE(t_.view().Flush().ok());
  EXPECT_EQ(t_.Open().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(t_.Remove().ok());
  EXPECT_TRUE(t_.Open().ok());
}

TEST_F(ViewDamage, RowsWithoutAFormatAreRefused) {
  ASSERT_TRUE(t_.Open().ok());
  ASSERT_TRUE(t_.Erase(0xffff, "format").ok());
  ASSERT_TRUE(t_.view().Flush().ok());
  EXPECT_EQ(t_.Open().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace tokura::node
