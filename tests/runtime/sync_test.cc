#include "runtime/sync.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/runtime/harness.h"

namespace tokura::runtime {
namespace {

using namespace std::chrono_literals;

class Sync : public testing::TestWithParam<Kind> {
 protected:
  Harness harness_{GetParam()};
  Executor& executor_ = harness_.executor();
};
INSTANTIATE_TEST_SUITE_P(Runtimes, Sync, testing::Values(Kind::kReal, Kind::kSimulated), KindName);

Task<int> Answer(Executor& executor) {
  co_await Yield(executor);
  co_return 42;
}

Task<void> Keep(Executor& executor, int* out) { *out = co_await Answer(executor); }

TEST_P(Sync, TaskReturnsItsValueToItsAwaiter) {
  int got = 0;
  harness_.Run(Keep(executor_, &got));
  EXPECT_EQ(got, 42);
}

TEST_P(Sync, TaskThatIsNeverAwaitedNeverStarts) {
  int got = 0;
  {
    Task<void> task = Keep(executor_, &got);
  }
  EXPECT_EQ(got, 0);
}

Task<void> SetBeforeAndAfter(Executor& executor, std::vector<int>* got) {
  OneShot<int> early(executor), late(executor);
  EXPECT_TRUE(early.Set(1));
  EXPECT_FALSE(early.Set(9));
  executor.Post([late] { late.Set(2); });
  got->push_back(co_await early);
  got->push_back(co_await late);
}

TEST_P(Sync, OneShotDeliversTheFirstValueSetBeforeOrAfterTheWait) {
  std::vector<int> got;
  harness_.Run(SetBeforeAndAfter(executor_, &got));
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
}

Task<void> WaitFor(OneShot<int> shot, bool* resumed) {
  co_await shot;
  *resumed = true;
}

Task<void> DestroyWaiters(Executor& executor, bool* resumed) {
  OneShot<int> never_set(executor), set_late(executor), set_before(executor);
  auto group = std::make_unique<TaskGroup>(executor);
  group->Spawn(WaitFor(never_set, resumed));
  group->Spawn(WaitFor(set_late, resumed));
  group->Spawn(WaitFor(set_before, resumed));
  co_await Yield(executor);
  co_await Yield(executor);
  set_before.Set(1);                          // its resumption is queued,
  group->Spawn(WaitFor(never_set, resumed));  // and so is this start,
  group.reset();                              // when the frames end
  set_late.Set(1);
  co_await Yield(executor);
  co_await Yield(executor);
}

TEST_P(Sync, DestroyedWaitersAreNeverResumed) {
  bool resumed = false;
  harness_.Run(DestroyWaiters(executor_, &resumed));
  EXPECT_FALSE(resumed);
}

Task<void> Take(Mutex* mutex, Executor& executor, std::string* order, char name) {
  Mutex::Guard guard = co_await mutex->Lock();
  *order += name;
  co_await Yield(executor);
  co_await Yield(executor);
  *order += name;
}

Task<void> TakeInTurn(Executor& executor, std::string* order) {
  Mutex mutex(executor);
  TaskGroup group(executor);
  for (const char name : {'a', 'b', 'c'}) group.Spawn(Take(&mutex, executor, order, name));
  co_await group.Join();
}

TEST_P(Sync, MutexAdmitsOneAtATimeInOrder) {
  std::string order;
  harness_.Run(TakeInTurn(executor_, &order));
  EXPECT_EQ(order, "aabbcc");
}

TEST(Mutex, MayEndBeforeItsGuards) {
  sim::SimWorld world(1);
  sim::SimProcess& process = world.AddProcess("p");
  auto mutex = std::make_unique<Mutex>(process.executor());
  std::string order;
  TaskGroup group(process.executor());
  group.Spawn(Take(mutex.get(), process.executor(), &order, 'a'));
  group.Spawn(Take(mutex.get(), process.executor(), &order, 'b'));
  world.RunUntil([&] { return !order.empty(); });
  process.Crash();
  mutex.reset();  // the frames, and their guard, end after it
}

Task<void> WaitOn(Event* event, int* woken) {
  co_await event->Wait();
  ++*woken;
}

Task<void> WakeAll(Executor& executor, int* woken) {
  Event event(executor);
  TaskGroup group(executor);
  group.Spawn(WaitOn(&event, woken));
  group.Spawn(WaitOn(&event, woken));
  co_await Yield(executor);
  event.Set();
  group.Spawn(WaitOn(&event, woken));
  co_await group.Join();
}

TEST_P(Sync, EventWakesEveryWaiterThenAndLater) {
  int woken = 0;
  harness_.Run(WakeAll(executor_, &woken));
  EXPECT_EQ(woken, 3);
}

Task<void> Notify(Signal* signal, Executor& executor) {
  co_await Yield(executor);
  signal->NotifyAll();
}

Task<void> WaitTwice(Executor& executor, std::vector<bool>* notified) {
  Signal signal(executor);
  TaskGroup group(executor);
  notified->push_back(co_await signal.WaitFor(1ms));
  group.Spawn(Notify(&signal, executor));
  notified->push_back(co_await signal.WaitFor(1h));
  co_await group.Join();
}

TEST_P(Sync, SignalTellsATimeoutFromANotification) {
  std::vector<bool> notified;
  harness_.Run(WaitTwice(executor_, &notified));
  EXPECT_EQ(notified, (std::vector<bool>{false, true}));
}

Task<void> SpawnAnother(TaskGroup* group, Executor& executor, int left, int* ran) {
  co_await Yield(executor);
  ++*ran;
  if (left > 0) group->Spawn(SpawnAnother(group, executor, left - 1, ran));
}

Task<void> JoinChain(Executor& executor, int* ran) {
  TaskGroup group(executor);
  group.Spawn(SpawnAnother(&group, executor, 9, ran));
  EXPECT_EQ(group.size(), 1u);
  co_await group.Join();
  EXPECT_EQ(group.size(), 0u);
  co_await group.Join();
}

TEST_P(Sync, TaskGroupJoinsTasksSpawnedMeanwhile) {
  int ran = 0;
  harness_.Run(JoinChain(executor_, &ran));
  EXPECT_EQ(ran, 10);
}

Task<void> TimeSleeps(Executor& executor, Clock& clock, std::chrono::nanoseconds* slept) {
  const auto begun = clock.Monotonic();
  co_await Sleep(executor, 3ms);
  *slept = clock.Monotonic() - begun;
}

TEST_P(Sync, SleepLastsAtLeastItsDelay) {
  std::chrono::nanoseconds slept{};
  harness_.Run(TimeSleeps(executor_, harness_.clock(), &slept));
  EXPECT_GE(slept, 3ms);
}

Task<void> CancelOne(Executor& executor, std::string* order) {
  executor.After(2ms, [order] { *order += 'b'; });
  executor.After(1ms, [order] { *order += 'a'; });
  const auto id = executor.After(1ms, [order] { *order += 'x'; });
  executor.Cancel(id);
  executor.Cancel(id);
  co_await Sleep(executor, 5ms);
  executor.Cancel(id);
}

TEST_P(Sync, TimersRunInOrderUnlessCancelled) {
  std::string order;
  harness_.Run(CancelOne(executor_, &order));
  EXPECT_EQ(order, "ab");
}

Task<int> WhereAmI(Executor& expected) {
  EXPECT_TRUE(expected.IsCurrent());
  co_await Yield(expected);
  EXPECT_TRUE(expected.IsCurrent());
  co_return 7;
}

Task<void> Nothing(Executor& expected) {
  EXPECT_TRUE(expected.IsCurrent());
  co_return;
}

Task<void> Visit(Executor& home, Executor& other, int rounds, int* sum) {
  for (int i = 0; i < rounds; ++i) {
    *sum += co_await RunOn(home, other, WhereAmI(other));
    EXPECT_TRUE(home.IsCurrent());
  }
  co_await RunOn(home, other, Nothing(other));
  *sum += co_await RunOn(home, home, WhereAmI(home));
}

TEST(RunOn, RunsThereAndResumesHere) {
  real::EventLoop home("home"), other("other");
  other.Start();
  int sum = 0;
  home.RunUntilDone(Visit(home.executor(), other.executor(), 1'000, &sum));
  EXPECT_EQ(sum, 7'007);
}

TEST(RunOn, MayBeAbandonedByACrash) {
  sim::SimWorld world(2);
  sim::SimProcess& home = world.AddProcess("home");
  sim::SimProcess& other = world.AddProcess("other");
  int sum = 0;
  world.Spawn(home, Visit(home.executor(), other.executor(), 1'000, &sum));
  world.RunUntil([&] { return sum > 70; });
  home.Crash();
  world.RunFor(1s);
  EXPECT_LT(sum, 7'000);
}

Task<void> Block(BlockingPool* pool, Executor& home, std::thread::id* where) {
  co_await RunBlocking(*pool, home, [where] { *where = std::this_thread::get_id(); });
  EXPECT_TRUE(home.IsCurrent());
}

TEST(RunBlocking, RunsOnAnotherThreadAndResumesHere) {
  real::EventLoop loop("loop");
  const auto pool = real::MakeBlockingPool(2);
  std::thread::id where;
  loop.RunUntilDone(Block(pool.get(), loop.executor(), &where));
  EXPECT_NE(where, std::thread::id());
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(EventLoop, DropsQueuedWorkWhenItEnds) {
  bool ran = false;
  const auto held = std::make_shared<int>(1);
  {
    real::EventLoop loop("loop");
    loop.executor().Post([&ran, held] { ran = true; });
    loop.executor().After(1h, [&ran, held] { ran = true; });
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(EventLoop, RunsSeveralTasksOneAfterTheOther) {
  real::EventLoop loop("loop");
  EXPECT_EQ(real::RunToCompletion(loop, WhereAmI(loop.executor())), 7);
  EXPECT_EQ(real::RunToCompletion(loop, WhereAmI(loop.executor())), 7);
}

}  // namespace
}  // namespace tokura::runtime
