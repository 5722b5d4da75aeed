#include "runtime/real/tcp.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "runtime/real/tcp_connection.h"
#include "runtime/sync.h"

namespace tokura::runtime::real {
namespace {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

constexpr int kBacklog = 1'024;

// Joint owners: the listener, the coroutine inside Accept, and Asio's handler.
struct Acceptor {
  explicit Acceptor(LoopExecutor& e) : executor(e), acceptor(e.context()) {}
  LoopExecutor& executor;
  tcp::acceptor acceptor;
};

struct Accepted {
  error_code error;
  std::shared_ptr<tcp::socket> socket;  // shared only because a OneShot's value may be copied
};

Task<Result<std::unique_ptr<Connection>>> AcceptOne(std::shared_ptr<Acceptor> acceptor,
                                                    boost::asio::io_context* home) {
  if (!acceptor->acceptor.is_open()) co_return Unavailable("the listener is closed");
  OneShot<Accepted> done(acceptor->executor);
  acceptor->acceptor.async_accept(
      *home, [acceptor, done](const error_code& error, tcp::socket socket) {
        done.Set({error, std::make_shared<tcp::socket>(std::move(socket))});
      });
  Accepted accepted = co_await done;
  if (accepted.error == boost::asio::error::operation_aborted) {
    co_return Unavailable("the listener is closed");
  }
  if (accepted.error) co_return Unavailable("accept: " + accepted.error.message());
  error_code error;
  const tcp::endpoint peer = accepted.socket->remote_endpoint(error);
  if (error) co_return Unavailable("accept: the peer is gone: " + error.message());
  co_return MakeTcpConnection(std::move(*accepted.socket), AddressOf(peer));
}

class TcpListener final : public Listener {
 public:
  TcpListener(std::shared_ptr<Acceptor> acceptor, Address local)
      : acceptor_(std::move(acceptor)), local_(std::move(local)) {}
  ~TcpListener() override { Close(); }

  Task<Result<std::unique_ptr<Connection>>> Accept(Executor& home) override {
    auto* loop = dynamic_cast<LoopExecutor*>(&home);
    TOKURA_CHECK(loop != nullptr);
    return AcceptOne(acceptor_, &loop->context());
  }
  Address local() const override { return local_; }
  void Close() override {
    error_code ignored;
    acceptor_->acceptor.close(ignored);
  }

 private:
  std::shared_ptr<Acceptor> acceptor_;
  Address local_;
};

// Joint owners: the coroutine inside Connect, its timer, and Asio's handlers.
struct Attempt {
  explicit Attempt(LoopExecutor& e) : resolver(e.context()), socket(e.context()), done(e) {}
  tcp::resolver resolver;
  tcp::socket socket;
  OneShot<error_code> done;

  void Abandon() {
    error_code ignored;
    resolver.cancel();
    socket.close(ignored);
  }
};

void StartAttempt(const std::shared_ptr<Attempt>& attempt, const Address& address) {
  auto on_connect = [attempt](const error_code& error, const tcp::endpoint&) {
    attempt->done.Set(error);
  };
  error_code error;
  const auto ip = boost::asio::ip::make_address(address.host, error);
  if (!error) {
    const tcp::endpoint endpoint(ip, address.port);
    attempt->socket.async_connect(endpoint,
                                  [attempt](const error_code& e) { attempt->done.Set(e); });
    return;
  }
  attempt->resolver.async_resolve(
      address.host, std::to_string(address.port),
      [attempt, on_connect](const error_code& e, const tcp::resolver::results_type& results) {
        if (e || attempt->done.is_set()) {
          attempt->done.Set(e);
        } else {
          boost::asio::async_connect(attempt->socket, results, on_connect);
        }
      });
}

}  // namespace

Task<Result<std::unique_ptr<Connection>>> TcpTransport::Connect(Address address,
                                                                std::chrono::nanoseconds timeout) {
  LoopExecutor& executor = executor_;
  auto attempt = std::make_shared<Attempt>(executor);
  const auto timer = executor.After(timeout, [attempt] {
    if (attempt->done.Set(boost::asio::error::timed_out)) attempt->Abandon();
  });
  StartAttempt(attempt, address);
  const error_code error = co_await attempt->done;
  executor.Cancel(timer);
  if (error == boost::asio::error::connection_refused) {
    co_return Unavailable(address.ToString() + ": connection refused");
  }
  if (error) co_return Unavailable(address.ToString() + ": cannot connect: " + error.message());
  co_return MakeTcpConnection(std::move(attempt->socket), std::move(address));
}

Result<std::unique_ptr<Listener>> TcpTransport::Listen(const Address& address) {
  error_code error;
  auto acceptor = std::make_shared<Acceptor>(executor_);
  tcp::resolver resolver(executor_.context());
  const auto results =
      resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error || results.empty()) {
    return InvalidArgument("cannot listen on " + address.ToString() + ": " + error.message());
  }
  const tcp::endpoint endpoint = *results.begin();
  tcp::acceptor& socket = acceptor->acceptor;
  socket.open(endpoint.protocol(), error);
  // Taking the port over from connections of an earlier run that linger in TIME_WAIT.
  if (!error) socket.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.listen(kBacklog, error);
  if (error == boost::asio::error::address_in_use) {
    return FailedPrecondition(address.ToString() + " is in use by another process");
  }
  if (error == std::errc::address_not_available) {
    return FailedPrecondition("cannot listen on " + address.ToString() +
                              ": this machine does not have that address");
  }
  if (error == boost::asio::error::access_denied) {
    return Status(Code::kDenied, "cannot listen on " + address.ToString() + ": " + error.message());
  }
  if (error) {
    return Unavailable("cannot listen on " + address.ToString() + ": " + error.message());
  }
  const tcp::endpoint bound = socket.local_endpoint(error);
  return std::unique_ptr<Listener>(std::make_unique<TcpListener>(
      std::move(acceptor), Address{address.host, error ? address.port : bound.port()}));
}

}  // namespace tokura::runtime::real
