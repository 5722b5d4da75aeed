// What a program of ours ends with (interface.md, "Command line").
#pragma once

#include "core/status.h"

namespace tokura::cli {

enum class Exit : int {
  kDone = 0,
  kDifference = 1,   // done, but rows were rejected or a check found a difference
  kRefused = 2,      // wrong usage or refused input
  kUnreachable = 3,  // not reachable or out of time
  kBroken = 4,       // corrupt or internal
};

// REQUIRES: !status.ok().
Exit ExitOf(const Status& status);

}  // namespace tokura::cli
