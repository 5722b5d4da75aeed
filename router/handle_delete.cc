#include "core/key_codec.h"
#include "core/limits.h"
#include "router/handlers.h"
#include "router/key_columns.h"
#include "router/record_builder.h"
#include "router/write_batch.h"

namespace tokura::router {
namespace {

using client::DeleteRecordsRequest;
using runtime::Task;

// What one delete by prefix may take: its keys and results are held in memory.
constexpr size_t kPrefixRowsMax = 100'000;

Status CheckShape(const DeleteRecordsRequest& request, const FeatureGroup& group) {
  if (request.keys.empty() == request.prefix.empty()) {
    return InvalidArgument(request.keys.empty() ? "give 'keys' or 'prefix'"
                                                : "give either 'keys' or 'prefix', not both");
  }
  if (!request.features.empty() && group.merge != MergeMode::kCell) {
    return InvalidArgument("features: '" + group.QualifiedName() +
                           "' merges whole records, so only whole rows can be deleted");
  }
  return OkStatus();
}

Result<std::string> RowKeyAt(const KeyTable& keys, const FeatureGroup& group, size_t row) {
  std::vector<Value> values;
  for (const KeyColumn& column : group.entity.keys) {
    TOKURA_ASSIGN_OR_RETURN(Value value, keys.At(column, row));
    values.push_back(std::move(value));
  }
  Result<std::string> row_key = EncodeRowKey(group.id, values);
  if (!row_key.ok()) return row_key.status().WithContext("keys[" + std::to_string(row) + "]");
  return row_key;
}

std::vector<FeatureId> OnlineFeatures(const FeatureGroup& group) {
  std::vector<FeatureId> ids;
  for (const Feature& feature : group.features) {
    if (!feature.dropped && feature.online) ids.push_back(feature.id);
  }
  return ids;
}

}  // namespace

Task<Result<std::vector<std::string>>> Handlers::RowsUnder(const FeatureGroup& group,
                                                           std::string prefix,
                                                           std::vector<FeatureId> features,
                                                           Deadline deadline) {
  TOKURA_CO_ASSIGN_OR_RETURN(const ShardId shard, ShardOfRowKey(prefix, group.entity));
  const size_t owner = nodes_.shards().OwnerOf(shard);
  std::vector<std::string> keys;
  if (features.empty()) co_return keys;  // nothing of the group is online
  NodePool::ScanArgs args{group.id, std::move(prefix), "", kScanRowsMax, std::move(features)};
  for (bool more = true; more;) {
    Result<client::NodeScanPage> page = co_await nodes_.Scan(owner, args, deadline);
    if (!page.ok()) co_return page.status();
    for (client::NodeScanRow& row : page->rows) keys.push_back(std::move(row.row_key));
    if (keys.size() > kPrefixRowsMax) {
      co_return ResourceExhausted("prefix: it has more rows than one request may delete (" +
                                  std::to_string(kPrefixRowsMax) +
                                  "); nothing was deleted; name a longer prefix, or keys");
    }
    more = page->more && !page->rows.empty();
    if (more) args.after = keys.back();
  }
  co_return keys;
}

Task<Result<client::DeleteRecordsResponse>> Handlers::Delete(DeleteRecordsRequest request,
                                                             CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  const Definitions definitions = catalog_.Current();
  TOKURA_CO_ASSIGN_OR_RETURN(const FeatureGroup* group, definitions->ResolveGroup(request.group));
  TOKURA_CO_RETURN_IF_ERROR(CheckShape(request, *group));
  TOKURA_CO_ASSIGN_OR_RETURN(const Stores stores, ResolveStores(*group, request.stores));
  TOKURA_CO_ASSIGN_OR_RETURN(const std::vector<FeatureId> features,
                             FindFeatures(*group, request.features, false));
  const int64_t now_us = runtime_.clock->NowUs();
  int64_t event_time_us = now_us;
  if (request.event_time.has_value()) {
    TOKURA_CO_ASSIGN_OR_RETURN(
        event_time_us, CheckEventTime(*request.event_time, request.syntax, now_us, "event_time"));
  }
  RecordBuilder builder({group, stores, request.syntax, now_us},
                        [this, now_us] { return NextWriteId(now_us); });
  WriteBatch batch(*runtime_.executor, *group, nodes_, request.keys.empty() ? "rows" : "keys");
  if (request.keys.empty()) {
    if (!group->online) {
      co_return FailedPrecondition("feature group '" + group->QualifiedName() +
                                   "' is not online, so it has no rows to find by prefix");
    }
    TOKURA_CO_ASSIGN_OR_RETURN(std::string prefix,
                               EncodePrefix(*group, request.prefix, request.syntax));
    std::vector<FeatureId> seen = features.empty() ? OnlineFeatures(*group) : features;
    Result<std::vector<std::string>> rows =
        co_await RowsUnder(*group, std::move(prefix), std::move(seen), deadline);
    if (!rows.ok()) co_return rows.status();
    for (std::string& key : *rows) {
      batch.Add(builder.Delete(std::move(key), event_time_us, features, request.write_id));
    }
  } else {
    const FeatureGroup* const groups[] = {group};
    TOKURA_CO_ASSIGN_OR_RETURN(const KeyTable keys,
                               KeyTable::Make(request.keys, NeededKeys(groups), request.syntax));
    for (size_t row = 0; row < keys.rows(); ++row) {
      Result<std::string> key = RowKeyAt(keys, *group, row);
      if (!key.ok()) {
        batch.Add(key.status());
        continue;
      }
      batch.Add(builder.Delete(std::move(*key), event_time_us, features, request.write_id));
    }
  }
  Status sent = co_await batch.Send(deadline);
  if (!sent.ok()) co_return sent;
  client::DeleteRecordsResponse response;
  TOKURA_CO_ASSIGN_OR_RETURN(response.token, batch.Token());
  response.deleted = batch.accepted();
  metrics_.AddRows(Method::kDeleteRecords, response.deleted);
  response.results = std::move(batch.results());
  co_return response;
}

}  // namespace tokura::router
