#include "node/read_fence.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tokura::node {
namespace {

std::set<std::string> Written(const ReadFence& fence, uint64_t begun) {
  std::set<std::string> keys;
  fence.AllWrittenSince(begun, [&](std::string_view key) {
    keys.emplace(key);
    return true;
  });
  return keys;
}

TEST(ReadFence, TellsWhatWasWrittenSinceARead) {
  ReadFence fence;
  const uint64_t first = fence.Begin();
  fence.NoteWritten("a");
  const uint64_t second = fence.Begin();
  fence.NoteWritten("b");
  EXPECT_EQ(Written(fence, first), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(Written(fence, second), (std::set<std::string>{"b"}));
}

TEST(ReadFence, KeepsAKeyThatWasWrittenAgain) {
  ReadFence fence;
  const uint64_t first = fence.Begin();
  fence.NoteWritten("a");
  const uint64_t second = fence.Begin();
  fence.NoteWritten("a");
  fence.End(first);
  EXPECT_EQ(Written(fence, second), (std::set<std::string>{"a"}));
}

TEST(ReadFence, EndsWhereTheVisitorDoes) {
  ReadFence fence;
  const uint64_t begun = fence.Begin();
  fence.NoteWritten("a");
  EXPECT_FALSE(fence.AllWrittenSince(begun, [](std::string_view) { return false; }));
  EXPECT_TRUE(fence.AllWrittenSince(begun, [](std::string_view) { return true; }));
}

TEST(ReadFence, RemembersNothingWhenNobodyReads) {
  ReadFence fence;
  fence.NoteWritten("a");
  const uint64_t begun = fence.Begin();
  EXPECT_TRUE(Written(fence, begun).empty());
  fence.NoteWritten("b");
  fence.End(begun);
  EXPECT_TRUE(Written(fence, 0).empty());
}

}  // namespace
}  // namespace tokura::node
