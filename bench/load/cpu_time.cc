#include "bench/load/cpu_time.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace tokura::bench {
namespace {

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

}  // namespace

Result<double> CpuSecondsOf(std::span<const int> pids) {
  const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  double seconds = 0;
  for (const int pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(file, line)) {
      return Unavailable("process " + std::to_string(pid) + " is gone");
    }
    // The second field is the name in parentheses, which may hold spaces: fields 3 and on follow
    // its last parenthesis. utime, stime, cutime and cstime are fields 14 to 17.
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    for (int field = 14; field <= 17; ++field) {
      double ticks = 0;
      fields >> ticks;
      seconds += ticks / ticks_per_second;
    }
  }
  return seconds;
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

}  // namespace tokura::bench
