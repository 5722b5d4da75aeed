// NODE_READ: batched point reads. Keys are split by the thread of their shard; each thread looks
// its rows up, all at once, and then fills their places in the columns of the answer, which are
// encoded when all have.
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "core/answer_columns.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "core/protobuf_wire.h"
#include "core/row_projection.h"
#include "node/fan_out.h"
#include "node/read_request.h"
#include "node/requests.h"
#include "node/service.h"

namespace tokura::node {

struct GroupRead {
  const FeatureGroup* group = nullptr;
  std::vector<const Feature*> features;
  std::vector<Type> types;             // of the features
  std::vector<std::string_view> keys;  // inside the request
  std::vector<uint16_t> threads;       // of each key; empty: there is one thread
};

struct ReadPlan {
  std::shared_ptr<const catalog::Definitions> definitions;  // one owner more: it must outlive reads
  std::vector<GroupRead> reads;
  std::optional<int64_t> max_staleness_us;
  bool want_event_time = false;
  PositionVector token;
  int64_t now_us = 0;
  std::vector<char> uses_thread;  // by index
};

namespace {

// Response frames have the same limit as requests; some room is left for what is not values.
constexpr size_t kAnswerBytesMax = kFrameBytesMax - (1 << 20);

runtime::Task<void> StoreStatus(runtime::Task<Status> task, Status* out) {
  Status status = co_await task;
  *out = std::move(status);
}

Status TooLarge() {
  return ResourceExhausted("the answer is over the limit of " + std::to_string(kAnswerBytesMax) +
                           " bytes; ask for fewer keys or features at a time");
}

// False if it is no key of the group, which all begin with `header`.
bool PartitionOf(std::string_view key, const std::string& header, const Entity& entity,
                 std::string_view* partition) {
  const bool of_group = key.size() >= kRowKeyHeaderBytes &&
                        std::memcmp(key.data(), header.data(), kRowKeyHeaderBytes) == 0;
  if (!of_group) return false;
  *partition = key.substr(kRowKeyHeaderBytes);
  // When all columns decide the shard there is nothing to cut off.
  if (entity.partition_key_count >= entity.keys.size()) return true;
  const Result<std::string_view> bytes = PartitionKeyBytes(key, entity);
  if (bytes.ok()) *partition = *bytes;
  return bytes.ok();
}

Status PlanKeys(const ReadRequest::GroupRead& request, size_t thread_count, GroupRead* read) {
  const std::string header = RowKeyHeader(read->group->id);
  uint32_t begin = 0;
  read->keys.reserve(request.key_ends.size());
  if (thread_count > 1) read->threads.reserve(request.key_ends.size());
  for (const uint32_t end : request.key_ends) {
    if (end < begin || end > request.keys.size()) {
      return InvalidArgument("key_ends are not ascending");
    }
    const std::string_view key = request.keys.substr(begin, end - begin);
    begin = end;
    std::string_view partition;
    if (!PartitionOf(key, header, read->group->entity, &partition)) {
      return InvalidArgument("a key is not one of " + read->group->QualifiedName());
    }
    read->keys.push_back(key);
    if (thread_count == 1) continue;
    read->threads.push_back(static_cast<uint16_t>(ShardOf(partition).value % thread_count));
  }
  return OkStatus();
}

Result<ReadPlan> PlanRead(const ReadRequest& request,
                          std::shared_ptr<const catalog::Definitions> definitions,
                          size_t thread_count) {
  ReadPlan plan;
  plan.definitions = std::move(definitions);
  plan.want_event_time = request.want_event_time;
  plan.max_staleness_us = request.max_staleness_us;
  if (!request.token.empty()) {
    TOKURA_ASSIGN_OR_RETURN(plan.token, PositionVector::Decode(request.token));
  }
  plan.uses_thread.resize(thread_count);
  size_t features = 0;
  if (request.reads.size() > kRequestFeaturesMax) {
    return OverLimit("reads", request.reads.size(), kRequestFeaturesMax);
  }
  plan.reads.reserve(request.reads.size());
  for (const ReadRequest::GroupRead& asked : request.reads) {
    GroupRead& read = plan.reads.emplace_back();
    TOKURA_ASSIGN_OR_RETURN(read.group, OnlineGroup(*plan.definitions, asked.group));
    if (asked.key_ends.size() > kRequestKeysMax) {
      return OverLimit("keys", asked.key_ends.size(), kRequestKeysMax);
    }
    features += asked.features.size();
    if (features > kRequestFeaturesMax) {
      return OverLimit("features", features, kRequestFeaturesMax);
    }
    read.features.reserve(asked.features.size());
    read.types.reserve(asked.features.size());
    for (const uint32_t id : asked.features) {
      TOKURA_ASSIGN_OR_RETURN(const Feature* feature, OnlineFeature(*read.group, id));
      read.features.push_back(feature);
      read.types.push_back(feature->type);
    }
    TOKURA_RETURN_IF_ERROR(PlanKeys(asked, thread_count, &read));
    if (thread_count == 1) plan.uses_thread[0] = 1;
    for (const uint16_t thread : read.threads) plan.uses_thread[thread] = 1;
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

AnswerColumns::Options OptionsOf(const ReadPlan& plan, size_t thread_count) {
  return {.event_times = plan.want_event_time, .has_value = false, .text_parts = thread_count};
}

// Makes the arrays that the threads fill, unless they are too large already.
Status MakeColumns(const ReadPlan& plan, size_t thread_count, std::vector<AnswerColumns>* columns) {
  const AnswerColumns::Options options = OptionsOf(plan, thread_count);
  size_t bytes = 0;
  for (const GroupRead& read : plan.reads) {
    bytes += AnswerColumns::ArrayBytes(read.types, read.keys.size(), options);
    if (bytes > kAnswerBytesMax) return TooLarge();
  }
  columns->reserve(plan.reads.size());
  for (const GroupRead& read : plan.reads) {
    columns->emplace_back(read.types, read.keys.size(), options);
  }
  return OkStatus();
}

// Rows of one read that are one thread's: which they are, and what the table says.
struct OwnRows {
  std::vector<std::string_view> keys;
  std::vector<uint32_t> places;  // in the read
  std::vector<RowTable::Found> found;
};

OwnRows FindRows(const GroupRead& read, StorageThread& thread) {
  OwnRows rows;
  rows.keys.reserve(read.keys.size());
  rows.places.reserve(read.keys.size());
  for (size_t i = 0; i < read.keys.size(); ++i) {
    if (!read.threads.empty() && read.threads[i] != thread.index()) continue;
    rows.keys.push_back(read.keys[i]);
    rows.places.push_back(static_cast<uint32_t>(i));
  }
  rows.found.resize(rows.keys.size());
  thread.rows().Find(rows.keys, rows.found);
  return rows;
}

std::vector<OwnRows> FindAll(const ReadPlan& plan, StorageThread& thread) {
  std::vector<OwnRows> all;
  all.reserve(plan.reads.size());
  for (const GroupRead& read : plan.reads) all.push_back(FindRows(read, thread));
  return all;
}

// The keys whose rows are not in memory; with `every`, all of them if there is one such.
std::vector<std::string_view> ColdKeys(const std::vector<OwnRows>& all, bool every) {
  std::vector<std::string_view> cold;
  for (const OwnRows& rows : all) {
    for (size_t i = 0; i < rows.found.size(); ++i) {
      if (rows.found[i].presence == RowTable::Presence::kUnknown) cold.push_back(rows.keys[i]);
    }
  }
  if (cold.empty() || !every) return cold;
  cold.clear();
  for (const OwnRows& rows : all) cold.insert(cold.end(), rows.keys.begin(), rows.keys.end());
  return cold;
}

// Looks up every row of the plan, cold ones too. What the view cannot say now stays kUnknown.
runtime::Task<Result<std::vector<OwnRows>>> FindOrFetch(const ReadPlan& plan,
                                                        StorageThread& thread) {
  std::vector<OwnRows> all = FindAll(plan, thread);
  std::vector<std::string_view> cold = ColdKeys(all, /*every=*/false);
  size_t rows = 0;
  for (const OwnRows& own : all) rows += own.keys.size();
  thread.store().CountFoundInMemory(rows - cold.size());
  // While cold rows are read hot ones may leave memory; then all are read, which come together.
  for (int attempt = 0; attempt < 2 && !cold.empty(); ++attempt) {
    const Status fetched = co_await thread.store().Fetch(std::move(cold), *plan.definitions);
    if (fetched.code() == Code::kResourceExhausted) co_return fetched;
    all = FindAll(plan, thread);
    if (!fetched.ok()) break;
    cold = ColdKeys(all, /*every=*/true);
  }
  co_return all;
}

// Fills this thread's rows of one read.
Status ProjectRows(const GroupRead& read, const ReadPlan& plan, const OwnRows& rows,
                   uint16_t thread, AnswerColumns* columns) {
  RowProjection projection(*read.group, read.features, plan.now_us, plan.max_staleness_us);
  const std::string& text = columns->text(thread);
  for (size_t i = 0; i < rows.found.size(); ++i) {
    if (rows.found[i].presence == RowTable::Presence::kAbsent) continue;
    if (rows.found[i].presence == RowTable::Presence::kUnknown) {
      for (const AnswerCells& cells : columns->cells()) {
        cells.SetStatus(rows.places[i], ReadStatus::kUnknown);
      }
      continue;
    }
    TOKURA_RETURN_IF_ERROR(projection.Read(rows.found[i].packed, rows.places[i], thread, columns));
    if (text.size() > kAnswerBytesMax) return TooLarge();
  }
  projection.Finish(columns);
  return OkStatus();
}

// The body of a v1.NodeReadResponse.
Result<std::string> EncodeAnswer(std::vector<AnswerColumns>& reads) {
  std::vector<size_t> sizes;  // of each read's message, then of each of its columns
  size_t total = 0;
  for (AnswerColumns& columns : reads) {
    const size_t at = sizes.size();
    sizes.push_back(0);
    for (size_t c = 0; c < columns.size(); ++c) {
      sizes.push_back(columns.EncodedBytes(c));
      sizes[at] += pbwire::BytesFieldBytes(sizes.back());
    }
    total += pbwire::BytesFieldBytes(sizes[at]);
    if (total > kFrameBytesMax) return TooLarge();
  }
  std::string body(total, '\0');
  char* out = body.data();
  auto size = sizes.begin();
  for (const AnswerColumns& columns : reads) {
    out = pbwire::PutBytesHeader(v1::NodeReadResponse::kReadsFieldNumber, *size++, out);
    for (size_t c = 0; c < columns.size(); ++c) {
      out = pbwire::PutBytesHeader(v1::NodeReadResponse::GroupColumns::kFeaturesFieldNumber,
                                   *size++, out);
      out = columns.Encode(c, out);
    }
  }
  TOKURA_CHECK(out == body.data() + body.size());
  return body;
}

}  // namespace

runtime::Task<Status> NodeService::ReadOnThread(StorageThread& thread, const ReadPlan& plan,
                                                std::vector<AnswerColumns>& columns) {
  if (!CoversToken(thread, parts_.threads.size(), parts_.node_id, plan.token)) {
    co_return Unavailable("node " + parts_.node_id +
                          " does not hold yet what the token names; try again");
  }
  TOKURA_CO_ASSIGN_OR_RETURN(const std::vector<OwnRows> rows, co_await FindOrFetch(plan, thread));
  for (size_t i = 0; i < plan.reads.size(); ++i) {
    TOKURA_CO_RETURN_IF_ERROR(
        ProjectRows(plan.reads[i], plan, rows[i], thread.index(), &columns[i]));
  }
  co_return OkStatus();
}

runtime::Task<Result<std::string>> NodeService::Read(runtime::Executor& home,
                                                     const runtime::rpc::Call& call) {
  const std::chrono::nanoseconds begin = parts_.clock->Monotonic();
  if (call.body.size() > kRequestBytesMax) {
    co_return OverLimit("bytes", call.body.size(), kRequestBytesMax);
  }
  TOKURA_CO_ASSIGN_OR_RETURN(const ReadRequest request, ParseReadRequest(call.body));
  TOKURA_CO_ASSIGN_OR_RETURN(
      ReadPlan plan, PlanRead(request, parts_.definitions->Current(), parts_.threads.size()));
  plan.now_us = parts_.clock->NowUs();
  std::vector<AnswerColumns> columns;
  TOKURA_CO_RETURN_IF_ERROR(MakeColumns(plan, parts_.threads.size(), &columns));
  TOKURA_CO_RETURN_IF_ERROR(co_await ReadOnThreads(home, plan, columns));
  Result<std::string> body = EncodeAnswer(columns);
  if (!body.ok()) co_return body.status();
  size_t rows = 0;
  size_t values = 0;
  for (const GroupRead& read : plan.reads) {
    rows += read.keys.size();
    values += read.keys.size() * read.features.size();
  }
  reads_.Add(static_cast<double>(rows));
  values_.Add(static_cast<double>(values));
  read_seconds_.Observe(std::chrono::duration<double>(parts_.clock->Monotonic() - begin).count());
  co_return body;
}

// Each thread fills its rows of the columns; the first failure counts.
runtime::Task<Status> NodeService::ReadOnThreads(runtime::Executor& home, const ReadPlan& plan,
                                                 std::vector<AnswerColumns>& columns) {
  std::vector<StorageThread*> threads;
  for (size_t i = 0; i < parts_.threads.size(); ++i) {
    if (plan.uses_thread[i]) threads.push_back(parts_.threads[i]);
  }
  if (threads.empty()) threads.push_back(parts_.threads[0]);  // a token is judged without keys too
  if (threads.size() == 1) {
    co_return co_await runtime::RunOn(home, threads[0]->executor(),
                                      ReadOnThread(*threads[0], plan, columns));
  }
  std::vector<Status> statuses(threads.size());
  std::vector<FanOutPart> parts;
  for (size_t i = 0; i < threads.size(); ++i) {
    parts.push_back({&threads[i]->executor(),
                     StoreStatus(ReadOnThread(*threads[i], plan, columns), &statuses[i])});
  }
  co_await FanOut(home, std::move(parts));
  for (const Status& status : statuses) TOKURA_CO_RETURN_IF_ERROR(status);
  co_return OkStatus();
}

}  // namespace tokura::node
