// GetFeatures from bytes to bytes: the native request that most callers send is planned without
// making a value of any key, and nodes' columns are passed on as they came. Whatever is not the
// plain case (another spelling of a key, a fault of any kind) is left to plan.h, which is the
// meaning of a request: both give the same answers, and only that one gives errors of the request.
//
//   body --BytePlanner::Plan--> BytePlan --(bytes per owner)--> nodes --MergeBytes--> answer's body
//
// Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catalog/definitions.h"
#include "core/schema.h"
#include "core/status.h"
#include "router/shard_map.h"

namespace tokura::router {

// What names of features come to under one revision of the definitions: all of a plan that does not
// depend on the keys. Immutable.
struct Selection {
  struct Key {
    size_t name = 0;  // index into key_names
    Type type;
  };
  struct Group {
    const FeatureGroup* group = nullptr;
    std::string key_header;
    std::vector<Key> keys;
    std::string group_field;  // of NodeReadRequest.GroupRead: group and features, encoded
  };
  struct Column {
    size_t group = 0;    // index into groups
    size_t feature = 0;  // index into the features that the group is asked for
    const Feature* definition = nullptr;
    std::string qualified_name;
  };
  std::shared_ptr<const catalog::Definitions> definitions;  // what the pointers point into
  std::vector<std::string> key_names;
  std::vector<Group> groups;
  std::vector<Column> columns;  // in the order asked
};

struct BytePlan {
  // Where the answer for one row of one group is found.
  struct Place {
    uint32_t request = 0;
    uint32_t index = 0;  // of the key in the request's read of the group
  };
  struct Group {
    std::vector<Place> rows;
    bool in_order = false;        // one request has the keys of all rows, in order
    std::vector<uint32_t> reads;  // which read of each request is this group's; kNone: none
  };
  struct Request {
    size_t owner = 0;
    std::string body;                              // v1.NodeReadRequest
    std::vector<std::pair<size_t, size_t>> reads;  // group and number of keys, in the order asked
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  std::shared_ptr<const Selection> selection;
  size_t rows = 0;
  bool want_event_time = false;
  std::vector<Group> groups;  // as selection->groups
  std::vector<Request> requests;
};

// Remembers selections of the current definitions. Lives on one executor.
class BytePlanner {
 public:
  // The plan of a v1.GetFeaturesRequest; nullopt unless it is a plain case. `body` need not outlive
  // the plan.
  std::optional<BytePlan> Plan(const std::shared_ptr<const catalog::Definitions>& definitions,
                               std::string_view body, const ShardMap& shards);
  size_t remembered() const { return selections_.size(); }

 private:
  std::shared_ptr<const Selection> Select(
      const std::shared_ptr<const catalog::Definitions>& definitions, std::string_view names);

  struct NamesHash {
    using is_transparent = void;
    size_t operator()(std::string_view names) const;
  };
  std::shared_ptr<const catalog::Definitions> definitions_;  // of selections_
  std::unordered_map<std::string, std::shared_ptr<const Selection>, NamesHash, std::equal_to<>>
      selections_;  // by the encoded names
};

// Bodies of v1.NodeReadResponse, one a request of the plan; nullopt: the node did not answer. Gives
// the body of a v1.GetFeaturesResponse, as MergeAnswers says. INTERNAL if an answer does not fit;
// RESOURCE_EXHAUSTED if the answer is too large.
Result<std::string> MergeBytes(const BytePlan& plan,
                               const std::vector<std::optional<std::string>>& answers);

}  // namespace tokura::router
