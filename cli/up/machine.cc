#include "cli/up/machine.h"

#include "cli/program/command_line.h"
#include "cli/program/flags.h"
#include "cli/program/machine_files.h"
#include "runtime/real/standard_input.h"

// jemalloc reads this before main. What a burst of writes needed goes back to the operating system
// a second after it, by a thread of jemalloc's own, so that no request pays for it.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

namespace tokura::cli {
namespace {

constexpr int kBlockingThreads = 4;

}  // namespace

Machine::Machine(const ServingFlags& flags)
    : clock(runtime::real::MakeClock()),
      random(runtime::real::MakeRandom()),
      files(MakeFiles(*clock, *random)),
      logger(runtime::real::MakeLogger(LogLevelOf(flags), LogFormatOf(flags))),
      blocking(runtime::real::MakeBlockingPool(kBlockingThreads)),
      background(runtime::real::MakeBlockingPool(kBlockingThreads)),
      metrics(runtime::real::MakeMetrics()),
      memory(std::make_unique<runtime::MemoryBudget>(BytesOf(flags.request_memory), *metrics)) {
  runtime::real::RaiseOpenFilesLimit();
  metrics
      ->gauge("tokura_process_build_info", "Always 1; the label says which version runs.",
              {{"version", ProgramVersion()}})
      .Set(1);
  runtime::Gauge& queued = metrics->gauge("tokura_process_blocking_queue",
                                          "Work that waits for one of the blocking threads.");
  metrics
      ->gauge("tokura_process_blocking_queue_limit",
              "Waiting work from which on large requests are refused (--blocking-queue).")
      .Set(static_cast<double>(flags.blocking_queue));
  metrics->OnExpose(
      [&queued, pool = blocking.get()] { queued.Set(static_cast<double>(pool->queued())); });
}

}  // namespace tokura::cli
