#include "router/http_server.h"

#include <array>
#include <set>

#include "router/http_parser.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Connection;
using runtime::Executor;
using runtime::Task;
using std::chrono::nanoseconds;

constexpr size_t kReadBytes = 16 << 10;  // one buffer a connection
// A client that is still sending what was refused would lose the answer to a reset connection: what
// it sends is read and dropped for so long.
constexpr nanoseconds kDrainTime = std::chrono::seconds(5);
constexpr size_t kDrainBytesMax = 64 << 20;

// Cuts a connection unless destroyed in time: the one way to end a Read or Write that hangs.
class CutAfter {
 public:
  CutAfter(Executor& executor, nanoseconds timeout, Connection& connection)
      : executor_(executor),
        timer_(executor.After(timeout, [&connection] { connection.Close(); })) {}
  ~CutAfter() { executor_.Cancel(timer_); }
  CutAfter(const CutAfter&) = delete;
  CutAfter& operator=(const CutAfter&) = delete;

 private:
  Executor& executor_;
  Executor::TimerId timer_;
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Executor& executor, std::unique_ptr<runtime::Listener> listener, HttpHandler handler,
       runtime::Logger& logger, HttpLimits limits)
      : executor_(executor),
        listener_(std::move(listener)),
        handler_(std::move(handler)),
        logger_(logger),
        limits_(limits),
        changed_(executor),
        tasks_(executor) {}

  runtime::Address local() const { return listener_->local(); }
  void Start() { tasks_.Spawn(AcceptAll()); }

  Task<void> Stop(nanoseconds grace) {
    stopping_ = true;
    listener_->Close();
    for (Session* session : sessions_) {
      if (!session->busy) session->connection->Close();
    }
    const Executor::TimerId timer = executor_.After(grace, [this] {
      for (Session* session : sessions_) session->connection->Close();
    });
    while (!sessions_.empty()) co_await changed_.Wait();
    executor_.Cancel(timer);
    co_await tasks_.Join();
  }

 private:
  struct Session {
    std::unique_ptr<Connection> connection;
    bool busy = false;  // a whole request is being answered
    std::array<char, kReadBytes> buffer{};
  };

  Task<void> AcceptAll() {
    while (!stopping_) {
      Result<std::unique_ptr<Connection>> connection = co_await listener_->Accept(executor_);
      if (stopping_) co_return;
      if (!connection.ok()) {
        // Out of descriptors, most likely: connections that end give them back.
        logger_.Warning("http: accept failed: " + connection.status().message());
        co_await runtime::Sleep(executor_, std::chrono::milliseconds(100));
        continue;
      }
      if (sessions_.size() < limits_.connections_max) tasks_.Spawn(Serve(std::move(*connection)));
    }
  }

  Task<void> Serve(std::unique_ptr<Connection> connection) {
    Session session;
    session.connection = std::move(connection);
    sessions_.insert(&session);
    if (stopping_) session.connection->Close();
    HttpParser parser(limits_.header_bytes_max, limits_.body_bytes_max);
    bool open = true;
    while (open) {
      open = co_await ReceiveRequest(session, parser);
      if (!open) break;
      session.busy = true;
      open = co_await Answer(session, parser);
      session.busy = false;
      open = open && !stopping_;
    }
    session.connection->Close();
    sessions_.erase(&session);
    changed_.NotifyAll();
  }

  // Reads until `parser` holds a whole request or a fault; false when the client is gone or too
  // slow. The header's and the body's time run from their beginning, whatever trickles in.
  Task<bool> ReceiveRequest(Session& session, HttpParser& parser) {
    size_t held = 0;
    bool complete = true;
    HttpParser::State state = parser.Advance();
    while (complete && (state == HttpParser::State::kIdle || state == HttpParser::State::kHeader ||
                        state == HttpParser::State::kBody)) {
      const HttpParser::State phase = state;
      if (phase == HttpParser::State::kBody && parser.expects_continue()) {
        complete = co_await Write(session, "HTTP/1.1 100 Continue\r\n\r\n");
      }
      const CutAfter cut(executor_, TimeoutOf(phase), *session.connection);
      while (complete && state == phase) {
        complete = co_await ReadSome(session, parser);
        state = parser.Advance();
        bodies_bytes_ += parser.body_bytes() - held;
        held = parser.body_bytes();
        if (bodies_bytes_ > limits_.bodies_bytes_max) {
          state = parser.Refuse(
              ErrorResponse(Unavailable("the router is receiving too much at once; try again")));
        }
      }
    }
    bodies_bytes_ -= held;
    co_return complete;
  }

  nanoseconds TimeoutOf(HttpParser::State phase) const {
    if (phase == HttpParser::State::kIdle) return limits_.idle_timeout;
    return phase == HttpParser::State::kHeader ? limits_.header_timeout : limits_.body_timeout;
  }

  Task<bool> ReadSome(Session& session, HttpParser& parser) {
    Result<size_t> n = co_await session.connection->Read(session.buffer);
    if (!n.ok() || *n == 0) co_return false;
    parser.Append({session.buffer.data(), *n});
    co_return true;
  }

  Task<void> Drain(Session& session) {
    const CutAfter cut(executor_, kDrainTime, *session.connection);
    for (size_t drained = 0; drained < kDrainBytesMax && !stopping_;) {
      Result<size_t> n = co_await session.connection->Read(session.buffer);
      if (!n.ok() || *n == 0) co_return;
      drained += *n;
    }
  }

  // Answers what `parser` holds; whether the connection stays.
  Task<bool> Answer(Session& session, HttpParser& parser) {
    if (parser.state() == HttpParser::State::kBad) {
      const std::string out = SerializeResponse(parser.error(), false, false);
      co_await Write(session, out);
      co_await Drain(session);
      co_return false;
    }
    const bool head = parser.is_head();
    const bool keep = parser.keeps_alive() && !stopping_;
    HttpResponse response = co_await handler_(parser.Take());
    const std::string out = SerializeResponse(response, keep, head);
    const bool written = co_await Write(session, out);
    co_return written&& keep;
  }

  Task<bool> Write(Session& session, std::string_view bytes) {
    const CutAfter cut(executor_, limits_.write_timeout, *session.connection);
    Status status = co_await session.connection->Write(bytes);
    co_return status.ok();
  }

  Executor& executor_;
  std::unique_ptr<runtime::Listener> listener_;
  HttpHandler handler_;
  runtime::Logger& logger_;
  HttpLimits limits_;
  std::set<Session*> sessions_;  // each lives in its Serve
  size_t bodies_bytes_ = 0;
  bool stopping_ = false;
  runtime::Signal changed_;
  runtime::TaskGroup tasks_;
};

HttpServer::HttpServer(Executor& executor, std::unique_ptr<runtime::Listener> listener,
                       HttpHandler handler, runtime::Logger& logger, HttpLimits limits)
    : impl_(std::make_unique<Impl>(executor, std::move(listener), std::move(handler), logger,
                                   limits)) {}
HttpServer::~HttpServer() = default;
runtime::Address HttpServer::local() const { return impl_->local(); }
void HttpServer::Start() { impl_->Start(); }
Task<void> HttpServer::Stop(nanoseconds grace) { return impl_->Stop(grace); }

}  // namespace tokura::router
