#include "node/disk_reserve.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/record.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kReserveBytes = uint64_t{256} << 20;
constexpr uint64_t kReserveShare = 100;  // of the disk: 1 %
constexpr uint64_t kNearBytes = uint64_t{2} << 30;
constexpr auto kLookEvery = 1s;
constexpr auto kLookEveryNear = 200ms;

bool IsDelete(std::string_view bytes) {
  const Result<Record> record = DecodeRecord(bytes);
  if (!record.ok()) return false;
  if (record->delete_row) return true;
  return !record->cells.empty() &&
         std::all_of(record->cells.begin(), record->cells.end(),
                     [](const Cell& cell) { return cell.state == CellState::kDelete; });
}

}  // namespace

DiskReserve::DiskReserve(World world, std::string directory, std::optional<uint64_t> reserve_bytes)
    : world_(world),
      directory_(std::move(directory)),
      reserve_bytes_(reserve_bytes),
      free_gauge_(world_.metrics.gauge("tokura_node_disk_free_bytes",
                                       "Free space where the node keeps its log.")),
      reserve_gauge_(
          world_.metrics.gauge("tokura_node_disk_reserve_bytes",
                               "Free space below which writes are refused (--disk-reserve).")),
      low_gauge_(world_.metrics.gauge("tokura_node_disk_low",
                                      "1 while writes are refused for want of disk, else 0.")),
      refused_(world_.metrics.counter("tokura_node_disk_refused_total",
                                      "Records refused for want of disk.")),
      stop_signal_(world_.home),
      tasks_(world_.home) {}

runtime::Task<void> DiskReserve::Start() {
  co_await Look();
  tasks_.Spawn(Poll());
}

runtime::Task<void> DiskReserve::Stop() {
  stopping_ = true;
  stop_signal_.NotifyAll();
  co_await tasks_.Join();
}

Status DiskReserve::Check(std::string_view record) const {
  const Level level = level_.load(std::memory_order_relaxed);
  if (level == Level::kFree) return OkStatus();
  if (level == Level::kDeletesOnly && IsDelete(record)) return OkStatus();
  refused_.Add();
  return ResourceExhausted("the disk of " + directory_ +
                           " is full up to its reserve; make room there");
}

runtime::Task<void> DiskReserve::Poll() {
  while (!stopping_) {
    (void)co_await stop_signal_.WaitFor(near_ ? std::chrono::nanoseconds(kLookEveryNear)
                                              : std::chrono::nanoseconds(kLookEvery));
    if (!stopping_) co_await Look();
  }
}

runtime::Task<void> DiskReserve::Look() {
  struct Space {
    Result<uint64_t> free = uint64_t{0};
    Result<uint64_t> total = uint64_t{0};
  };
  auto space = std::make_shared<Space>();  // joint owners: this look and the blocking pool
  auto work = [space, &files = world_.files, directory = directory_] {
    space->free = files.FreeBytes(directory);
    space->total = files.TotalBytes(directory);
  };
  co_await runtime::RunBlocking(world_.blocking, world_.home, std::move(work));
  const Status status = space->free.ok() ? space->total.status() : space->free.status();
  if (!status.ok()) {
    // As before: the log finds out by itself when a write does not fit.
    if (!std::exchange(unknown_, true)) {
      world_.logger.Warning("free space is not known: " + status.message());
    }
    co_return;
  }
  unknown_ = false;
  if (!reserve_bytes_.has_value()) {
    reserve_bytes_ = std::min(kReserveBytes, *space->total / kReserveShare);
  }
  Settle(*space->free);
}

void DiskReserve::Settle(uint64_t free_bytes) {
  const uint64_t reserve = *reserve_bytes_;
  const Level before = level_.load(std::memory_order_relaxed);
  // It is left a little above where it is entered, so that one cut segment does not make it flap.
  const uint64_t enough = before == Level::kFree ? reserve : reserve + reserve / 4;
  Level level = Level::kFree;
  if (free_bytes < reserve / 4) {
    level = Level::kFull;
  } else if (free_bytes < enough) {
    level = Level::kDeletesOnly;
  }
  near_ = free_bytes < reserve + kNearBytes;
  level_.store(level, std::memory_order_relaxed);
  free_gauge_.Set(static_cast<double>(free_bytes));
  reserve_gauge_.Set(static_cast<double>(reserve));
  low_gauge_.Set(level == Level::kFree ? 0 : 1);
  if ((level == Level::kFree) == (before == Level::kFree)) return;
  const std::vector<runtime::LogField> fields = {
      {"directory", directory_}, {"free_bytes", free_bytes}, {"reserve_bytes", reserve}};
  if (level == Level::kFree) {
    world_.logger.LogEvent(runtime::LogLevel::kInfo, "the disk has room again: writes are accepted",
                           fields);
  } else {
    world_.logger.LogEvent(runtime::LogLevel::kError,
                           "the disk is full up to its reserve: writes are refused, deletes and "
                           "reads go on; make room",
                           fields);
  }
}

}  // namespace tokura::node
