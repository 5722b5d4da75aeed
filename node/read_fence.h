// ReadFence: which rows were written to the view while ranges of it were read.
//
// A range is read on the blocking pool while its thread goes on. A row that comes, is written to
// the view and leaves memory meanwhile is neither in what was read nor in memory; whoever reads a
// range asks here, and reads again. (Rows that were read are guarded by RowTable's load tickets.)
//
// Lives on the thread of the rows. Its memory is bounded by what is written during the longest
// read.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tokura::node {

class ReadFence {
 public:
  uint64_t Begin() { return *active_.insert(clock_); }
  void End(uint64_t begun);
  size_t reads() const { return active_.size(); }

  // The view has a newer row of `key`, which may leave memory from now on.
  void NoteWritten(std::string_view key);
  // Calls `visit` for keys written since, in no order, perhaps more than once, until it returns
  // false. Returns whether it never did.
  template <typename Visitor>
  bool AllWrittenSince(uint64_t begun, const Visitor& visit) const {
    for (auto it = order_.rbegin(); it != order_.rend() && it->first > begun; ++it) {
      if (!visit(std::string_view(*it->second))) return false;
    }
    return true;
  }

 private:
  uint64_t clock_ = 0;
  std::multiset<uint64_t> active_;
  std::unordered_map<std::string, uint64_t> written_;  // key -> when last
  std::deque<std::pair<uint64_t, const std::string*>> order_;
};

}  // namespace tokura::node
