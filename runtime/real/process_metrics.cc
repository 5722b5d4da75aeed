#include "runtime/real/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <memory>

namespace tokura::runtime::real {
namespace {

// Bytes of this process in memory; 0 where /proc is not to be had.
double ResidentBytes() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                   &std::fclose);
  unsigned long total = 0, resident = 0;
  if (file == nullptr || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (directory == nullptr) return 0;
  int entries = 0;
  while (::readdir(directory.get()) != nullptr) ++entries;
  return entries - 3;  // ".", "..", and the directory itself
}

double OpenFilesMax() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double CpuSeconds() {
  timespec spent{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) != 0) return 0;
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

}  // namespace

std::function<void()> MakeProcessMetrics(Metrics& metrics) {
  metrics
      .gauge("tokura_process_start_time_seconds", "When the process started, since the Unix epoch.")
      .Set(static_cast<double>(std::time(nullptr)));
  Gauge& resident =
      metrics.gauge("tokura_process_resident_memory_bytes", "Memory that is resident.");
  Gauge& files = metrics.gauge("tokura_process_open_fds", "Open file descriptors.");
  Gauge& files_max = metrics.gauge("tokura_process_max_fds", "File descriptors that may be open.");
  Counter& cpu = metrics.counter("tokura_process_cpu_seconds_total", "CPU time, user and system.");
  auto spent = std::make_shared<double>(0);  // joint owners: the copies of the function
  return [&resident, &files, &files_max, &cpu, spent] {
    resident.Set(ResidentBytes());
    files.Set(OpenFiles());
    files_max.Set(OpenFilesMax());
    const double now = CpuSeconds();
    cpu.Add(now - *spent);
    *spent = now;
  };
}

}  // namespace tokura::runtime::real
