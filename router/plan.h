// Plan of a GetFeatures: which features of which groups, which row keys, and which node is asked
// what; and the merge of the nodes' answers into one. Pure.
//
//   request --PlanGet--> GetPlan --(one NodeClient::Read per owner)--> MergeAnswers --> response
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "client/api.h"
#include "client/node_client.h"
#include "core/status.h"
#include "router/shard_map.h"

namespace tokura::router {

// Where the answer for one row of the request is found.
struct KeyPlace {
  uint32_t request = 0;  // index into GetPlan::requests
  uint32_t read = 0;     // index into its reads
  uint32_t index = 0;    // index into the read's row keys
};

struct PlannedGroup {
  const FeatureGroup* group = nullptr;
  std::vector<FeatureId> features;  // what is asked of it, each once
  std::vector<KeyPlace> rows;       // one a row of the request
  bool in_order = false;            // one read, whose keys are the rows, in order
};

struct AnswerColumn {
  size_t group = 0;    // index into GetPlan::groups
  size_t feature = 0;  // index into the group's features
  const Feature* definition = nullptr;
};

// What one node is asked: equal keys of a group once.
struct OwnerRequest {
  size_t owner = 0;
  std::vector<client::NodeGroupRead> reads;
};

struct GetPlan {
  std::shared_ptr<const catalog::Definitions> definitions;  // what the pointers point into
  size_t rows = 0;
  std::vector<PlannedGroup> groups;
  std::vector<AnswerColumn> columns;  // in the order asked
  std::vector<OwnerRequest> requests;
};

// The features that a request names, in its order. NOT_FOUND, FAILED_PRECONDITION (not online),
// INVALID_ARGUMENT (neither or both of service and features), RESOURCE_EXHAUSTED (too many).
Result<std::vector<catalog::ResolvedFeature>> ResolveRequested(
    const catalog::Definitions& definitions, const client::GetFeaturesRequest& request);
// The groups among them, each once.
std::vector<const FeatureGroup*> GroupsOf(const std::vector<catalog::ResolvedFeature>& features);

Result<GetPlan> PlanGet(std::shared_ptr<const catalog::Definitions> definitions,
                        const client::GetFeaturesRequest& request, const ShardMap& shards);

// [read][feature], as NodeClient::Read gives it; nullopt: the node did not answer.
using OwnerAnswer = std::optional<std::vector<std::vector<client::NodeFeatureColumn>>>;
// One answer per request of the plan. What did not answer reads UNKNOWN; defaults stand in where
// NOT_FOUND or EXPIRED. INTERNAL if an answer has another type than the plan asked for.
Result<client::GetFeaturesResponse> MergeAnswers(const GetPlan& plan,
                                                 std::vector<OwnerAnswer> answers,
                                                 bool want_event_time);

}  // namespace tokura::router
