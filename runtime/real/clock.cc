#include <sys/random.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "runtime/real/real_runtime.h"

namespace tokura::runtime::real {
namespace {

class SystemClock final : public Clock {
 public:
  int64_t NowUs() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  }
  std::chrono::nanoseconds Monotonic() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};

// The kernel's generator, fetched in blocks because a system call costs more than 256 bytes.
class SystemRandom final : public Random {
 public:
  uint64_t Next() override {
    const std::lock_guard lock(mutex_);
    if (next_ == block_.size()) Refill();
    return block_[next_++];
  }

 private:
  void Refill() {
    char* bytes = reinterpret_cast<char*>(block_.data());
    for (size_t filled = 0; filled < sizeof(block_);) {
      const ssize_t n = ::getrandom(bytes + filled, sizeof(block_) - filled, 0);
      TOKURA_CHECK(n > 0 || errno == EINTR);
      if (n > 0) filled += static_cast<size_t>(n);
    }
    next_ = 0;
  }

  std::mutex mutex_;
  std::array<uint64_t, 32> block_{};
  size_t next_ = block_.size();
};

}  // namespace

std::unique_ptr<Clock> MakeClock() { return std::make_unique<SystemClock>(); }
std::unique_ptr<Random> MakeRandom() { return std::make_unique<SystemRandom>(); }

}  // namespace tokura::runtime::real
