#include "cli/up/lifetime.h"

#include "cli/program/exit_code.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {

Lifetime::Lifetime(runtime::real::EventLoop& main, runtime::Logger& logger)
    : main_(main), logger_(logger), end_(main.executor()) {
  main_.OnTerminate([this] { OnSignal(); });
}

void Lifetime::OnSignal() {
  if (end_.is_set()) {
    logger_.Warning("second signal: ending at once; what was acknowledged is durable");
    runtime::real::ExitNow(static_cast<int>(Exit::kUnreachable));
  }
  logger_.Info("draining; a second signal ends at once");
  end_.Set();
}

void Lifetime::Fail(Status why) {
  main_.executor().Post([this, why = std::move(why)] {
    if (end_.is_set()) return;
    why_ = why;
    end_.Set();
  });
}

runtime::Task<Status> Lifetime::WaitForEnd() {
  co_await end_.Wait();
  co_return why_;
}

}  // namespace tokura::cli
