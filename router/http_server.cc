#include "router/http_server.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/value.h"
#include "router/http_parser.h"
#include "router/request_id.h"
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
constexpr size_t kWriteBytes = 256 << 10;  // of one write, each with its own timeout
constexpr std::chrono::milliseconds kMemoryRetryAfter(500);
constexpr char kTimeoutHeader[] = "x-tokura-timeout";

// Cuts a connection unless destroyed in time: the one way to end a Read or Write that hangs.
class CutAfter {
 public:
  CutAfter(Executor& executor, nanoseconds timeout, Connection& connection,
           runtime::Counter& timeouts)
      : executor_(executor), timer_(executor.After(timeout, [&connection, &timeouts] {
          timeouts.Add();
          connection.Close();
        })) {}
  ~CutAfter() { executor_.Cancel(timer_); }
  CutAfter(const CutAfter&) = delete;
  CutAfter& operator=(const CutAfter&) = delete;

 private:
  Executor& executor_;
  Executor::TimerId timer_;
};

// Nullopt when the client names no time.
Result<std::optional<nanoseconds>> TimeoutIn(const HttpRequest& request) {
  const auto at = request.headers.find(kTimeoutHeader);
  if (at == request.headers.end()) return std::optional<nanoseconds>();
  const Result<int64_t> us = ParseDuration(at->second);
  if (!us.ok() || *us <= 0) {
    return InvalidArgument("header X-Tokura-Timeout: expected a duration above 0, as 250ms");
  }
  return std::optional<nanoseconds>(std::chrono::microseconds(*us));
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Executor& executor, runtime::Clock& clock, runtime::Random& random,
       std::unique_ptr<runtime::Listener> listener, HttpHandler handler, runtime::Metrics& metrics,
       runtime::Logger& logger, HttpServerOptions options)
      : executor_(executor),
        clock_(clock),
        listener_(std::move(listener)),
        handler_(std::move(handler)),
        logger_(logger),
        options_(options),
        limits_(options_.limits),
        connections_(metrics.gauge("tokura_http_connections", "Open HTTP connections.")),
        rejected_(metrics.counter("tokura_http_connections_rejected_total",
                                  "HTTP connections refused over the limit.")),
        timeouts_(metrics.counter("tokura_http_connection_timeouts_total",
                                  "HTTP connections cut because the client was idle or slow.")),
        ids_(random.Next()),
        changed_(executor),
        tasks_(executor) {
    metrics.gauge("tokura_http_connections_limit", "HTTP connections that may be open at once.")
        .Set(static_cast<double>(limits_.connections_max));
    metrics.gauge("tokura_http_body_bytes_limit", "Bytes that the body of a request may have.")
        .Set(static_cast<double>(limits_.body_bytes_max));
  }

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
    std::string peer;
    runtime::MemoryBudget::Share held;  // the body that is not whole yet, or the answer unsent
    bool busy = false;                  // a whole request is being answered
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
      if (sessions_.size() < limits_.connections_max) {
        complained_ = false;
        tasks_.Spawn(Serve(std::move(*connection)));
        continue;
      }
      rejected_.Add();
      if (!std::exchange(complained_, true)) {
        logger_.Warning(local().ToString() + ": HTTP connections refused over the limit of " +
                        std::to_string(limits_.connections_max));
      }
    }
  }

  Task<void> Serve(std::unique_ptr<Connection> connection) {
    Session session;
    session.connection = std::move(connection);
    session.peer = session.connection->peer().ToString();
    if (options_.memory != nullptr) session.held = runtime::MemoryBudget::Share(*options_.memory);
    sessions_.insert(&session);
    connections_.Add(1);
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
    connections_.Add(-1);
    changed_.NotifyAll();
  }

  // Reads until `parser` holds a whole request or a fault; false when the client is gone or too
  // slow. The header's and the body's time run from their beginning, whatever trickles in.
  Task<bool> ReceiveRequest(Session& session, HttpParser& parser) {
    bool complete = true;
    HttpParser::State state = parser.Advance();
    while (complete && (state == HttpParser::State::kIdle || state == HttpParser::State::kHeader ||
                        state == HttpParser::State::kBody)) {
      const HttpParser::State phase = state;
      if (phase == HttpParser::State::kBody && parser.expects_continue()) {
        complete = co_await Write(session, "HTTP/1.1 100 Continue\r\n\r\n");
      }
      const CutAfter cut(executor_, TimeoutOf(phase), *session.connection, timeouts_);
      while (complete && state == phase) {
        complete = co_await ReadSome(session, parser);
        state = parser.Advance();
        if (!session.held.Resize(parser.body_bytes())) {
          state = parser.Refuse(
              ErrorResponse(ResourceExhausted("the memory for requests is taken; try again later")
                                .WithRetryAfter(kMemoryRetryAfter)));
        }
      }
    }
    session.held.Resize(0);
    co_return complete;
  }

  nanoseconds TimeoutOf(HttpParser::State phase) const {
    if (phase == HttpParser::State::kIdle) return limits_.idle_timeout;
    return phase == HttpParser::State::kHeader ? limits_.header_timeout : limits_.body_timeout;
  }

  Task<bool> ReadSome(Session& session, HttpParser& parser) {
    const nanoseconds patience = parser.state() == HttpParser::State::kBody
                                     ? limits_.progress_timeout
                                     : limits_.idle_timeout;
    const CutAfter cut(executor_, patience, *session.connection, timeouts_);
    Result<size_t> n = co_await session.connection->Read(session.buffer);
    if (!n.ok() || *n == 0) co_return false;
    parser.Append({session.buffer.data(), *n});
    co_return true;
  }

  Task<void> Drain(Session& session) {
    const CutAfter cut(executor_, kDrainTime, *session.connection, timeouts_);
    for (size_t drained = 0; drained < kDrainBytesMax && !stopping_;) {
      Result<size_t> n = co_await session.connection->Read(session.buffer);
      if (!n.ok() || *n == 0) co_return;
      drained += *n;
    }
  }

  // Answers what `parser` holds; whether the connection stays.
  Task<bool> Answer(Session& session, HttpParser& parser) {
    if (parser.state() == HttpParser::State::kBad) {
      HttpResponse error = parser.error();
      error.headers.emplace_back("X-Request-Id", ids_.Next());
      const std::string out = SerializeResponse(error, false, false);
      co_await Write(session, out);
      co_await Drain(session);
      co_return false;
    }
    const bool head = parser.is_head();
    const bool keep = parser.keeps_alive() && !stopping_;
    const std::string out = co_await Respond(session, parser.Take(), keep, head);
    session.held.Hold(out.size());
    const bool written = co_await Write(session, out);
    session.held.Hold(0);
    co_return written&& keep;
  }

  Task<std::string> Respond(Session& session, HttpRequest request, bool keep, bool head) {
    const auto brought = request.headers.find("x-request-id");
    request.id = brought != request.headers.end() && IsRequestId(brought->second) ? brought->second
                                                                                  : ids_.Next();
    request.peer = session.peer;
    request.received = clock_.Monotonic();
    const std::string id = request.id;
    HttpResponse response;
    const Result<runtime::Admission::Place> place = Admit(&request);
    if (place.ok()) {
      if (options_.admission != nullptr) {
        co_await runtime::Admission::Turn(*options_.admission, *place);
      }
      response = co_await handler_(std::move(request));
    } else {
      response = ErrorResponse(place.status());
    }
    response.headers.emplace_back("X-Request-Id", id);
    co_return SerializeResponse(response, keep, head);
  }

  Result<runtime::Admission::Place> Admit(HttpRequest* request) {
    TOKURA_ASSIGN_OR_RETURN(request->timeout, TimeoutIn(*request));
    if (options_.admission == nullptr) return runtime::Admission::Place();
    std::optional<nanoseconds> deadline;
    if (request->timeout.has_value()) deadline = request->received + *request->timeout;
    return options_.admission->Admit(options_.cost(request->target, request->body.size()),
                                     request->body.size(), deadline);
  }

  Task<bool> Write(Session& session, std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kWriteBytes))) {
      const CutAfter cut(executor_, limits_.progress_timeout, *session.connection, timeouts_);
      const Status status = co_await session.connection->Write(bytes.substr(0, kWriteBytes));
      if (!status.ok()) co_return false;
    }
    co_return true;
  }

  Executor& executor_;
  runtime::Clock& clock_;
  std::unique_ptr<runtime::Listener> listener_;
  HttpHandler handler_;
  runtime::Logger& logger_;
  const HttpServerOptions options_;
  const HttpLimits& limits_;
  runtime::Gauge& connections_;
  runtime::Counter& rejected_;
  runtime::Counter& timeouts_;
  RequestIdMaker ids_;
  bool complained_ = false;      // about too many connections, until there is room again
  std::set<Session*> sessions_;  // each lives in its Serve
  bool stopping_ = false;
  runtime::Signal changed_;
  runtime::TaskGroup tasks_;
};

HttpServer::HttpServer(Executor& executor, runtime::Clock& clock, runtime::Random& random,
                       std::unique_ptr<runtime::Listener> listener, HttpHandler handler,
                       runtime::Metrics& metrics, runtime::Logger& logger,
                       HttpServerOptions options)
    : impl_(std::make_unique<Impl>(executor, clock, random, std::move(listener), std::move(handler),
                                   metrics, logger, options)) {}
HttpServer::~HttpServer() = default;
runtime::Address HttpServer::local() const { return impl_->local(); }
void HttpServer::Start() { impl_->Start(); }
Task<void> HttpServer::Stop(nanoseconds grace) { return impl_->Stop(grace); }

}  // namespace tokura::router
