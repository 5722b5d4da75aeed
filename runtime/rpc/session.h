// Session: the server's end of one connection. Internal to runtime/rpc.
#pragma once

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

#include "runtime/metrics.h"
#include "runtime/rpc/frame_reader.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"

namespace tokura::runtime::rpc {

// What all sessions of a server share; thread-safe or constant.
struct SessionContext {
  Clock& clock;
  Handler handler;
  Logger& logger;
  ServerOptions options;
  Counter& calls;
  Counter& bad_frames;
  Counter& timeouts;
  Histogram& seconds;
};

// Lives on its home executor. Bounds what one peer can make the server hold: calls in flight, and
// bytes of requests not yet answered plus answers not yet sent; beyond them it is not read. When
// the memory of all connections is short, it is not read either while it has answers to take.
class Session {
 public:
  // `admission` may be null.
  Session(const SessionContext& context, Executor& home, std::unique_ptr<Connection> connection,
          Admission* admission);

  // Returns when the peer, an error, a timeout, Drain or Cut ended it and every call is done.
  Task<void> Run();
  // Refuses further calls and closes once those under way are answered.
  void Drain();
  // Closes now; calls under way still run to their end, unheard.
  void Cut();

 private:
  Task<void> ReadRequests();
  Task<void> WriteAnswers();
  Task<void> Answer(Call call, size_t held_bytes, Admission::Place place);
  // Reads and drops what a refused peer still sends, so that it sees why.
  Task<void> Linger();
  // False when the peer broke the protocol.
  bool TakeRequests();
  void TakeRequest(const Frame& frame);
  void AppendAnswer(uint64_t id, uint8_t method, const Result<std::string>& result);
  void AppendError(uint64_t id, uint8_t method, const Status& status);
  void Appended();
  void Refuse(const Status& status);
  bool full() const;
  void CountUnsent();
  void CloseIfDrained();
  void ArmWatchdog();
  void CheckTimeouts();

  // Where the writer waits for something to write. It is woken within the turn when the requests of
  // one read were answered at once, and by the loop otherwise, so that the answers of one turn go
  // out in one write.
  class Gate {
   public:
    explicit Gate(Executor& home) : home_(home), state_(std::make_shared<State>()) {}
    auto operator co_await() const { return Awaiter(state_); }
    void WakeNow();
    void WakeSoon();

   private:
    struct State {
      std::coroutine_handle<> waiter;
      bool posted = false;
    };
    class Awaiter {
     public:
      explicit Awaiter(std::shared_ptr<State> state) : state_(std::move(state)) {}
      Awaiter(const Awaiter&) = delete;
      Awaiter& operator=(const Awaiter&) = delete;
      ~Awaiter() { state_->waiter = {}; }
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> handle) { state_->waiter = handle; }
      void await_resume() const {}

     private:
      std::shared_ptr<State> state_;
    };
    Executor& home_;
    std::shared_ptr<State> state_;  // joint owners: the gate, its waiter and the queue entry
  };

  const SessionContext& context_;
  Executor& home_;
  const std::unique_ptr<Connection> connection_;
  const Address peer_;
  Admission* const admission_;
  Admission::Caller caller_;
  FrameReader reader_;
  MemoryBudget::Share receiving_;  // of the frame that is not whole yet
  MemoryBudget::Share unsent_;     // of answers that the peer has not taken
  std::string answers_;            // encoded, not yet handed to the connection
  std::string sending_;            // handed to it
  size_t held_bytes_ = 0;
  bool draining_ = false;
  bool reading_ended_ = false;
  bool writing_ = false;
  bool taking_ = false;  // requests of one read are being taken: their answers go out after it
  bool cut_ = false;
  bool refused_ = false;
  std::chrono::nanoseconds heard_at_{};        // when the peer last sent something
  std::chrono::nanoseconds frame_begun_at_{};  // of the partial frame, if any
  std::chrono::nanoseconds write_begun_at_{};  // of the write under way, if any
  Executor::TimerId watchdog_ = 0;
  Signal room_;  // a call was answered, or an answer sent
  Gate output_;  // there is something to write, or no more to come
  TaskGroup calls_;
  TaskGroup writer_;
};

}  // namespace tokura::runtime::rpc
