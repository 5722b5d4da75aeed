// LocalChannel: the caller's end inside one process. A call runs the handler at once, on the
// caller's executor; one that is answered without waiting costs no turn of the loop.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/rpc/caller.h"
#include "runtime/rpc/server.h"
#include "runtime/sync.h"

namespace tokura::runtime::rpc {

// Lives on one executor. The same limits and errors as over a connection: bodies fit a frame, and a
// call whose handler is not done in time is DEADLINE while the handler goes on unheard.
class LocalChannel final : public Caller {
 public:
  // `name` begins messages: "node n1". What `handler` calls outlives the channel.
  LocalChannel(std::string name, Executor& executor, const Clock& clock, Handler handler);

  Task<Result<std::string>> Call(uint8_t method, std::string body,
                                 std::chrono::nanoseconds timeout) override;
  // Waits for the handlers that go on.
  Task<void> Stop() override;

 private:
  using Outcome = Result<std::string>;
  struct Waiting {
    OneShot<Outcome> outcome;
    Executor::TimerId timer = 0;
  };

  Task<void> Run(uint64_t id, rpc::Call call, OneShot<Outcome> outcome);
  // Ends the wait of a call that was not answered at once; no effect if it ended before.
  void Complete(uint64_t id, Outcome outcome);

  const std::string name_;
  Executor& executor_;
  const Clock& clock_;
  const Handler handler_;
  bool stopping_ = false;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Waiting> waiting_;
  TaskGroup tasks_;  // last: its frames refer to the rest
};

}  // namespace tokura::runtime::rpc
