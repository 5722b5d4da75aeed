#include "router/write_batch.h"

#include <algorithm>

#include "core/key_codec.h"
#include "core/limits.h"
#include "core/protobuf_wire.h"
#include "proto/node.pb.h"
#include "router/session_token.h"
#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Task;

// Of one append: below what a node takes in one request.
constexpr size_t kAppendBytesMax = kRequestBytesMax / 2;
static_assert(kRecordBytesMax <= kAppendBytesMax);
constexpr uint32_t kRecordsField = v1::NodeAppendRequest::kRecordsFieldNumber;

}  // namespace

WriteBatch::WriteBatch(runtime::Executor& executor, const FeatureGroup& group, NodePool& nodes,
                       std::string list)
    : executor_(executor),
      group_(group),
      nodes_(nodes),
      list_(std::move(list)),
      parts_(nodes.size()) {}

void WriteBatch::Add(const Result<Record>& record) {
  if (!record.ok()) {
    results_.push_back(record.status());
    return;
  }
  encoded_.clear();
  EncodeRecord(*record, &encoded_);
  if (encoded_.size() > kRecordBytesMax) {
    results_.push_back(ResourceExhausted(list_ + "[" + std::to_string(results_.size()) +
                                         "]: record of " + std::to_string(encoded_.size()) +
                                         " bytes is over the limit of " +
                                         std::to_string(kRecordBytesMax)));
    return;
  }
  AddBytes(encoded_, record->key, record->write_id);
}

void WriteBatch::AddBytes(std::string_view record, std::string_view row_key,
                          const WriteId& write_id) {
  const Result<ShardId> shard = ShardOfRowKey(row_key, group_.entity);
  TOKURA_CHECK(shard.ok());  // the key was encoded here
  std::vector<Part>& parts = parts_[nodes_.shards().OwnerOf(*shard)];
  const bool fits = !parts.empty() && parts.back().records.size() < kRequestRecordsMax &&
                    parts.back().body.size() + record.size() <= kAppendBytesMax;
  if (!fits) parts.emplace_back();
  parts.back().records.push_back({results_.size(), write_id});
  pbwire::AppendBytesField(kRecordsField, record, &parts.back().body);
  results_.emplace_back();
}

Task<Status> WriteBatch::Send(Deadline deadline) {
  std::vector<size_t> nodes;
  for (size_t node = 0; node < parts_.size(); ++node) {
    if (!parts_[node].empty()) nodes.push_back(node);
  }
  if (nodes.size() == 1) {
    co_await SendTo(nodes.front(), deadline);
  } else {
    runtime::TaskGroup tasks(executor_);
    for (const size_t node : nodes) tasks.Spawn(SendTo(node, deadline));
    co_await tasks.Join();
  }
  if (nodes.empty() || may_be_written_) co_return OkStatus();
  // Nothing was written, so when nobody was there the caller may simply repeat the whole request.
  for (const size_t node : nodes) {
    for (const Part& part : parts_[node]) {
      for (const Sent& one : part.records) {
        if (results_[one.index].code() != Code::kUnavailable) co_return OkStatus();
      }
    }
  }
  co_return Unavailable("no node could take the records; nothing was written, try again");
}

Task<void> WriteBatch::SendTo(size_t node, Deadline deadline) {
  Status stopped;  // the first failure of a whole part: what follows is not sent
  for (Part& part : parts_[node]) {
    if (!stopped.ok()) {
      for (const Sent& one : part.records) {
        Refuse(one, Unavailable("not sent, for an earlier part of the request failed"));
      }
      continue;
    }
    Result<RecordResults> answer =
        co_await nodes_.Append(node, std::move(part.body), part.records.size(), deadline);
    stopped = answer.status();
    for (size_t i = 0; i < part.records.size(); ++i) {
      const Status& status = answer.ok() ? answer->results[i] : stopped;
      if (!status.ok()) Refuse(part.records[i], status);
      may_be_written_ = may_be_written_ || status.ok();
    }
    if (answer.ok()) vectors_.push_back(std::move(answer->token));
  }
}

void WriteBatch::Refuse(const Sent& sent, const Status& status) {
  const std::string path = list_ + "[" + std::to_string(sent.index) + "]: ";
  const Code code = status.code();
  if (code == Code::kUnknownOutcome || code == Code::kDeadline) {
    may_be_written_ = true;
    results_[sent.index] =
        Status(Code::kUnknownOutcome, path + "it is not known whether the record was written; " +
                                          "retry with write_id " + sent.write_id.ToHex());
    return;
  }
  // Who owns what is the router's concern: to the caller the node was just not there.
  const Code shown = code == Code::kWrongOwner ? Code::kUnavailable : code;
  results_[sent.index] = Status(shown, path + status.message());
}

size_t WriteBatch::accepted() const {
  return static_cast<size_t>(std::count_if(results_.begin(), results_.end(),
                                           [](const Status& status) { return status.ok(); }));
}

Result<std::string> WriteBatch::Token() const {
  if (vectors_.size() == 1) return ToUserToken(vectors_.front());
  TOKURA_ASSIGN_OR_RETURN(const std::string joined, JoinVectors(vectors_));
  return ToUserToken(joined);
}

}  // namespace tokura::router
