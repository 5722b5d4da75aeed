#include "runtime/sim/scheduler.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tokura::runtime::sim {

uint64_t SeededRandom::Next() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

Scheduler::~Scheduler() {
  // What an event holds may cancel or add events when it ends.
  while (!events_.empty()) {
    keys_.clear();
    const auto events = std::exchange(events_, {});
  }
}

Scheduler::EventId Scheduler::At(Time time, OwnerId owner, EventKind kind,
                                 std::function<void()> work) {
  const EventId id = ++last_id_;
  const Key key{std::max(time, now_), random_.Next(), id};
  events_.emplace(key, Event{owner, kind, std::move(work)});
  keys_.emplace(id, key);
  return id;
}

Scheduler::EventId Scheduler::After(Time delay, OwnerId owner, EventKind kind,
                                    std::function<void()> work) {
  // A century is for ever, and does not overflow.
  delay = std::clamp<Time>(delay, Time(0), std::chrono::hours(876'000));
  return At(now_ + delay, owner, kind, std::move(work));
}

void Scheduler::Cancel(EventId id) {
  const auto it = keys_.find(id);
  if (it == keys_.end()) return;
  const auto node = events_.extract(it->second);  // destroyed after both maps agree
  keys_.erase(it);
}

void Scheduler::Drop(OwnerId owner) {
  std::vector<Event> dropped;
  for (auto it = events_.begin(); it != events_.end();) {
    if (it->second.owner != owner) {
      ++it;
      continue;
    }
    dropped.push_back(std::move(it->second));
    keys_.erase(it->first.id);
    it = events_.erase(it);
  }
}

bool Scheduler::RunNext(Time until) {
  if (events_.empty() || events_.begin()->first.time > until) {
    now_ = std::max(now_, until);
    return false;
  }
  const auto node = events_.extract(events_.begin());
  keys_.erase(node.key().id);
  now_ = node.key().time;
  const Event& event = node.mapped();
  Mix(static_cast<uint64_t>(now_.count()));
  Mix(uint64_t{event.owner} << 8 | static_cast<uint8_t>(event.kind));
  running_ = event.owner;
  event.work();
  running_ = 0;
  return true;
}

Scheduler::Time Scheduler::Between(Time low, Time high) {
  return low + Time(static_cast<int64_t>(Below(static_cast<uint64_t>((high - low).count()) + 1)));
}

void Scheduler::Note(std::string_view note) {
  Mix(static_cast<uint64_t>(EventKind::kNote));
  for (const char c : note) Mix(static_cast<unsigned char>(c));
}

void Scheduler::Mix(uint64_t value) { trace_hash_ = SeededRandom(trace_hash_ ^ value).Next(); }

}  // namespace tokura::runtime::sim
