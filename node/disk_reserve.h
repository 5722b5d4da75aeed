// DiskReserve: keeps a node from filling its disk. Below the reserve writes are refused, while
// deletes, which make room in time, and what the node itself must write still fit.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/sync.h"

namespace tokura::node {

// Lives on one executor; Check may be called on any thread. Free space is asked for off the loop,
// every second, and five times as often when little is left.
class DiskReserve {
 public:
  struct World {
    runtime::Executor& home;
    runtime::FileSystem& files;
    runtime::BlockingPool& blocking;
    runtime::Metrics& metrics;
    runtime::Logger& logger;
  };
  // All outlive it. Without `reserve_bytes`: 256 MiB, or 1 % of the disk if that is less.
  DiskReserve(World world, std::string directory, std::optional<uint64_t> reserve_bytes);

  // Returns once it knows how much is free.
  runtime::Task<void> Start();
  // Of a record's canonical bytes: RESOURCE_EXHAUSTED, which names the directory and the reserve.
  // Deletes pass until only a quarter of the reserve is left.
  Status Check(std::string_view record) const;
  bool low() const { return level_.load(std::memory_order_relaxed) != Level::kFree; }
  // Does nothing if it was not started.
  runtime::Task<void> Stop();

 private:
  enum class Level { kFree, kDeletesOnly, kFull };

  runtime::Task<void> Poll();
  runtime::Task<void> Look();
  void Settle(uint64_t free_bytes);

  World world_;
  const std::string directory_;
  std::optional<uint64_t> reserve_bytes_;  // set by the first look at the latest
  std::atomic<Level> level_ = Level::kFree;
  bool near_ = false;     // little more than the reserve is left
  bool unknown_ = false;  // the last look failed, and that was logged
  bool stopping_ = false;
  runtime::Gauge& free_gauge_;
  runtime::Gauge& reserve_gauge_;
  runtime::Gauge& low_gauge_;
  runtime::Counter& refused_;
  runtime::Signal stop_signal_;
  runtime::TaskGroup tasks_;
};

}  // namespace tokura::node
