#include "bench/load/open_loop.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "bench/load/client_connection.h"
#include "bench/load/cpu_time.h"

namespace tokura::bench {
namespace {

using Time = std::chrono::steady_clock::time_point;

// A caller gives up when this much waits to be sent on its connection.
constexpr size_t kUnsentBytesMax = 256 << 10;
constexpr int kPollMs = 1;
constexpr size_t kPrepared = 1'000;

Time Now() { return std::chrono::steady_clock::now(); }

class Crowd {
 public:
  Crowd(const Dialect& dialect, const LoopOptions& options, double rate,
        std::chrono::nanoseconds deadline)
      : dialect_(dialect),
        options_(options),
        interval_(static_cast<int64_t>(1e9 / rate)),
        deadline_(deadline),
        prepared_(kPrepared) {}

  Result<CrowdReport> Run();

 private:
  struct Peer {
    std::unique_ptr<ClientConnection> connection;
    std::unordered_map<uint64_t, Time> due;  // when each request not answered was due, by id
  };

  // What is asked, encoded beforehand: at five times what a server can do, a client that makes each
  // request anew is the one that is overloaded.
  struct Prepared {
    std::vector<uint64_t> entities;
    std::string request;
  };
  void Prepare();
  const Prepared& For(uint64_t id) const { return prepared_[id % prepared_.size()]; }
  void SendDue(Time now);
  Status Exchange();
  Status TakeAnswers(Peer* peer);
  // The bytes of the answer taken; 0: it is not whole.
  Result<size_t> TakeAnswer(Peer* peer, std::string_view input);
  void Count(const Status& status, Time due);
  Status OpenAgain(Peer* peer);

  const Dialect& dialect_;
  const LoopOptions& options_;
  const std::chrono::nanoseconds interval_;
  const std::chrono::nanoseconds deadline_;
  std::vector<Prepared> prepared_;
  std::vector<Peer> peers_;
  std::vector<pollfd> polled_;
  uint64_t last_id_ = 0;
  Time next_due_;
  CrowdReport report_;
};

void Crowd::Prepare() {
  RequestTemplate request = dialect_.ReadTemplate(options_.batch, options_.features);
  std::mt19937_64 random(options_.seed);
  std::uniform_int_distribution<uint64_t> draw(0, options_.entities - 1);
  for (Prepared& prepared : prepared_) {
    for (size_t i = 0; i < options_.batch; ++i) {
      prepared.entities.push_back(draw(random));
      request.SetEntity(i, prepared.entities[i]);
    }
    prepared.request = request.bytes();
  }
}

void Crowd::SendDue(Time now) {
  for (; next_due_ <= now; next_due_ += interval_) {
    const uint64_t id = ++last_id_;
    Peer& peer = peers_[id % peers_.size()];
    ++report_.due;
    if (peer.connection->output()->size() > kUnsentBytesMax) {
      ++report_.unsent;
      continue;
    }
    dialect_.AppendRequest(For(id).request, /*write=*/false, id, peer.connection->output());
    peer.due.emplace(id, next_due_);
  }
}

void Crowd::Count(const Status& status, Time due) {
  if (status.ok()) {
    ++(Now() - due <= deadline_ ? report_.in_time : report_.late);
  } else if (status.code() == Code::kResourceExhausted || status.code() == Code::kDeadline ||
             status.code() == Code::kUnavailable) {
    ++report_.refused;
  } else if (status.code() == Code::kUnknownOutcome) {
    ++report_.unknown;
  } else {
    ++report_.failed;
  }
}

Result<size_t> Crowd::TakeAnswer(Peer* peer, std::string_view input) {
  if (input.empty()) return 0;
  TOKURA_ASSIGN_OR_RETURN(const std::optional<uint64_t> id, dialect_.AnswerId(input));
  if (!id) return 0;
  const auto asked = peer->due.find(*id);
  if (asked == peer->due.end()) return Corrupt("an answer that nobody asked for");
  const Answer answer =
      dialect_.CheckRead(input, options_.features, {For(*id).entities, options_.generation});
  if (answer.status.code() == Code::kCorrupt || answer.bytes == 0) {
    if (!answer.status.ok()) return answer.status;
    return 0;
  }
  Count(answer.status, asked->second);
  peer->due.erase(asked);
  return answer.bytes;
}

Status Crowd::TakeAnswers(Peer* peer) {
  const Result<bool> came = peer->connection->Receive();
  if (!came.ok()) return OpenAgain(peer);
  while (*came) {
    TOKURA_ASSIGN_OR_RETURN(const size_t bytes, TakeAnswer(peer, peer->connection->input()));
    if (bytes == 0) break;
    peer->connection->Consume(bytes);
  }
  return OkStatus();
}

Status Crowd::OpenAgain(Peer* peer) {
  report_.failed += peer->due.size();
  peer->due.clear();
  TOKURA_ASSIGN_OR_RETURN(peer->connection, ClientConnection::Open(options_.address));
  return OkStatus();
}

Status Crowd::Exchange() {
  for (size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[i];
    if (!peer.connection->Send().ok()) TOKURA_RETURN_IF_ERROR(OpenAgain(&peer));
    const bool sends = peer.connection->wants_to_send();
    polled_[i] = {peer.connection->socket(), static_cast<short>(POLLIN | (sends ? POLLOUT : 0)), 0};
  }
  poll(polled_.data(), polled_.size(), kPollMs);
  for (size_t i = 0; i < peers_.size(); ++i) {
    if ((polled_[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    TOKURA_RETURN_IF_ERROR(TakeAnswers(&peers_[i]));
  }
  return OkStatus();
}

Result<CrowdReport> Crowd::Run() {
  polled_.resize(options_.connections);
  for (size_t i = 0; i < options_.connections; ++i) {
    TOKURA_ASSIGN_OR_RETURN(auto connection, ClientConnection::Open(options_.address));
    peers_.push_back({std::move(connection), {}});
  }
  Prepare();
  const double cpu_before = OwnCpuSeconds();
  const Time begin = Now();
  const Time end = begin + options_.duration;
  next_due_ = begin;
  for (Time now = begin; now < end; now = Now()) {
    SendDue(now);
    TOKURA_RETURN_IF_ERROR(Exchange());
  }
  report_.seconds = std::chrono::duration<double>(Now() - begin).count();
  while (Now() < end + deadline_) TOKURA_RETURN_IF_ERROR(Exchange());
  for (const Peer& peer : peers_) report_.silent += peer.due.size();
  report_.client_cpu_seconds = OwnCpuSeconds() - cpu_before;
  return report_;
}

}  // namespace

Result<CrowdReport> RunCrowd(const Dialect& dialect, const LoopOptions& options, double rate,
                             std::chrono::nanoseconds deadline) {
  TOKURA_CHECK(!dialect.in_order());
  return Crowd(dialect, options, rate, deadline).Run();
}

}  // namespace tokura::bench
