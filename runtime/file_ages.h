// FileAges: what a file system of an object store can tell beside what all can. Locks do not reach
// the other machines that write there, so how old a file is has to tell whether anybody is at it.
#pragma once

#include <chrono>
#include <string>

#include "core/status.h"

namespace tokura::runtime {

class FileAges {
 public:
  virtual ~FileAges() = default;
  // How long ago a file got its content, by the clock of whoever keeps it.
  virtual Result<std::chrono::seconds> Age(const std::string& path) = 0;
};

}  // namespace tokura::runtime
