#include "router/write_batch.h"

#include <algorithm>

#include "core/key_codec.h"
#include "core/limits.h"
#include "router/session_token.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Task;

// Of one append: below what a node takes in one request.
constexpr size_t kAppendBytesMax = kRequestBytesMax / 2;
static_assert(kRecordBytesMax <= kAppendBytesMax);

}  // namespace

WriteBatch::WriteBatch(runtime::Executor& executor, const FeatureGroup& group, NodePool& nodes,
                       std::string list)
    : executor_(executor),
      group_(group),
      nodes_(nodes),
      list_(std::move(list)),
      pending_(nodes.size()) {}

void WriteBatch::Add(Result<Record> record) {
  const size_t index = results_.size();
  results_.push_back(record.status());
  if (!record.ok()) return;
  Pending pending{index, {}, record->write_id};
  EncodeRecord(*record, &pending.body);
  if (pending.body.size() > kRecordBytesMax) {
    results_[index] =
        ResourceExhausted(list_ + "[" + std::to_string(index) + "]: record of " +
                          std::to_string(pending.body.size()) + " bytes is over the limit of " +
                          std::to_string(kRecordBytesMax));
    return;
  }
  const Result<ShardId> shard = ShardOfRowKey(record->key, group_.entity);
  TOKURA_CHECK(shard.ok());  // the key was encoded here
  pending_[nodes_.shards().OwnerOf(*shard)].push_back(std::move(pending));
}

Task<Status> WriteBatch::Send(Deadline deadline) {
  runtime::TaskGroup tasks(executor_);
  size_t sent = 0;
  for (size_t node = 0; node < pending_.size(); ++node) {
    sent += pending_[node].size();
    if (!pending_[node].empty()) tasks.Spawn(SendTo(node, deadline));
  }
  co_await tasks.Join();
  if (sent == 0 || may_be_written_) co_return OkStatus();
  // Nothing was written, so when nobody was there the caller may simply repeat the whole request.
  for (const auto& pending : pending_) {
    for (const Pending& one : pending) {
      if (results_[one.index].code() != Code::kUnavailable) co_return OkStatus();
    }
  }
  co_return Unavailable("no node could take the records; nothing was written, try again");
}

Task<void> WriteBatch::SendTo(size_t node, Deadline deadline) {
  std::vector<Pending>& pending = pending_[node];
  Status stopped;  // the first failure of a whole part: what follows is not sent
  for (size_t begin = 0; begin < pending.size();) {
    size_t end = begin;
    size_t bytes = 0;
    std::vector<std::string> bodies;
    while (end < pending.size() && end - begin < kRequestRecordsMax &&
           bytes + pending[end].body.size() <= kAppendBytesMax) {
      bytes += pending[end].body.size();
      bodies.push_back(std::move(pending[end].body));
      ++end;
    }
    if (stopped.ok()) {
      Result<client::NodeAppended> answer =
          co_await nodes_.Append(node, std::move(bodies), deadline);
      stopped = answer.status();
      for (size_t i = begin; i < end; ++i) {
        const Status& status = answer.ok() ? answer->results[i - begin] : stopped;
        if (!status.ok()) Refuse(pending[i], status);
        may_be_written_ = may_be_written_ || status.ok();
      }
      if (answer.ok()) vectors_.push_back(std::move(answer->token));
    } else {
      for (size_t i = begin; i < end; ++i) {
        Refuse(pending[i], Unavailable("not sent, for an earlier part of the request failed"));
      }
    }
    begin = end;
  }
}

void WriteBatch::Refuse(const Pending& pending, const Status& status) {
  const std::string path = list_ + "[" + std::to_string(pending.index) + "]: ";
  const Code code = status.code();
  if (code == Code::kUnknownOutcome || code == Code::kDeadline) {
    may_be_written_ = true;
    results_[pending.index] =
        Status(Code::kUnknownOutcome, path + "it is not known whether the record was written; " +
                                          "retry with write_id " + pending.write_id.ToHex());
    return;
  }
  // Who owns what is the router's concern: to the caller the node was just not there.
  const Code shown = code == Code::kWrongOwner ? Code::kUnavailable : code;
  results_[pending.index] = Status(shown, path + status.message());
}

size_t WriteBatch::accepted() const {
  return static_cast<size_t>(std::count_if(results_.begin(), results_.end(),
                                           [](const Status& status) { return status.ok(); }));
}

Result<std::string> WriteBatch::Token() const {
  TOKURA_ASSIGN_OR_RETURN(const std::string joined, JoinVectors(vectors_));
  return ToUserToken(joined);
}

}  // namespace tokura::router
