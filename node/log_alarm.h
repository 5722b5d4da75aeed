// LogAlarm: makes damage to the log loud, whoever met it: one line for each place, and a metric.
// Thread-safe.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "core/status.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"

namespace tokura::node {

class LogAlarm {
 public:
  LogAlarm(runtime::Logger& logger, runtime::Metrics& metrics)
      : logger_(logger),
        corrupt_(metrics.counter("tokura_log_corrupt_total",
                                 "Reads of the log that met damage: restore the file named in "
                                 "the process's log.")) {}

  // No effect unless it is CORRUPT.
  void Note(const Status& status) {
    if (status.code() != Code::kCorrupt) return;
    corrupt_.Add();
    const std::scoped_lock lock(mutex_);
    if (told_.size() >= kPlacesMax || !told_.insert(status.message()).second) return;
    logger_.Error("the log is damaged: " + status.message());
  }

 private:
  static constexpr size_t kPlacesMax = 100;

  runtime::Logger& logger_;
  runtime::Counter& corrupt_;
  std::mutex mutex_;
  std::set<std::string> told_;
};

}  // namespace tokura::node
