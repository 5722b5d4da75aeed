// Random lives of a view, from seeds: after any crash it is what it was after some Write, not
// before the last flush, with the mark of that Write; and it always reads as a map would.
#include <gtest/gtest.h>

#include <memory>

#include "tests/node/view_fixture.h"

namespace tokura::node {
namespace {

class ViewCrash : public testing::TestWithParam<int> {
 protected:
  void Live(ViewFixture& t) {
    ASSERT_TRUE(t.Open().ok());
    const ViewContent recovered = t.Recovered().value();
    ASSERT_TRUE(history_.GoOnFrom(recovered))
        << "rows " << recovered.rows.size() << " mark " << recovered.mark.value_or("none");
    for (uint64_t i = t.Below(150); i > 0; --i) {
      switch (t.Below(12)) {
        case 0:
          ASSERT_TRUE(t.view().Flush().ok());
          history_.Flushed();
          break;
        case 1:
          ASSERT_EQ(ViewFixture::RowsOf(t.view()).value(), history_.now().rows);
          break;
        case 2:
          CheckImage(t);
          image_ = t.view().TakeImage();
          image_rows_ = history_.now().rows;
          break;
        case 3:
          CheckGet(t);
          break;
        default: {
          const ViewWrite write = t.RandomWrite(60, 3'000);
          ASSERT_TRUE(t.Write(write).ok());
          history_.Wrote(write);
        }
      }
    }
    CheckImage(t);
    if (t.Below(4) == 0) {
      t.Close();
    } else {
      t.Crash();
    }
  }

  void CheckImage(ViewFixture& t) {
    if (image_ == nullptr) return;
    ASSERT_EQ(ViewFixture::RowsOf(*image_).value(), image_rows_);
    image_.reset();
  }

  void CheckGet(ViewFixture& t) {
    std::vector<std::string> names;
    for (uint64_t i = t.Below(20); i > 0; --i) {
      names.push_back("key " + std::to_string(t.Below(60)));
    }
    std::vector<View::Key> keys;
    for (const std::string& name : names) {
      keys.push_back({ShardId(static_cast<uint16_t>(t.Below(8))), name});
    }
    std::vector<std::optional<std::string>> rows(keys.size());
    ASSERT_TRUE(t.view().Get(keys, rows).ok());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto it = history_.now().rows.find({keys[i].shard.value, names[i]});
      const bool there = it != history_.now().rows.end();
      ASSERT_EQ(rows[i], there ? std::optional(it->second) : std::nullopt);
    }
  }

  ViewHistory history_;
  std::unique_ptr<View::Image> image_;
  ViewRows image_rows_;
};

TEST_P(ViewCrash, LeavesWhatTheViewWasAfterSomeWrite) {
  ViewFixture t(static_cast<uint64_t>(GetParam()));
  for (int life = 0; life < 12; ++life) {
    SCOPED_TRACE("life " + std::to_string(life));
    Live(t);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ViewCrash, testing::Range(1, 41));

}  // namespace
}  // namespace tokura::node
