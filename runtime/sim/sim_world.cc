#include "runtime/sim/sim_world.h"

#include <map>
#include <utility>
#include <vector>

#include "runtime/sim/network.h"
#include "runtime/sim/process.h"
#include "runtime/sim/sim_files.h"
#include "runtime/sync.h"

namespace tokura::runtime::sim {
namespace {

class SimClock final : public Clock {
 public:
  SimClock(const Scheduler& scheduler, int64_t start_us)
      : scheduler_(scheduler), start_us_(start_us) {}
  int64_t NowUs() const override { return start_us_ + scheduler_.now().count() / 1'000; }
  std::chrono::nanoseconds Monotonic() const override { return scheduler_.now(); }

 private:
  const Scheduler& scheduler_;
  const int64_t start_us_;
};

class Process final : public SimProcess {
 public:
  Process(Scheduler& scheduler, Network& network, SimDisk& disk, const SimOptions& options,
          OwnerId owner)
      : scheduler_(scheduler),
        network_(network),
        disk_(disk),
        executor_(scheduler, owner),
        transport_(network, executor_),
        files_(disk),
        blocking_(scheduler, executor_, options.fsync_max) {
    disk_.AddUser(owner);
    tasks_.emplace(executor_);
  }

  Executor& executor() override { return executor_; }
  Transport& transport() override { return transport_; }
  FileSystem& files() override { return files_; }
  BlockingPool& blocking() override { return blocking_; }
  void Burn(std::chrono::nanoseconds cpu) override { executor_.Burn(cpu); }

  void Crash() override {
    // A process cannot destroy the frame that is running.
    TOKURA_CHECK(scheduler_.running() != executor_.owner());
    if (!executor_.up()) return;
    executor_.GoDown();
    network_.Cut(executor_.owner());
    files_.GoDown();
    disk_.UserCrashed(executor_.owner());
    tasks_.reset();
  }

  void Restart() override {
    TOKURA_CHECK(!executor_.up());
    executor_.ComeUp();
    files_.ComeUp();
    disk_.AddUser(executor_.owner());
    tasks_.emplace(executor_);
  }

  void Spawn(Task<void> task) {
    TOKURA_CHECK(executor_.up());
    tasks_->Spawn(std::move(task));
  }
  // The end of the world: nothing is lost, nothing runs any more.
  void End() {
    executor_.GoDown();
    tasks_.reset();
  }

 private:
  Scheduler& scheduler_;
  Network& network_;
  SimDisk& disk_;
  SimExecutor executor_;
  SimTransport transport_;
  SimFiles files_;
  SimBlockingPool blocking_;
  std::optional<TaskGroup> tasks_;  // of SimWorld::Spawn
};

}  // namespace

class SimWorld::Impl {
 public:
  Impl(uint64_t seed, SimOptions options)
      : options_(options),
        scheduler_(seed),
        clock_(scheduler_, options.start_us),
        random_(~seed),
        network_(scheduler_, options) {}

  ~Impl() {
    for (const auto& process : processes_) process->End();
  }

  Clock& clock() { return clock_; }
  Random& random() { return random_; }
  Scheduler& scheduler() { return scheduler_; }

  SimProcess& AddProcess(const std::string& name, const std::string& disk) {
    const auto owner = static_cast<OwnerId>(processes_.size() + 1);
    processes_.push_back(std::make_unique<Process>(
        scheduler_, network_, DiskOf(disk.empty() ? name : disk).disk, options_, owner));
    return *processes_.back();
  }

  FileSystem& disk(const std::string& name) { return DiskOf(name).view; }
  void FlipBit(const std::string& disk, const std::string& path, uint64_t offset, int bit) {
    DiskOf(disk).disk.FlipBit(path, offset, bit);
  }

  bool RunUntil(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    const Scheduler::Time until = scheduler_.now() + limit;
    while (!done()) {
      if (!scheduler_.RunNext(until)) return done();
    }
    return true;
  }

 private:
  struct Disk {
    explicit Disk(Scheduler& scheduler) : disk(scheduler), view(disk) {}
    SimDisk disk;
    SimFiles view;
  };

  Disk& DiskOf(const std::string& name) {
    std::unique_ptr<Disk>& disk = disks_[name];
    if (disk == nullptr) disk = std::make_unique<Disk>(scheduler_);
    return *disk;
  }

  const SimOptions options_;
  // Destroyed last to first: events and tasks refer to all that stands before them.
  std::map<std::string, std::unique_ptr<Disk>> disks_;
  Scheduler scheduler_;
  SimClock clock_;
  SeededRandom random_;
  Network network_;
  std::vector<std::unique_ptr<Process>> processes_;
};

SimWorld::SimWorld(uint64_t seed, SimOptions options)
    : impl_(std::make_unique<Impl>(seed, options)) {}
SimWorld::~SimWorld() = default;
Clock& SimWorld::clock() { return impl_->clock(); }
Random& SimWorld::random() { return impl_->random(); }
SimProcess& SimWorld::AddProcess(const std::string& name, const std::string& disk) {
  return impl_->AddProcess(name, disk);
}
FileSystem& SimWorld::disk(const std::string& name) { return impl_->disk(name); }
void SimWorld::FlipBit(const std::string& disk, const std::string& path, uint64_t offset, int bit) {
  impl_->FlipBit(disk, path, offset, bit);
}
bool SimWorld::RunUntil(std::function<bool()> done, std::chrono::nanoseconds limit) {
  return impl_->RunUntil(done, limit);
}
void SimWorld::RunFor(std::chrono::nanoseconds virtual_time) {
  impl_->RunUntil([] { return false; }, virtual_time);
}
void SimWorld::Spawn(SimProcess& process, Task<void> task) {
  static_cast<Process&>(process).Spawn(std::move(task));
}
void SimWorld::Trace(std::string_view note) { impl_->scheduler().Note(note); }
uint64_t SimWorld::trace_hash() const { return impl_->scheduler().trace_hash(); }

}  // namespace tokura::runtime::sim
