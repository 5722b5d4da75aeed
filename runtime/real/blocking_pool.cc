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
    boost::asio::post(pool_, [&home, work = std::move(work), done = std::move(done)]() mutable {
      work();
      work = nullptr;  // what it holds ends before `done` can be seen
      home.Post(std::move(done));
    });
  }

 private:
  boost::asio::thread_pool pool_;
};

}  // namespace

std::unique_ptr<BlockingPool> MakeBlockingPool(int threads) {
  TOKURA_CHECK(threads > 0);
  return std::make_unique<ThreadPool>(threads);
}

}  // namespace tokura::runtime::real
