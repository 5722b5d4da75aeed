#include "node/read_fence.h"

namespace tokura::node {

void ReadFence::End(uint64_t begun) {
  active_.erase(active_.find(begun));
  const uint64_t oldest = active_.empty() ? clock_ : *active_.begin();
  while (!order_.empty() && order_.front().first <= oldest) {
    const auto [when, key] = order_.front();
    order_.pop_front();
    const auto it = written_.find(*key);
    // Only the last mention of a key ends it; earlier ones are left from repeated writes.
    if (it != written_.end() && it->second == when) written_.erase(it);
  }
}

void ReadFence::NoteWritten(std::string_view key) {
  if (active_.empty()) return;
  const auto it = written_.try_emplace(std::string(key)).first;
  it->second = ++clock_;
  order_.emplace_back(clock_, &it->first);
}

}  // namespace tokura::node
