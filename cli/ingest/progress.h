// Progress of something long: a bar with rate and time left on a terminal, a line now and then
// elsewhere. Cheap to call for every row.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/program/console.h"
#include "runtime/executor.h"

namespace tokura::cli {

class Progress {
 public:
  // `what` is in front of the line: a file's name.
  Progress(Console& console, runtime::Clock& clock, std::string what);
  ~Progress();  // removes the bar
  // `rows` done; `done` of `total` units of whatever tells how far it is (0: unknown).
  void Update(uint64_t rows, uint64_t done, uint64_t total);

 private:
  Console& console_;
  runtime::Clock& clock_;
  std::string what_;
  std::chrono::nanoseconds began_;
  std::chrono::nanoseconds shown_;
};

// "flights.csv   45% [#########-----------] 1,234,567 rows, 85,000 rows/s, 12 s left".
std::string ProgressLine(const std::string& what, uint64_t rows, uint64_t done, uint64_t total,
                         double seconds);

}  // namespace tokura::cli
