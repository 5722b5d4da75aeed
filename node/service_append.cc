// NODE_APPEND: records are checked one by one; those accepted go to the log of their shard's
// thread, in the order given, and are answered when they are durable.
#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "core/limits.h"
#include "core/position_vector.h"
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
  std::vector<replication::PendingRecord> records;
  std::vector<size_t> places;  // of each record in the request
};

// What the logs said, gathered on the executor that the request came in on.
struct Gathered {
  std::vector<std::optional<Result<std::vector<Dot>>>> outcomes;  // by thread
  size_t missing = 0;
};

Status OutcomeUnknown(std::string_view why) {
  return Status(Code::kUnknownOutcome, std::string(why) +
                                           ", so the write may have happened; retry with the "
                                           "same write_id and event_time");
}

void SetResult(const Status& status, v1::RecordResult* result) {
  result->set_code(static_cast<uint32_t>(status.code()));
  result->set_message(status.message());
}

Status StatusOfOutcome(const std::optional<Result<std::vector<Dot>>>& outcome) {
  if (!outcome) return OutcomeUnknown("the log did not answer before the deadline");
  const Code code = outcome->status().code();
  if (code == Code::kInternal) return OutcomeUnknown("the log failed");
  return outcome->status();
}

std::vector<LogShare> SplitRecords(v1::NodeAppendRequest* request, size_t thread_count,
                                   const catalog::Definitions& definitions, int64_t now_us,
                                   const DiskReserve& reserve, v1::NodeAppendResponse* response) {
  std::vector<LogShare> shares(thread_count);
  for (int i = 0; i < request->records_size(); ++i) {
    v1::RecordResult* result = response->add_results();
    Result<ShardId> shard = CheckRecord(request->records(i), definitions, now_us);
    const Status fits = reserve.Check(request->records(i));
    if (shard.ok() && !fits.ok()) shard = fits;
    if (!shard.ok()) {
      SetResult(shard.status(), result);
      continue;
    }
    LogShare& share = shares[shard->value % thread_count];
    share.records.push_back({*shard, std::move(*request->mutable_records(i))});
    share.places.push_back(static_cast<size_t>(i));
  }
  return shares;
}

}  // namespace

runtime::Task<Result<std::string>> NodeService::Append(runtime::Executor& home,
                                                       const runtime::rpc::Call& call) {
  const std::chrono::nanoseconds begin = parts_.clock->Monotonic();
  if (call.deadline && *call.deadline - kAnswerTime <= begin) {
    co_return DeadlineExceeded("the call's deadline passed before its records were looked at");
  }
  TOKURA_CO_ASSIGN_OR_RETURN(v1::NodeAppendRequest request,
                             ParseRequest<v1::NodeAppendRequest>(call.body));
  if (static_cast<size_t>(request.records_size()) > kRequestRecordsMax) {
    co_return OverLimit("records", request.records_size(), kRequestRecordsMax);
  }
  const size_t thread_count = parts_.threads.size();
  v1::NodeAppendResponse response;
  std::vector<LogShare> shares =
      SplitRecords(&request, thread_count, *parts_.definitions->Current(), parts_.clock->NowUs(),
                   *parts_.reserve, &response);

  // joint owners: this request and the logs' answers, which may come after its deadline
  auto gathered = std::make_shared<Gathered>();
  gathered->outcomes.resize(thread_count);
  runtime::OneShot<bool> done(home);
  for (const LogShare& share : shares) gathered->missing += share.records.empty() ? 0 : 1;
  if (gathered->missing == 0) done.Set(true);
  for (size_t i = 0; i < thread_count; ++i) {
    if (shares[i].records.empty()) continue;
    parts_.threads[i]->PostAppend(std::move(shares[i].records),
                                  [&home, gathered, done, i](Result<std::vector<Dot>> outcome) {
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
  const auto waiting = static_cast<double>(call.body.size());
  pending_append_bytes_.Add(waiting);
  const bool in_time = co_await done;
  pending_append_bytes_.Add(-waiting);
  if (in_time) home.Cancel(timer);

  PositionVector token;
  for (size_t i = 0; i < thread_count; ++i) {
    const Status status =
        shares[i].places.empty() ? OkStatus() : StatusOfOutcome(gathered->outcomes[i]);
    for (size_t j = 0; j < shares[i].places.size(); ++j) {
      SetResult(status, response.mutable_results(static_cast<int>(shares[i].places[j])));
      if (status.ok()) token.Add(gathered->outcomes[i]->value()[j]);
    }
  }
  response.set_token(token.Encode());
  append_seconds_.Observe(std::chrono::duration<double>(parts_.clock->Monotonic() - begin).count());
  co_return response.SerializeAsString();
}

}  // namespace tokura::node
