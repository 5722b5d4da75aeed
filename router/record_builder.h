// RecordBuilder: what a user wrote, as canonical records. Each record is judged for itself: a bad
// one is refused with the path to its fault ("records[3].values.temp: expected float64, got
// string") and takes no good one with it. Pure but for the write ids it gives, in write order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client/api.h"
#include "core/record.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura::router {

// From the first timestamp to the last: no TTL is longer.
inline constexpr int64_t kTtlMaxUs = kMaxTimestamp.us - kMinTimestamp.us;

// Where a write goes: what was asked, else wherever the group is on. FAILED_PRECONDITION for a
// store that the group does not have.
Result<Stores> ResolveStores(const FeatureGroup& group, std::optional<Stores> asked);

// The event time of `value`, at most kMaxFutureUs ahead of `now_us`.
Result<int64_t> CheckEventTime(const Value& value, Syntax syntax, int64_t now_us,
                               const std::string& path);

class RecordBuilder {
 public:
  struct Context {
    const FeatureGroup* group = nullptr;  // outlives the builder
    Stores stores = Stores::kBoth;
    Syntax syntax = Syntax::kNative;
    int64_t now_us = 0;
  };
  // `next_write_id` is called once for each good record that brings no id of its own, in order.
  RecordBuilder(Context context, std::function<WriteId()> next_write_id);

  // The record of `put`; `path` is "records[3]".
  Result<Record> Put(const client::PutRecord& put, const std::string& path);
  // A delete of the row `row_key`, or of `features` only if there are any (ascending).
  Record Delete(std::string row_key, int64_t event_time_us, const std::vector<FeatureId>& features,
                const std::optional<WriteId>& write_id);

 private:
  Result<std::string> Key(const std::vector<std::pair<std::string, Value>>& key,
                          const std::string& path) const;
  Result<int64_t> Ttl(const Value& ttl, const std::string& path) const;
  Result<std::vector<Cell>> Cells(const std::vector<std::pair<std::string, Value>>& values,
                                  const std::string& path);
  // Why there is no feature `name`. The search for the nearest name is made for a few names only.
  const Status& Unknown(const std::string& name);
  Context context_;
  std::function<WriteId()> next_write_id_;
  std::vector<std::string> feature_names_;
  std::vector<std::string> key_names_;
  std::map<std::string, Status> unknown_;
};

// The ids of named features of one group, ascending. NOT_FOUND names the nearest;
// RESOURCE_EXHAUSTED over kRequestFeaturesMax; FAILED_PRECONDITION if `online_only` and one is not.
Result<std::vector<FeatureId>> FindFeatures(const FeatureGroup& group,
                                            const std::vector<std::string>& names,
                                            bool online_only);

}  // namespace tokura::router
