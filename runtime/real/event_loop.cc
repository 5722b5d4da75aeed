#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

#include "runtime/real/executor.h"
#include "runtime/real/real_runtime.h"
#include "runtime/real/tcp.h"

namespace tokura::runtime::real {

class EventLoop::Impl {
 public:
  Impl(std::string name, std::chrono::microseconds spin_max)
      : name_(std::move(name)), spin_max_(spin_max) {}
  ~Impl() { Stop(); }

  LoopExecutor& executor() { return executor_; }
  TcpTransport& transport() { return transport_; }

  void Start() {
    TOKURA_CHECK(!thread_.joinable());
    thread_ = std::thread([this] { Run(); });
    // The kernel keeps 15 characters; a nameless thread is no failure.
    (void)::pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
  }

  void RunUntilDone(Task<void> task) {
    TOKURA_CHECK(!thread_.joinable());
    executor_.context().restart();
    const Task<void> run = RunThenStop(std::move(task), &executor_.context());
    executor_.Post([handle = run.operator co_await().handle] { handle.resume(); });
    executor_.context().run();
  }

  void Stop() {
    executor_.context().stop();
    if (thread_.joinable()) thread_.join();
  }

  void OnTerminate(std::function<void()> on_signal) {
    on_signal_ = std::move(on_signal);
    signals_.emplace(executor_.context(), SIGTERM, SIGINT);
    WaitForSignal();
  }

 private:
  using SteadyClock = std::chrono::steady_clock;

  void Run() {
    boost::asio::io_context& context = executor_.context();
    if (spin_max_ <= std::chrono::microseconds(0)) {
      context.run();
      return;
    }
    SteadyClock::duration usual_gap{};  // between two pieces of work, as of late
    while (!context.stopped()) {
      if (context.poll() > 0) continue;
      const SteadyClock::time_point idle_since = SteadyClock::now();
      const bool ran = usual_gap <= spin_max_ && Spin(idle_since + spin_max_);
      if (!ran) context.run_one();
      const auto gap = std::min<SteadyClock::duration>(SteadyClock::now() - idle_since,
                                                       kGapsRemembered * spin_max_);
      usual_gap += (gap - usual_gap) / kGapsRemembered;
    }
  }

  // Whether there was work before `end`.
  bool Spin(SteadyClock::time_point end) {
    boost::asio::io_context& context = executor_.context();
    do {
      if (context.poll() > 0) return true;
    } while (!context.stopped() && SteadyClock::now() < end);
    return false;
  }

  static Task<void> RunThenStop(Task<void> task, boost::asio::io_context* context) {
    co_await task;
    context->stop();
  }

  void WaitForSignal() {
    signals_->async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      on_signal_();
      WaitForSignal();
    });
  }

  static constexpr int kGapsRemembered = 8;

  const std::string name_;
  const std::chrono::microseconds spin_max_;
  LoopExecutor executor_;
  TcpTransport transport_{executor_};
  std::function<void()> on_signal_;
  std::optional<boost::asio::signal_set> signals_;
  // Keeps run() from returning while nothing is to do.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      executor_.context().get_executor()};
  std::thread thread_;
};

EventLoop::EventLoop(std::string name, std::chrono::microseconds spin_max)
    : impl_(std::make_unique<Impl>(std::move(name), spin_max)) {}
EventLoop::~EventLoop() = default;
Executor& EventLoop::executor() { return impl_->executor(); }
Transport& EventLoop::transport() { return impl_->transport(); }
void EventLoop::Start() { impl_->Start(); }
void EventLoop::RunUntilDone(Task<void> task) { impl_->RunUntilDone(std::move(task)); }
void EventLoop::Stop() { impl_->Stop(); }
void EventLoop::OnTerminate(std::function<void()> on_signal) {
  impl_->OnTerminate(std::move(on_signal));
}

}  // namespace tokura::runtime::real
