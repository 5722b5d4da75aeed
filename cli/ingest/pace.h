// Pace: holds a number of rows to a rate, from its first row on.
#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/executor.h"

namespace tokura::cli {

class Pace {
 public:
  // 0: as fast as it goes.
  Pace(runtime::Clock& clock, uint64_t rows_per_second)
      : clock_(clock), rows_per_second_(rows_per_second), began_(clock.Monotonic()) {}

  // How long to wait before row number `rows` + 1; zero or less: not at all.
  std::chrono::nanoseconds Early(uint64_t rows) const {
    if (rows_per_second_ == 0) return {};
    const std::chrono::duration<double> due(static_cast<double>(rows) /
                                            static_cast<double>(rows_per_second_));
    return std::chrono::duration_cast<std::chrono::nanoseconds>(due) -
           (clock_.Monotonic() - began_);
  }

 private:
  runtime::Clock& clock_;
  const uint64_t rows_per_second_;
  const std::chrono::nanoseconds began_;
};

}  // namespace tokura::cli
