// MemoryBudget: how many bytes of requests and unsent answers a process holds at once, over all its
// connections and threads. Who cannot have its bytes refuses the request; nobody waits.
#pragma once

#include <atomic>
#include <cstddef>

#include "runtime/metrics.h"

namespace tokura::runtime {

// Thread-safe. Outlives every Share.
class MemoryBudget {
 public:
  // `metrics` outlives it.
  MemoryBudget(size_t bytes_max, Metrics& metrics);

  // A holder's part of the budget; gives it back at destruction. One thread at a time.
  class Share {
   public:
    Share() = default;
    explicit Share(MemoryBudget& budget) : budget_(&budget) {}
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    ~Share();
    // Makes the share `bytes` large; false, and unchanged, if there is not so much left. Shrinking
    // always works. Without a budget everything works.
    bool Resize(size_t bytes);
    // The same for bytes that are there already, as an answer is: even beyond the budget, which
    // then refuses others.
    void Hold(size_t bytes);
    size_t bytes() const { return bytes_; }

   private:
    MemoryBudget* budget_ = nullptr;
    size_t bytes_ = 0;
  };

  size_t bytes() const { return held_.load(std::memory_order_relaxed); }
  size_t bytes_max() const { return bytes_max_; }
  // Three quarters are taken: what is left is for those who do not hold much.
  bool is_short() const { return bytes() > bytes_max_ / 4 * 3; }

 private:
  bool Take(size_t bytes);
  void Hold(size_t bytes);
  void Give(size_t bytes);

  const size_t bytes_max_;
  std::atomic<size_t> held_ = 0;
  Gauge& held_gauge_;
  Counter& refused_;
};

}  // namespace tokura::runtime
