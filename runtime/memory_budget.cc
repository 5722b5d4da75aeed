#include "runtime/memory_budget.h"

#include <utility>

namespace tokura::runtime {

MemoryBudget::MemoryBudget(size_t bytes_max, Metrics& metrics)
    : bytes_max_(bytes_max),
      held_gauge_(metrics.gauge("tokura_process_request_bytes",
                                "Bytes of requests being received or answered, and of "
                                "answers not yet sent.")),
      refused_(metrics.counter("tokura_process_request_bytes_refused_total",
                               "Requests refused because the memory for requests was taken.")) {
  metrics
      .gauge("tokura_process_request_bytes_limit",
             "Bytes of requests that may be held at once (--request-memory).")
      .Set(static_cast<double>(bytes_max));
}

bool MemoryBudget::Take(size_t bytes) {
  const size_t before = held_.fetch_add(bytes, std::memory_order_relaxed);
  if (bytes > bytes_max_ || before > bytes_max_ - bytes) {
    held_.fetch_sub(bytes, std::memory_order_relaxed);
    refused_.Add();
    return false;
  }
  held_gauge_.Add(static_cast<double>(bytes));
  return true;
}

void MemoryBudget::Hold(size_t bytes) {
  held_.fetch_add(bytes, std::memory_order_relaxed);
  held_gauge_.Add(static_cast<double>(bytes));
}

void MemoryBudget::Give(size_t bytes) {
  held_.fetch_sub(bytes, std::memory_order_relaxed);
  held_gauge_.Add(-static_cast<double>(bytes));
}

MemoryBudget::Share::Share(Share&& other) noexcept
    : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}

MemoryBudget::Share& MemoryBudget::Share::operator=(Share&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MemoryBudget::Share::~Share() { Resize(0); }

bool MemoryBudget::Share::Resize(size_t bytes) {
  if (budget_ != nullptr && bytes > bytes_ && !budget_->Take(bytes - bytes_)) return false;
  if (budget_ != nullptr && bytes < bytes_) budget_->Give(bytes_ - bytes);
  bytes_ = bytes;
  return true;
}

void MemoryBudget::Share::Hold(size_t bytes) {
  if (budget_ != nullptr && bytes > bytes_) budget_->Hold(bytes - bytes_);
  if (budget_ != nullptr && bytes < bytes_) budget_->Give(bytes_ - bytes);
  bytes_ = bytes;
}

}  // namespace tokura::runtime
