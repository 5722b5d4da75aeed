// NODE_APPEND: records are checked one by one; those accepted go to the log of their shard's
// thread, in the order given, and are answered when they are durable.
#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "core/limits.h"
#include "core/position_vector.h"
#include "core/protobuf_wire.h"
#include "core/record_results.h"
#include "node/record_check.h"
#include "node/requests.h"
#include "node/service.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kAppendTimeout = 30s;  // when the caller names no deadline
// The answer must still reach the caller before it stops waiting.
constexpr std::chrono::nanoseconds kAnswerTime = 2ms;

// The records of one request that go to one thread's log.
struct LogShare {
  struct Place {
    size_t index = 0;  // in the request
    ShardId shard;
  };
  replication::RecordBatch records;
  std::vector<Place> places;  // of each of them
};

// What the logs said, gathered on the executor that the request came in on.
using Outcome = std::optional<Result<std::vector<Seq>>>;
struct Gathered {
  std::vector<Outcome> outcomes;  // by thread
  size_t missing = 0;
};

Status OutcomeUnknown(std::string_view why) {
  return Status(Code::kUnknownOutcome, std::string(why) +
                                           ", so the write may have happened; retry with the "
                                           "same write_id and event_time");
}

Status StatusOfOutcome(const Outcome& outcome) {
  if (!outcome) return OutcomeUnknown("the log did not answer before the deadline");
  const Code code = outcome->status().code();
  if (code == Code::kInternal) return OutcomeUnknown("the log failed");
  return outcome->status();
}

// The records of a v1.NodeAppendRequest, inside its body.
Result<std::vector<std::string_view>> CutRecords(std::string_view body) {
  std::vector<std::string_view> records;
  size_t count = 0;
  pbwire::WireReader reader(body);
  while (reader.Next()) {
    if (reader.field() != v1::NodeAppendRequest::kRecordsFieldNumber || !reader.is_bytes())
      continue;
    if (++count <= kRequestRecordsMax) records.push_back(reader.bytes());
  }
  if (!reader.ok()) return InvalidArgument("the request's body is not a NodeAppendRequest");
  if (count > kRequestRecordsMax) return OverLimit("records", count, kRequestRecordsMax);
  return records;
}

// Deals the records that may be accepted out to threads; `results`: why others may not.
std::vector<LogShare> SplitRecords(std::span<const std::string_view> records, size_t thread_count,
                                   const catalog::Definitions& definitions, int64_t now_us,
                                   const DiskReserve& reserve, std::vector<Status>* results) {
  std::vector<LogShare> shares(thread_count);
  results->resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const Result<ShardId> shard = CheckRecord(records[i], definitions, now_us);
    (*results)[i] = shard.ok() ? reserve.Check(records[i]) : shard.status();
    if (!(*results)[i].ok()) continue;
    LogShare& share = shares[shard->value % thread_count];
    share.records.Add(*shard, records[i]);
    share.places.push_back({i, *shard});
  }
  return shares;
}

}  // namespace

runtime::Task<Result<std::string>> NodeService::Append(runtime::Executor& home,
                                                       runtime::rpc::Call call) {
  const std::chrono::nanoseconds begin = parts_.clock->Monotonic();
  if (call.deadline && *call.deadline - kAnswerTime <= begin) {
    co_return DeadlineExceeded("the call's deadline passed before its records were looked at");
  }
  const auto waiting = static_cast<double>(call.body.size());
  const size_t thread_count = parts_.threads.size();
  TOKURA_CO_ASSIGN_OR_RETURN(const std::vector<std::string_view> records, CutRecords(call.body));
  std::vector<Status> results;
  std::vector<LogShare> shares = SplitRecords(records, thread_count, *parts_.definitions->Current(),
                                              parts_.clock->NowUs(), *parts_.reserve, &results);

  // joint owners: this request and the logs' answers, which may come after its deadline
  auto gathered = std::make_shared<Gathered>();
  gathered->outcomes.resize(thread_count);
  runtime::OneShot<bool> done(home);
  for (const LogShare& share : shares) gathered->missing += share.records.empty() ? 0 : 1;
  if (gathered->missing == 0) done.Set(true);
  for (size_t i = 0; i < thread_count; ++i) {
    if (shares[i].records.empty()) continue;
    parts_.threads[i]->PostAppend(std::move(shares[i].records),
                                  [&home, gathered, done, i](Result<std::vector<Seq>> outcome) {
                                    home.Post([gathered, done, i, outcome = std::move(outcome)] {
                                      gathered->outcomes[i] = outcome;
                                      if (--gathered->missing == 0) done.Set(true);
                                    });
                                  });
  }
  const std::chrono::nanoseconds deadline =
      call.deadline ? *call.deadline - kAnswerTime : begin + kAppendTimeout;
  const auto timer =
      home.After(std::max(deadline - parts_.clock->Monotonic(), 0ns), [done] { done.Set(false); });
  pending_append_bytes_.Add(waiting);
  const bool in_time = co_await done;
  pending_append_bytes_.Add(-waiting);
  if (in_time) home.Cancel(timer);

  PositionVector token;
  const Origin origin{parts_.node_id, parts_.incarnation};
  for (size_t i = 0; i < thread_count; ++i) {
    if (shares[i].places.empty()) continue;
    const Status status = StatusOfOutcome(gathered->outcomes[i]);
    for (size_t j = 0; j < shares[i].places.size(); ++j) {
      const LogShare::Place& place = shares[i].places[j];
      results[place.index] = status;
      if (status.ok()) token.Add(Dot{place.shard, origin, gathered->outcomes[i]->value()[j]});
    }
  }
  append_seconds_.Observe(std::chrono::duration<double>(parts_.clock->Monotonic() - begin).count());
  co_return EncodeRecordResults(results, token.Encode());
}

}  // namespace tokura::node
