#include "router/plan.h"

#include <algorithm>
#include <unordered_map>

#include "core/key_codec.h"
#include "core/limits.h"
#include "router/key_columns.h"

namespace tokura::router {
namespace {

using catalog::Definitions;
using catalog::ResolvedFeature;

Status CheckOnline(const ResolvedFeature& feature) {
  if (!feature.group->online) {
    return FailedPrecondition("feature group '" + feature.group->QualifiedName() +
                              "' is not online");
  }
  if (!feature.feature->online) {
    return FailedPrecondition("feature '" + feature.QualifiedName() + "' is not online");
  }
  return OkStatus();
}

Status CheckFeatureCount(size_t count) {
  if (count <= kRequestFeaturesMax) return OkStatus();
  return ResourceExhausted("features: " + std::to_string(count) + " are over the limit of " +
                           std::to_string(kRequestFeaturesMax));
}

}  // namespace

Result<std::vector<ResolvedFeature>> ResolveRequested(const Definitions& definitions,
                                                      const client::GetFeaturesRequest& request) {
  if (!request.service.empty() && !request.features.empty()) {
    return InvalidArgument("give either 'service' or 'features', not both");
  }
  if (request.service.empty() && request.features.empty()) {
    return InvalidArgument("nothing to read: give 'service' or 'features'");
  }
  std::vector<ResolvedFeature> resolved;
  if (!request.service.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureService* service,
                            definitions.ResolveService(request.service));
    resolved = definitions.FeaturesOf(*service);
    for (const ResolvedFeature& feature : resolved) TOKURA_RETURN_IF_ERROR(CheckOnline(feature));
  }
  for (const std::string& reference : request.features) {
    TOKURA_ASSIGN_OR_RETURN(std::vector<ResolvedFeature> named,
                            definitions.ResolveFeatures(reference, "", true));
    resolved.insert(resolved.end(), named.begin(), named.end());
    TOKURA_RETURN_IF_ERROR(CheckFeatureCount(resolved.size()));
  }
  TOKURA_RETURN_IF_ERROR(CheckFeatureCount(resolved.size()));
  if (resolved.empty()) {
    return InvalidArgument("nothing to read: the request names no feature that is online");
  }
  return resolved;
}

std::vector<const FeatureGroup*> GroupsOf(const std::vector<ResolvedFeature>& features) {
  std::vector<const FeatureGroup*> groups;
  for (const ResolvedFeature& feature : features) {
    if (std::find(groups.begin(), groups.end(), feature.group) == groups.end()) {
      groups.push_back(feature.group);
    }
  }
  return groups;
}

namespace {

// Distributes the rows of each group over the owners of their shards.
class Planner {
 public:
  Planner(const ShardMap& shards, KeyTable* keys, GetPlan* plan)
      : shards_(shards), keys_(keys), plan_(plan), request_of_(shards.nodes(), kNone) {}

  Status PlaceRows(PlannedGroup* planned) {
    const FeatureGroup& group = *planned->group;
    std::vector<const std::vector<Value>*> columns;
    for (const KeyColumn& column : group.entity.keys) {
      TOKURA_ASSIGN_OR_RETURN(const std::vector<Value>* values, keys_->Column(column));
      columns.push_back(values);
    }
    TOKURA_ASSIGN_OR_RETURN(const std::string header, EncodeRowKey(group.id, {}));
    std::vector<uint32_t> read_of(shards_.nodes(), kNone);
    std::unordered_map<std::string, KeyPlace> seen;
    planned->rows.reserve(plan_->rows);
    planned->in_order = true;
    for (size_t row = 0; row < plan_->rows; ++row) {
      std::string key = header;
      for (const auto* values : columns) AppendKeyColumn((*values)[row], &key);
      if (key.size() - kRowKeyHeaderBytes > kEncodedKeyBytesMax) {
        return ResourceExhausted("keys: row " + std::to_string(row) + ": encoded key of " +
                                 std::to_string(key.size() - kRowKeyHeaderBytes) +
                                 " bytes is over the limit of " +
                                 std::to_string(kEncodedKeyBytesMax));
      }
      TOKURA_ASSIGN_OR_RETURN(const KeyPlace place,
                              Place(*planned, std::move(key), &read_of, &seen));
      planned->rows.push_back(place);
      planned->in_order =
          planned->in_order && place.index == row && place.request == planned->rows.front().request;
    }
    return OkStatus();
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  Result<KeyPlace> Place(const PlannedGroup& planned, std::string key,
                         std::vector<uint32_t>* read_of,
                         std::unordered_map<std::string, KeyPlace>* seen) {
    const auto known = seen->find(key);
    if (known != seen->end()) return known->second;
    size_t owner = 0;
    if (shards_.nodes() > 1) {
      TOKURA_ASSIGN_OR_RETURN(const ShardId shard, ShardOfRowKey(key, planned.group->entity));
      owner = shards_.OwnerOf(shard);
    }
    if (request_of_[owner] == kNone) {
      request_of_[owner] = static_cast<uint32_t>(plan_->requests.size());
      plan_->requests.push_back({owner, {}});
    }
    OwnerRequest& request = plan_->requests[request_of_[owner]];
    if ((*read_of)[owner] == kNone) {
      (*read_of)[owner] = static_cast<uint32_t>(request.reads.size());
      request.reads.push_back({planned.group->id, planned.features, {}});
    }
    client::NodeGroupRead& read = request.reads[(*read_of)[owner]];
    const KeyPlace place{request_of_[owner], (*read_of)[owner],
                         static_cast<uint32_t>(read.row_keys.size())};
    read.row_keys.push_back(key);
    seen->emplace(std::move(key), place);
    return place;
  }

  const ShardMap& shards_;
  KeyTable* keys_;
  GetPlan* plan_;
  std::vector<uint32_t> request_of_;  // by owner
};

void AddColumn(const ResolvedFeature& feature, GetPlan* plan) {
  size_t g = 0;
  while (g < plan->groups.size() && plan->groups[g].group != feature.group) ++g;
  if (g == plan->groups.size()) plan->groups.emplace_back().group = feature.group;
  std::vector<FeatureId>& ids = plan->groups[g].features;
  const auto at = std::find(ids.begin(), ids.end(), feature.feature->id);
  plan->columns.push_back({g, static_cast<size_t>(at - ids.begin()), feature.feature});
  if (at == ids.end()) ids.push_back(feature.feature->id);
}

}  // namespace

Result<GetPlan> PlanGet(std::shared_ptr<const Definitions> definitions,
                        const client::GetFeaturesRequest& request, const ShardMap& shards) {
  if (request.max_staleness_us.has_value() && *request.max_staleness_us <= 0) {
    return InvalidArgument("max_staleness: must be more than zero");
  }
  TOKURA_ASSIGN_OR_RETURN(const std::vector<ResolvedFeature> features,
                          ResolveRequested(*definitions, request));
  const std::vector<const FeatureGroup*> groups = GroupsOf(features);
  TOKURA_ASSIGN_OR_RETURN(KeyTable keys,
                          KeyTable::Make(request.keys, NeededKeys(groups), request.syntax));
  GetPlan plan;
  plan.definitions = std::move(definitions);
  plan.rows = keys.rows();
  for (const ResolvedFeature& feature : features) AddColumn(feature, &plan);
  Planner planner(shards, &keys, &plan);
  for (PlannedGroup& group : plan.groups) TOKURA_RETURN_IF_ERROR(planner.PlaceRows(&group));
  return plan;
}

}  // namespace tokura::router
