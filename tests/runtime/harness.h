// Runs the same coroutine on a real event loop or in a simulated process, for suites that hold for
// both.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "runtime/executor.h"
#include "runtime/real/real_runtime.h"
#include "runtime/sim/sim_world.h"
#include "runtime/transport.h"

namespace tokura::runtime {

enum class Kind { kReal, kSimulated };
inline std::string KindName(const testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kReal ? "Real" : "Simulated";
}

class Harness {
 public:
  explicit Harness(Kind kind) {
    if (kind == Kind::kReal) {
      loop_ = std::make_unique<real::EventLoop>("test");
      clock_ = real::MakeClock();
    } else {
      world_ = std::make_unique<sim::SimWorld>(20'260'101);
      process_ = &world_->AddProcess("p");
    }
  }

  Executor& executor() { return loop_ ? loop_->executor() : process_->executor(); }
  Transport& transport() { return loop_ ? loop_->transport() : process_->transport(); }
  Clock& clock() { return loop_ ? *clock_ : world_->clock(); }

  // Returns when `task` is done; in simulation, CHECKs that it ends within an hour of virtual time.
  void Run(Task<void> task) {
    if (loop_) {
      loop_->RunUntilDone(std::move(task));
      return;
    }
    bool done = false;
    world_->Spawn(*process_, Mark(std::move(task), &done));
    TOKURA_CHECK(world_->RunUntil([&done] { return done; }));
  }

 private:
  static Task<void> Mark(Task<void> task, bool* done) {
    co_await task;
    *done = true;
  }

  std::unique_ptr<real::EventLoop> loop_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<sim::SimWorld> world_;
  sim::SimProcess* process_ = nullptr;
};

}  // namespace tokura::runtime
