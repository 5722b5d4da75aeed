// SimWorld: a whole cluster in one thread from one seed. Virtual time, an event queue ordered by
// (time, random tie-break, insertion), in-memory disks that lose unsynced bytes in a crash, and
// in-memory streams with random delay. The same seed and program give the same trace hash.
//
//   SimWorld world(seed);
//   SimProcess& node = world.AddProcess("n1");
//   ... construct a Node on node.executor(), node.transport(), node.files() ...
//   world.RunUntil([&] { return done; });
//   node.Crash();      // drops its queued work, cuts its connections, loses unsynced bytes;
//   node_object.reset();   // then the owner destroys what ran there,
//   node.Restart();        // and builds it anew
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/task.h"
#include "runtime/transport.h"

namespace tokura::runtime::sim {

struct SimOptions {
  int64_t start_us = 1'767'225'600'000'000;  // wall clock at time zero: 2026-01-01T00:00:00Z
  std::chrono::nanoseconds delay_min = std::chrono::microseconds(20);  // of one chunk on a stream
  std::chrono::nanoseconds delay_max = std::chrono::microseconds(500);
  std::chrono::nanoseconds fsync_max = std::chrono::milliseconds(5);
};

// One process: an executor, a transport and a disk of its own. Outlives crashes.
// Crash is a power cut of the disk if no other process that shares it is up: a random mix of
// what was not synced survives, per file and per directory. Else it is a kill: files lose nothing.
// Either way open files answer UNAVAILABLE, locks are free, and peers see a cut or an end of
// stream. Call Crash from outside the process.
class SimProcess {
 public:
  virtual ~SimProcess() = default;
  virtual Executor& executor() = 0;
  virtual Transport& transport() = 0;
  virtual FileSystem& files() = 0;
  virtual BlockingPool& blocking() = 0;
  // What runs on the process now takes so much time of its one thread: work posted to it waits so
  // much longer. Without it work is (almost) free.
  virtual void Burn(std::chrono::nanoseconds cpu) = 0;
  virtual void Crash() = 0;
  virtual void Restart() = 0;
};

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed, SimOptions options = {});
  ~SimWorld();
  Clock& clock();
  Random& random();  // seeded; also what tests draw from
  // Processes that share a disk (tokura up) name the same `disk`; default: their own name.
  SimProcess& AddProcess(const std::string& name, const std::string& disk = "");
  // A disk outside any process, to look at.
  FileSystem& disk(const std::string& name);
  // One bit of a file goes wrong, under whoever has it open. REQUIRES: the file has the byte.
  void FlipBit(const std::string& disk, const std::string& path, uint64_t offset, int bit);
  // Runs events until `done` or `limit` of virtual time passed; returns whether done.
  bool RunUntil(std::function<bool()> done, std::chrono::nanoseconds limit = std::chrono::hours(1));
  void RunFor(std::chrono::nanoseconds virtual_time);
  // Starts `task` on `process`; owned by the world until it ends or the process crashes.
  void Spawn(SimProcess& process, Task<void> task);
  void Trace(std::string_view note);  // mixes `note` into the trace hash
  uint64_t trace_hash() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokura::runtime::sim
