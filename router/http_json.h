// The JSON bodies of the HTTP contract (docs/http.md) as requests and answers of client::Api. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/api.h"
#include "client/json_value.h"
#include "core/status.h"

namespace tokura::router {

// A body, parsed: an object; an empty body is an empty object.
Result<client::Json> ParseBody(std::string_view body);

// A fault of one record makes that record malformed; everything else fails the request.
// Over the limit of records, RESOURCE_EXHAUSTED, and how many they are in `over_limit`.
Result<client::PutRecordsRequest> ReadPutRecords(const client::Json& json, size_t* over_limit);
Result<client::GetFeaturesRequest> ReadGetFeatures(const client::Json& json,
                                                   client::JsonStyle* style);
Result<client::DeleteRecordsRequest> ReadDeleteRecords(const client::Json& json);
Result<client::ScanPrefixRequest> ReadScanPrefix(const client::Json& json,
                                                 client::JsonStyle* style);
Result<client::WaitRequest> ReadWait(const client::Json& json);

std::string WriteJson(const client::GetFeaturesResponse& response, const client::JsonStyle& style);
std::string WriteJson(const client::PutRecordsResponse& response);
std::string WriteJson(const client::DeleteRecordsResponse& response);
std::string WriteJson(const client::ScanPrefixResponse& response, const client::JsonStyle& style);
std::string WriteJson(const client::Api::Applied& response);
std::string WriteJson(const std::vector<client::OfflineGroupStatus>& response);
std::string WriteJson(const client::ClusterStatus& response);

}  // namespace tokura::router
