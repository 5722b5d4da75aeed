// NODE_READ: batched point reads. Keys are split by the thread of their shard; each thread packs
// columns of its own rows, which are then merged row by row, unless one thread had them all.
#include <chrono>
#include <optional>
#include <utility>

#include "core/key_codec.h"
#include "core/limits.h"
#include "core/row.h"
#include "node/fan_out.h"
#include "node/feature_columns.h"
#include "node/requests.h"
#include "node/service.h"

namespace tokura::node {

struct GroupRead {
  const FeatureGroup* group = nullptr;
  std::vector<const Feature*> features;
  std::vector<std::string_view> keys;  // inside the request
  std::vector<uint16_t> threads;       // of each key
};

struct ReadPlan {
  std::shared_ptr<const catalog::Definitions> definitions;  // one owner more: it must outlive reads
  std::vector<GroupRead> reads;
  std::optional<int64_t> max_staleness_us;
  bool want_event_time = false;
  PositionVector token;
  int64_t now_us = 0;
  std::vector<bool> uses_thread;
};

struct ReadPart {
  Status status;
  std::vector<v1::NodeReadResponse::GroupColumns> reads;
};

namespace {

// Response frames have the same limit as requests; some room is left for what is not values.
constexpr size_t kAnswerBytesMax = kFrameBytesMax - (1 << 20);

Status TooLarge() {
  return ResourceExhausted("the answer is over the limit of " + std::to_string(kAnswerBytesMax) +
                           " bytes; ask for fewer keys or features at a time");
}

Status PlanKeys(const v1::NodeReadRequest::GroupRead& request, size_t thread_count,
                GroupRead* read) {
  const std::string_view bytes = request.keys();
  uint32_t begin = 0;
  read->keys.reserve(request.key_ends_size());
  read->threads.reserve(request.key_ends_size());
  for (uint32_t end : request.key_ends()) {
    if (end < begin || end > bytes.size()) return InvalidArgument("key_ends are not ascending");
    const std::string_view key = bytes.substr(begin, end - begin);
    begin = end;
    const Result<GroupId> group = RowKeyGroup(key);
    if (!group.ok() || *group != read->group->id) {
      return InvalidArgument("a key is not one of " + read->group->QualifiedName());
    }
    const Result<ShardId> shard = ShardOfRowKey(key, read->group->entity);
    if (!shard.ok()) {
      return InvalidArgument("a key is not one of " + read->group->QualifiedName());
    }
    read->keys.push_back(key);
    read->threads.push_back(static_cast<uint16_t>(shard->value % thread_count));
  }
  return OkStatus();
}

Result<ReadPlan> PlanRead(const v1::NodeReadRequest& request,
                          std::shared_ptr<const catalog::Definitions> definitions,
                          size_t thread_count) {
  ReadPlan plan;
  plan.definitions = std::move(definitions);
  plan.want_event_time = request.want_event_time();
  if (request.has_max_staleness_us()) plan.max_staleness_us = request.max_staleness_us();
  if (!request.token().empty()) {
    TOKURA_ASSIGN_OR_RETURN(plan.token, PositionVector::Decode(request.token()));
  }
  plan.uses_thread.resize(thread_count);
  size_t features = 0;
  if (static_cast<size_t>(request.reads_size()) > kRequestFeaturesMax) {
    return OverLimit("reads", request.reads_size(), kRequestFeaturesMax);
  }
  for (const auto& asked : request.reads()) {
    GroupRead read;
    TOKURA_ASSIGN_OR_RETURN(read.group, OnlineGroup(*plan.definitions, asked.group()));
    if (static_cast<size_t>(asked.key_ends_size()) > kRequestKeysMax) {
      return OverLimit("keys", asked.key_ends_size(), kRequestKeysMax);
    }
    features += asked.features_size();
    if (features > kRequestFeaturesMax) {
      return OverLimit("features", features, kRequestFeaturesMax);
    }
    for (uint32_t id : asked.features()) {
      TOKURA_ASSIGN_OR_RETURN(const Feature* feature, OnlineFeature(*read.group, id));
      read.features.push_back(feature);
    }
    TOKURA_RETURN_IF_ERROR(PlanKeys(asked, thread_count, &read));
    for (uint16_t thread : read.threads) plan.uses_thread[thread] = true;
    plan.reads.push_back(std::move(read));
  }
  return plan;
}

// Every entry of the token that this node and thread can hold. A shard's records are written at one
// node, so entries of other nodes are about shards that are not read here.
bool CoversToken(const StorageThread& thread, size_t thread_count, const std::string& node_id,
                 const PositionVector& token) {
  for (const auto& [place, position] : token.entries()) {
    if (place.second != node_id || place.first.value % thread_count != thread.index()) continue;
    if (!thread.held().Covers(Dot{place.first, {node_id, position.incarnation}, position.seq})) {
      return false;
    }
  }
  return true;
}

// The rows of one read that are this thread's, in the order asked.
Status ReadGroup(const GroupRead& read, const ReadPlan& plan, const StorageThread& thread,
                 const RowTable& table, size_t* bytes_left,
                 v1::NodeReadResponse::GroupColumns* out) {
  std::vector<FeatureColumnBuilder> builders;
  builders.reserve(read.features.size());
  for (const Feature* feature : read.features) {
    builders.emplace_back(feature->type, plan.want_event_time, out->add_features());
    builders.back().Reserve(read.keys.size());
  }
  std::vector<std::optional<std::string_view>> rows;
  rows.reserve(read.keys.size());
  for (size_t i = 0; i < read.keys.size(); ++i) {
    if (read.threads[i] != thread.index()) continue;
    rows.push_back(table.Find(read.keys[i]));
    if (rows.back()) __builtin_prefetch(rows.back()->data());
  }
  Value value;
  size_t used = 0;
  for (const std::optional<std::string_view>& row : rows) {
    for (size_t f = 0; f < read.features.size(); ++f) {
      PackedCell cell;
      if (row) {
        TOKURA_ASSIGN_OR_RETURN(cell, ReadPackedCell(*row, *read.group, *read.features[f],
                                                     plan.now_us, plan.max_staleness_us, &value));
      }
      const size_t before = builders[f].bytes();
      builders[f].Append(cell, value);
      used += builders[f].bytes() - before;
    }
    if (used > *bytes_left) return TooLarge();
  }
  *bytes_left -= used;
  return OkStatus();
}

// Interleaves the threads' columns of one read in the order of its keys.
void MergeGroup(const GroupRead& read, size_t index, bool want_event_time,
                const std::vector<ReadPart>& parts, v1::NodeReadResponse::GroupColumns* out) {
  for (size_t f = 0; f < read.features.size(); ++f) {
    FeatureColumnBuilder builder(read.features[f]->type, want_event_time, out->add_features());
    builder.Reserve(read.keys.size());
    std::vector<size_t> next(parts.size());
    for (uint16_t thread : read.threads) {
      builder.AppendFrom(parts[thread].reads[index].features(static_cast<int>(f)), next[thread]++);
    }
  }
}

}  // namespace

runtime::Task<void> NodeService::ReadOnThread(StorageThread& thread, const ReadPlan& plan,
                                              ReadPart* part) {
  if (!CoversToken(thread, parts_.threads.size(), parts_.node_id, plan.token)) {
    part->status = Unavailable("node " + parts_.node_id +
                               " does not hold yet what the token names; try again");
    co_return;
  }
  size_t bytes_left = kAnswerBytesMax;
  part->reads.resize(plan.reads.size());
  for (size_t i = 0; i < plan.reads.size(); ++i) {
    part->status =
        ReadGroup(plan.reads[i], plan, thread, thread.rows(), &bytes_left, &part->reads[i]);
    if (!part->status.ok()) co_return;
  }
}

runtime::Task<Result<std::string>> NodeService::Read(runtime::Executor& home,
                                                     const runtime::rpc::Call& call) {
  const std::chrono::nanoseconds begin = parts_.clock->Monotonic();
  if (call.body.size() > kRequestBytesMax) {
    co_return OverLimit("bytes", call.body.size(), kRequestBytesMax);
  }
  TOKURA_CO_ASSIGN_OR_RETURN(v1::NodeReadRequest request,
                             ParseRequest<v1::NodeReadRequest>(call.body));
  TOKURA_CO_ASSIGN_OR_RETURN(
      ReadPlan plan, PlanRead(request, parts_.definitions->Current(), parts_.threads.size()));
  plan.now_us = parts_.clock->NowUs();
  std::vector<ReadPart> parts(parts_.threads.size());
  std::vector<FanOutPart> fan_out;
  size_t only = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!plan.uses_thread[i]) continue;
    StorageThread& thread = *parts_.threads[i];
    fan_out.push_back({&thread.executor(), ReadOnThread(thread, plan, &parts[i])});
    only = i;
  }
  if (fan_out.empty()) {  // no keys: the columns are empty, but typed
    StorageThread& thread = *parts_.threads[0];
    fan_out.push_back({&thread.executor(), ReadOnThread(thread, plan, &parts[0])});
  }
  const size_t involved = fan_out.size();
  co_await FanOut(home, std::move(fan_out));
  for (const ReadPart& part : parts) {
    if (!part.status.ok()) co_return part.status;
  }
  v1::NodeReadResponse response;
  size_t rows = 0;
  size_t values = 0;
  for (size_t i = 0; i < plan.reads.size(); ++i) {
    if (involved == 1) {
      *response.add_reads() = std::move(parts[only].reads[i]);
    } else {
      MergeGroup(plan.reads[i], i, plan.want_event_time, parts, response.add_reads());
    }
    rows += plan.reads[i].keys.size();
    values += plan.reads[i].keys.size() * plan.reads[i].features.size();
  }
  if (response.ByteSizeLong() > kFrameBytesMax) co_return TooLarge();
  reads_.Add(static_cast<double>(rows));
  values_.Add(static_cast<double>(values));
  read_seconds_.Observe(std::chrono::duration<double>(parts_.clock->Monotonic() - begin).count());
  co_return response.SerializeAsString();
}

}  // namespace tokura::node
