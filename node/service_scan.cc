// NODE_SCAN: rows of one partition key in key order. They lie on one thread; a long scan lets
// others run between its slices.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/key_codec.h"
#include "core/limits.h"
#include "core/row.h"
#include "node/requests.h"
#include "node/service.h"
#include "node/value_message.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

constexpr size_t kRowsPerSlice = 1'000;
constexpr size_t kAnswerBytesMax = 4 << 20;  // then the page ends before its limit

struct ScanPlan {
  std::shared_ptr<const catalog::Definitions> definitions;  // one owner more
  const FeatureGroup* group = nullptr;
  std::vector<const Feature*> features;
  std::string prefix;
  std::string after;
  size_t limit = 0;
  ShardId shard;
};

// Whether `prefix` is whole key columns, at least the partition key.
bool IsWholeColumns(std::string_view prefix, const Entity& entity) {
  for (size_t count = entity.partition_key_count; count <= entity.keys.size(); ++count) {
    if (DecodeRowKey(prefix, std::span(entity.keys).first(count)).ok()) return true;
  }
  return false;
}

Result<ScanPlan> PlanScan(const v1::NodeScanRequest& request,
                          std::shared_ptr<const catalog::Definitions> definitions) {
  ScanPlan plan;
  plan.definitions = std::move(definitions);
  TOKURA_ASSIGN_OR_RETURN(plan.group, OnlineGroup(*plan.definitions, request.group()));
  const std::string name = plan.group->QualifiedName();
  if (request.limit() == 0 || request.limit() > kScanRowsMax) {
    return InvalidArgument("limit must be 1 to " + std::to_string(kScanRowsMax));
  }
  plan.limit = request.limit();
  if (request.features_size() == 0) return InvalidArgument("name at least one feature");
  if (static_cast<size_t>(request.features_size()) > kRequestFeaturesMax) {
    return OverLimit("features", request.features_size(), kRequestFeaturesMax);
  }
  for (uint32_t id : request.features()) {
    TOKURA_ASSIGN_OR_RETURN(const Feature* feature, OnlineFeature(*plan.group, id));
    plan.features.push_back(feature);
  }
  constexpr size_t kRowKeyBytesMax = kRowKeyHeaderBytes + kEncodedKeyBytesMax;
  if (request.prefix().size() > kRowKeyBytesMax || request.after().size() > kRowKeyBytesMax) {
    return OverLimit("bytes of prefix or cursor",
                     std::max(request.prefix().size(), request.after().size()), kRowKeyBytesMax);
  }
  plan.prefix = request.prefix();
  plan.after = request.after();
  const Result<GroupId> group = RowKeyGroup(plan.prefix);
  if (!group.ok() || *group != plan.group->id || !IsWholeColumns(plan.prefix, plan.group->entity)) {
    return InvalidArgument("the prefix must be the partition key of " + name +
                           ", or more whole key columns");
  }
  TOKURA_ASSIGN_OR_RETURN(plan.shard, ShardOfRowKey(plan.prefix, plan.group->entity));
  return plan;
}

// Adds the row if it has a PRESENT or NULL value among the features; false if it has none.
Result<bool> AddRow(const ScanPlan& plan, std::string_view key, std::string_view packed,
                    int64_t now_us, v1::NodeScanResponse::Row* row) {
  Value value;
  std::optional<int64_t> newest;
  for (const Feature* feature : plan.features) {
    TOKURA_ASSIGN_OR_RETURN(PackedCell cell, ReadPackedCell(packed, *plan.group, *feature, now_us,
                                                            std::nullopt, &value));
    if (cell.status != ReadStatus::kPresent && cell.status != ReadStatus::kNull) continue;
    v1::NodeScanResponse::Cell* out = row->add_cells();
    out->set_feature(feature->id.value);
    v1::Value* out_value = out->mutable_value();
    if (cell.status == ReadStatus::kPresent) ToProto(value, out_value);
    newest = std::max(newest, cell.event_time_us);
  }
  if (!newest) return false;
  row->set_key(std::string(key));
  row->set_event_time_us(*newest);
  return true;
}

runtime::Task<Result<v1::NodeScanResponse>> ScanOnThread(StorageThread& thread, ScanPlan plan,
                                                         int64_t now_us) {
  v1::NodeScanResponse response;
  size_t bytes = 0;
  bool finished = false;
  while (!finished) {
    // Up to `end` all rows are in memory until this task is next suspended.
    TOKURA_CO_ASSIGN_OR_RETURN(const std::optional<std::string> end,
                               co_await thread.store().FetchRange(*plan.group, plan.prefix,
                                                                  plan.after, *plan.definitions));
    size_t looked_at = 0;
    Status status;
    finished = !end;
    auto visit = [&](std::string_view key, std::string_view packed) {
      if (end && key > *end) return false;
      if (++looked_at > kRowsPerSlice) {
        finished = false;
        return false;
      }
      v1::NodeScanResponse::Row row;
      Result<bool> visible = AddRow(plan, key, packed, now_us, &row);
      status = visible.status();
      if (!status.ok()) return false;
      plan.after = std::string(key);
      if (!*visible) return true;
      const size_t row_bytes = row.ByteSizeLong();
      const bool full = static_cast<size_t>(response.rows_size()) == plan.limit ||
                        (response.rows_size() > 0 && bytes + row_bytes > kAnswerBytesMax);
      if (full) {
        finished = true;
        response.set_more(true);
        return false;
      }
      bytes += row_bytes;
      *response.add_rows() = std::move(row);
      return true;
    };
    thread.rows().Scan(*plan.group, plan.prefix, plan.after, visit);
    if (!status.ok()) co_return status;
    if (end && looked_at <= kRowsPerSlice) plan.after = std::max(plan.after, *end);
    if (!finished) co_await runtime::Yield(thread.executor());
  }
  co_return response;
}

}  // namespace

runtime::Task<Result<std::string>> NodeService::Scan(runtime::Executor& home,
                                                     const runtime::rpc::Call& call) {
  TOKURA_CO_ASSIGN_OR_RETURN(v1::NodeScanRequest request,
                             ParseRequest<v1::NodeScanRequest>(call.body));
  TOKURA_CO_ASSIGN_OR_RETURN(ScanPlan plan, PlanScan(request, parts_.definitions->Current()));
  StorageThread& thread = ThreadOf(plan.shard);
  auto scan = ScanOnThread(thread, std::move(plan), parts_.clock->NowUs());
  TOKURA_CO_ASSIGN_OR_RETURN(v1::NodeScanResponse response,
                             co_await runtime::RunOn(home, thread.executor(), std::move(scan)));
  co_return response.SerializeAsString();
}

}  // namespace tokura::node
