// Scheduler: virtual time and the one queue of events, with the one source of randomness that
// orders them and the hash of what ran. Internal to runtime/sim.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "runtime/executor.h"

namespace tokura::runtime::sim {

// SplitMix64: small, and the same on every machine.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override;

 private:
  uint64_t state_;
};

enum class EventKind : uint8_t { kPosted = 1, kTimer = 2, kBlocking = 3, kNetwork = 4, kNote = 5 };

// What an event belongs to: a process, from 1; a crash drops its events.
using OwnerId = uint32_t;

class Scheduler {
 public:
  using EventId = uint64_t;  // never 0
  using Time = std::chrono::nanoseconds;

  explicit Scheduler(uint64_t seed) : random_(seed) {}
  ~Scheduler();

  Time now() const { return now_; }
  // Which process runs now; 0 between events.
  OwnerId running() const { return running_; }

  EventId At(Time time, OwnerId owner, EventKind kind, std::function<void()> work);
  EventId After(Time delay, OwnerId owner, EventKind kind, std::function<void()> work);
  void Cancel(EventId id);  // no effect if it ran
  // Destroys the events of `owner` without running them.
  void Drop(OwnerId owner);

  // Runs the next event if it is due by `until`; else moves time there and returns false.
  bool RunNext(Time until);

  uint64_t Below(uint64_t n) { return n == 0 ? 0 : random_.Next() % n; }
  Time Between(Time low, Time high);

  void Note(std::string_view note);
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  // Simultaneous events run in random order; the id makes keys unique.
  struct Key {
    Time time;
    uint64_t tie;
    EventId id;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Event {
    OwnerId owner;
    EventKind kind;
    std::function<void()> work;
  };
  void Mix(uint64_t value);

  SeededRandom random_;
  Time now_{};
  OwnerId running_ = 0;
  EventId last_id_ = 0;
  uint64_t trace_hash_ = 0;
  std::map<Key, Event> events_;
  std::map<EventId, Key> keys_;
};

}  // namespace tokura::runtime::sim
