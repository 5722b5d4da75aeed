#include "core/key_codec.h"
#include "core/limits.h"
#include "router/handlers.h"
#include "router/key_columns.h"
#include "router/record_builder.h"
#include "router/scan_cursor.h"

namespace tokura::router {
namespace {

using client::ScanPrefixResponse;
using runtime::Task;

// What the scan returns of each row, in the order defined. Those named must be online.
Result<std::vector<const Feature*>> ScannedFeatures(const FeatureGroup& group,
                                                    const std::vector<std::string>& names) {
  std::vector<const Feature*> features;
  if (!names.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<FeatureId> ids, FindFeatures(group, names, true));
    for (const FeatureId id : ids) features.push_back(group.FindFeature(id));
    return features;
  }
  for (const Feature& feature : group.features) {
    if (!feature.dropped && feature.online) features.push_back(&feature);
  }
  return features;
}

Result<ScanPrefixResponse::Row> ToRow(client::NodeScanRow&& row, const FeatureGroup& group,
                                      const std::vector<const Feature*>& features) {
  ScanPrefixResponse::Row out;
  out.event_time_us = row.event_time_us;
  TOKURA_ASSIGN_OR_RETURN(std::vector<Value> key, DecodeRowKey(row.row_key, group.entity.keys));
  for (size_t i = 0; i < key.size(); ++i) {
    out.key.emplace_back(group.entity.keys[i].name, std::move(key[i]));
  }
  for (const Feature* feature : features) {
    for (auto& [id, value] : row.cells) {
      if (id == feature->id) out.values.emplace_back(feature->name, std::move(value));
    }
  }
  return out;
}

}  // namespace

Task<Result<ScanPrefixResponse>> Handlers::Scan(client::ScanPrefixRequest request,
                                                CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  const Definitions definitions = catalog_.Current();
  TOKURA_CO_ASSIGN_OR_RETURN(const FeatureGroup* group, definitions->ResolveGroup(request.group));
  if (!group->online) {
    co_return FailedPrecondition("feature group '" + group->QualifiedName() + "' is not online");
  }
  if (request.limit == 0 || request.limit > kScanRowsMax) {
    co_return InvalidArgument("limit: expected 1 to " + std::to_string(kScanRowsMax) + ", got " +
                              std::to_string(request.limit));
  }
  TOKURA_CO_ASSIGN_OR_RETURN(const std::vector<const Feature*> features,
                             ScannedFeatures(*group, request.features));
  NodePool::ScanArgs args;
  args.group = group->id;
  args.limit = request.limit;
  for (const Feature* feature : features) args.features.push_back(feature->id);
  TOKURA_CO_ASSIGN_OR_RETURN(args.prefix, EncodePrefix(*group, request.prefix, request.syntax));
  if (!request.cursor.empty()) {
    TOKURA_CO_ASSIGN_OR_RETURN(args.after, DecodeCursor(request.cursor, args.prefix));
  }
  TOKURA_CO_ASSIGN_OR_RETURN(const ShardId shard, ShardOfRowKey(args.prefix, group->entity));
  const size_t owner = nodes_.shards().OwnerOf(shard);
  Result<client::NodeScanPage> page = client::NodeScanPage();
  if (!features.empty()) page = co_await nodes_.Scan(owner, std::move(args), deadline);
  if (!page.ok()) co_return page.status();

  ScanPrefixResponse response;
  response.key_columns = group->entity.keys;
  for (const Feature* feature : features) {
    response.features.emplace_back(feature->name, feature->type);
  }
  if (page->more && !page->rows.empty()) response.cursor = EncodeCursor(page->rows.back().row_key);
  for (client::NodeScanRow& row : page->rows) {
    TOKURA_CO_ASSIGN_OR_RETURN(ScanPrefixResponse::Row out,
                               ToRow(std::move(row), *group, features));
    response.rows.push_back(std::move(out));
  }
  metrics_.AddRows(Method::kScanPrefix, response.rows.size());
  co_return response;
}

}  // namespace tokura::router
