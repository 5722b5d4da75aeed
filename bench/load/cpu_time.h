// CPU time of processes, as the kernel accounts it (utime + stime of /proc/PID/stat, with the
// children that it waited for).
#pragma once

#include <span>

#include "core/status.h"

namespace tokura::bench {

// Seconds, summed; in steps of a clock tick (10 ms). UNAVAILABLE when a process is gone.
Result<double> CpuSecondsOf(std::span<const int> pids);
// Of this process, exact.
double OwnCpuSeconds();

}  // namespace tokura::bench
