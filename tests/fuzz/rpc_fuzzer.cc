// A peer that sends anything, to a server and as one. Whatever it is, the other connections of the
// server go on, and a call ends by its deadline with an answer or an error. The first byte chooses
// who misbehaves, and how large the pieces are.
#include <algorithm>
#include <array>
#include <string>

#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/channel.h"
#include "runtime/rpc/server.h"
#include "tests/fuzz/sim_world_fuzz.h"

namespace {

using namespace tokura;
using runtime::Task;
namespace rpc = runtime::rpc;

const runtime::Address kServer{"127.0.0.1", 7400};
const runtime::Address kLiar{"127.0.0.1", 7401};

Task<Result<std::string>> Echo(std::string body) { co_return body; }

Task<bool> SendPieces(runtime::Connection& connection, std::string_view bytes, size_t piece) {
  while (!bytes.empty()) {
    const Status sent = co_await connection.Write(bytes.substr(0, piece));
    if (!sent.ok()) co_return false;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  co_return true;
}

Task<Status> Attack(runtime::Transport& transport, std::string bytes, size_t piece) {
  Result<std::unique_ptr<runtime::Connection>> connection =
      co_await transport.Connect(kServer, std::chrono::seconds(1));
  if (!connection.ok()) co_return connection.status();
  (void)co_await SendPieces(**connection, bytes, piece);
  std::array<char, 256> buffer;
  (void)co_await (*connection)->Read(buffer);
  co_return OkStatus();
}

// Answers the first request that comes with `bytes`, which may have its id in them.
Task<void> Lie(runtime::Listener& listener, runtime::Executor& home, std::string bytes,
               size_t piece) {
  Result<std::unique_ptr<runtime::Connection>> connection = co_await listener.Accept(home);
  if (!connection.ok()) co_return;
  std::array<char, 256> buffer;
  (void)co_await (*connection)->Read(buffer);
  (void)co_await SendPieces(**connection, bytes, piece);
  (void)co_await (*connection)->Read(buffer);
}

class World {
 public:
  World() {
    auto listener = server_.transport().Listen(kServer);
    TOKURA_CHECK(listener.ok());
    rpc_ = std::make_unique<rpc::RpcServer>(
        std::vector<runtime::Executor*>{&server_.executor()}, world_.clock(), std::move(*listener),
        [](runtime::Executor&, rpc::Call call) { return Echo(std::move(call.body)); }, *metrics_,
        *logger_);
    rpc_->Start();
    good_ = std::make_unique<rpc::RpcChannel>(client_.executor(), client_.transport(), kServer);
  }
  ~World() {
    client_.Crash();
    server_.Crash();
  }

  void AttackServer(const std::string& bytes, size_t piece) {
    world_.Spawn(client_, Ignore(Attack(client_.transport(), bytes, piece)));
    const Result<std::string> answer =
        fuzz::Await(world_, client_, good_->Call(1, "still there?", std::chrono::seconds(5)));
    TOKURA_CHECK(answer.ok() && *answer == "still there?");
    world_.RunFor(std::chrono::seconds(40));  // the frame that never ends is given up
  }
  void AttackChannel(const std::string& bytes, size_t piece) {
    auto listener = server_.transport().Listen(kLiar);
    TOKURA_CHECK(listener.ok());
    world_.Spawn(server_, Lie(**listener, server_.executor(), bytes, piece));
    rpc::RpcChannel channel(client_.executor(), client_.transport(), kLiar);
    (void)fuzz::Await(world_, client_, channel.Call(1, "hello", std::chrono::seconds(5))).ok();
    fuzz::Await(world_, client_, fuzz::Done(channel.Stop()));
    world_.RunFor(std::chrono::seconds(1));
    (*listener)->Close();
    world_.RunFor(std::chrono::seconds(1));
  }

 private:
  static Task<void> Ignore(Task<Status> task) { (void)co_await std::move(task); }

  runtime::sim::SimWorld world_{1};
  runtime::sim::SimProcess& server_ = world_.AddProcess("server");
  runtime::sim::SimProcess& client_ = world_.AddProcess("client");
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  std::unique_ptr<rpc::RpcServer> rpc_;
  std::unique_ptr<rpc::RpcChannel> good_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  World world;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0] / 2 * 4u;
  if (data[0] % 2 == 0) {
    world.AttackServer(bytes, piece);
  } else {
    world.AttackChannel(bytes, piece);
  }
  return 0;
}
