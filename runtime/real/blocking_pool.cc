#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "runtime/real/real_runtime.h"

namespace tokura::runtime::real {
namespace {

// Ends, with the work at hand, before the loops that it answers to.
class ThreadPool final : public BlockingPool {
 public:
  explicit ThreadPool(int threads) : pool_(static_cast<size_t>(threads)) {}
  ~ThreadPool() override {
    pool_.stop();
    pool_.join();
  }

  void Run(Executor& home, std::function<void()> work, std::function<void()> done) override {
    queued_.fetch_add(1, std::memory_order_relaxed);
    boost::asio::post(pool_,
                      [this, &home, work = std::move(work), done = std::move(done)]() mutable {
                        queued_.fetch_sub(1, std::memory_order_relaxed);
                        work();
                        work = nullptr;  // what it holds ends before `done` can be seen
                        home.Post(std::move(done));
                      });
  }

  size_t queued() const override { return queued_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> queued_ = 0;
  boost::asio::thread_pool pool_;
};

}  // namespace

std::unique_ptr<BlockingPool> MakeBlockingPool(int threads) {
  TOKURA_CHECK(threads > 0);
  return std::make_unique<ThreadPool>(threads);
}

}  // namespace tokura::runtime::real
