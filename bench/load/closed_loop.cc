#include "bench/load/closed_loop.h"

#include <poll.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <numeric>
#include <random>

#include "bench/load/client_connection.h"
#include "bench/load/cpu_time.h"

namespace tokura::bench {
namespace {

using Time = std::chrono::steady_clock::time_point;
using Seconds = std::chrono::duration<double>;
using Microseconds = std::chrono::duration<double, std::micro>;

Time Now() { return std::chrono::steady_clock::now(); }

// Which entities the next request is about.
class EntitySource {
 public:
  virtual ~EntitySource() = default;
  // At most `batch` entities; none: there is nothing left to ask.
  virtual void Next(size_t batch, std::vector<uint64_t>* out) = 0;
};

class RandomEntities final : public EntitySource {
 public:
  RandomEntities(uint64_t entities, uint64_t seed) : draw_(0, entities - 1), random_(seed) {}
  void Next(size_t batch, std::vector<uint64_t>* out) override {
    out->resize(batch);
    for (uint64_t& entity : *out) entity = draw_(random_);
  }

 private:
  std::uniform_int_distribution<uint64_t> draw_;
  std::mt19937_64 random_;
};

class EveryEntityOnce final : public EntitySource {
 public:
  explicit EveryEntityOnce(uint64_t entities) : entities_(entities), stride_(kPrime % entities) {
    // Any stride without a common divisor visits all.
    while (std::gcd(stride_, entities_) != 1) ++stride_;
  }
  void Next(size_t batch, std::vector<uint64_t>* out) override {
    out->clear();
    for (; out->size() < batch && given_ < entities_; ++given_) {
      out->push_back(at_);
      at_ = (at_ + stride_) % entities_;
    }
  }

 private:
  static constexpr uint64_t kPrime = 2'654'435'761;
  const uint64_t entities_;
  uint64_t stride_;
  uint64_t given_ = 0;
  uint64_t at_ = 0;
};

class ClosedLoop {
 public:
  ClosedLoop(const Dialect& dialect, const LoopOptions& options, bool write, EntitySource* source)
      : dialect_(dialect), options_(options), write_(write), source_(*source) {}

  Result<LoopReport> Run();

 private:
  struct Slot {
    std::vector<uint64_t> entities;
    Time sent;
  };
  struct Peer {
    std::unique_ptr<ClientConnection> connection;
    std::vector<Slot> slots;       // by request id
    std::deque<uint64_t> waiting;  // ids of requests not answered, oldest first
  };

  Status Open();
  RequestTemplate& TemplateFor(size_t items);
  // Sends what `slot` asks for.
  void Send(Peer* peer, uint64_t id);
  // Fills the slot with the next entities, if the loop goes on, and sends it.
  void SendNext(Peer* peer, uint64_t id);
  Status Wait();
  Status TakeAnswers(Peer* peer);
  // False: the next answer is not whole.
  Result<bool> TakeAnswer(Peer* peer);
  Status StartMeasuring();
  Status StopMeasuring();

  const Dialect& dialect_;
  const LoopOptions& options_;
  const bool write_;
  EntitySource& source_;
  std::vector<Peer> peers_;
  std::vector<pollfd> polled_;
  std::vector<RequestTemplate> templates_;  // of different lengths; a write's last batch is shorter
  bool measuring_ = false;
  bool ending_ = false;
  size_t in_flight_ = 0;
  Time measured_from_;
  LoopReport report_;
};

Status ClosedLoop::Open() {
  for (size_t i = 0; i < options_.connections; ++i) {
    TOKURA_ASSIGN_OR_RETURN(auto connection, ClientConnection::Open(options_.address));
    polled_.push_back({connection->socket(), POLLIN, 0});
    peers_.push_back({std::move(connection), std::vector<Slot>(options_.depth), {}});
  }
  return OkStatus();
}

RequestTemplate& ClosedLoop::TemplateFor(size_t items) {
  for (RequestTemplate& made : templates_) {
    if (made.items() == items) return made;
  }
  return templates_.emplace_back(write_ ? dialect_.WriteTemplate(items)
                                        : dialect_.ReadTemplate(items, options_.features));
}

void ClosedLoop::Send(Peer* peer, uint64_t id) {
  Slot& slot = peer->slots[id];
  RequestTemplate& request = TemplateFor(slot.entities.size());
  for (size_t i = 0; i < slot.entities.size(); ++i) {
    if (write_) {
      request.SetRow(i, slot.entities[i], options_.generation);
    } else {
      request.SetEntity(i, slot.entities[i]);
    }
  }
  dialect_.AppendRequest(request.bytes(), write_, id, peer->connection->output());
  slot.sent = Now();
  peer->waiting.push_back(id);
  ++in_flight_;
}

void ClosedLoop::SendNext(Peer* peer, uint64_t id) {
  if (ending_) return;
  source_.Next(options_.batch, &peer->slots[id].entities);
  if (!peer->slots[id].entities.empty()) Send(peer, id);
}

Result<bool> ClosedLoop::TakeAnswer(Peer* peer) {
  const std::string_view input = peer->connection->input();
  if (input.empty() || peer->waiting.empty()) return false;
  auto answered = peer->waiting.begin();
  if (!dialect_.in_order()) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<uint64_t> id, dialect_.AnswerId(input));
    if (!id) return false;
    answered = std::find(peer->waiting.begin(), peer->waiting.end(), *id);
    if (answered == peer->waiting.end()) return Corrupt("an answer that nobody asked for");
  }
  const uint64_t id = *answered;
  const Slot& slot = peer->slots[id];
  const Asked asked{slot.entities, options_.generation};
  const Answer answer = write_ ? dialect_.CheckWrite(input, asked)
                               : dialect_.CheckRead(input, options_.features, asked);
  const bool refused = answer.status.code() == Code::kResourceExhausted;
  if (!answer.status.ok() && !(refused && answer.bytes > 0)) return answer.status;
  if (answer.bytes == 0) return false;
  peer->connection->Consume(answer.bytes);
  peer->waiting.erase(answered);
  --in_flight_;
  if (refused) {
    ++report_.retries;
    Send(peer, id);
    return true;
  }
  if (measuring_) {
    ++report_.requests;
    report_.rows += slot.entities.size();
    report_.latencies_us.push_back(Microseconds(Now() - slot.sent).count());
  }
  SendNext(peer, id);
  return true;
}

Status ClosedLoop::TakeAnswers(Peer* peer) {
  TOKURA_ASSIGN_OR_RETURN(const bool came, peer->connection->Receive());
  for (bool more = came; more;) {
    TOKURA_ASSIGN_OR_RETURN(more, TakeAnswer(peer));
  }
  return OkStatus();
}

Status ClosedLoop::Wait() {
  if (options_.spin) return OkStatus();
  for (size_t i = 0; i < peers_.size(); ++i) {
    const bool sends = peers_[i].connection->wants_to_send();
    polled_[i].events = static_cast<short>(POLLIN | (sends ? POLLOUT : 0));
  }
  constexpr int kPatienceMs = 60'000;
  if (poll(polled_.data(), polled_.size(), kPatienceMs) == 0) {
    return DeadlineExceeded("no answer within 60 s");
  }
  return OkStatus();
}

Status ClosedLoop::StartMeasuring() {
  TOKURA_ASSIGN_OR_RETURN(report_.server_cpu_seconds, CpuSecondsOf(options_.server_pids));
  report_.client_cpu_seconds = OwnCpuSeconds();
  measured_from_ = Now();
  measuring_ = true;
  return OkStatus();
}

Status ClosedLoop::StopMeasuring() {
  report_.seconds = Seconds(Now() - measured_from_).count();
  TOKURA_ASSIGN_OR_RETURN(const double server, CpuSecondsOf(options_.server_pids));
  report_.server_cpu_seconds = server - report_.server_cpu_seconds;
  report_.client_cpu_seconds = OwnCpuSeconds() - report_.client_cpu_seconds;
  measuring_ = false;
  return OkStatus();
}

Result<LoopReport> ClosedLoop::Run() {
  TOKURA_RETURN_IF_ERROR(Open());
  const Time begin = Now();
  if (write_) TOKURA_RETURN_IF_ERROR(StartMeasuring());
  for (Peer& peer : peers_) {
    for (size_t id = 0; id < options_.depth; ++id) SendNext(&peer, id);
  }
  while (in_flight_ > 0) {
    for (Peer& peer : peers_) TOKURA_RETURN_IF_ERROR(peer.connection->Send());
    TOKURA_RETURN_IF_ERROR(Wait());
    for (Peer& peer : peers_) TOKURA_RETURN_IF_ERROR(TakeAnswers(&peer));
    if (write_ || ending_) continue;
    if (!measuring_ && Now() - begin >= options_.warm_up) {
      TOKURA_RETURN_IF_ERROR(StartMeasuring());
    } else if (measuring_ && Now() - measured_from_ >= options_.duration) {
      TOKURA_RETURN_IF_ERROR(StopMeasuring());
      ending_ = true;
    }
  }
  if (write_) TOKURA_RETURN_IF_ERROR(StopMeasuring());
  std::sort(report_.latencies_us.begin(), report_.latencies_us.end());
  return std::move(report_);
}

}  // namespace

Result<LoopReport> RunReads(const Dialect& dialect, const LoopOptions& options) {
  RandomEntities source(options.entities, options.seed);
  return ClosedLoop(dialect, options, /*write=*/false, &source).Run();
}

Result<LoopReport> RunWrites(const Dialect& dialect, const LoopOptions& options) {
  EveryEntityOnce source(options.entities);
  return ClosedLoop(dialect, options, /*write=*/true, &source).Run();
}

}  // namespace tokura::bench
