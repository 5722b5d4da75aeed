#include <algorithm>

#include "core/limits.h"
#include "router/http_json.h"
#include "router/json_fields.h"

namespace tokura::router {
namespace {

using client::Json;
using client::PutRecord;

Result<std::optional<Stores>> ReadStores(const JsonFields& fields) {
  TOKURA_ASSIGN_OR_RETURN(const std::optional<size_t> choice,
                          fields.Choice("stores", {"online", "offline", "both"}));
  if (!choice.has_value()) return std::optional<Stores>();
  return std::optional<Stores>(static_cast<Stores>(*choice + 1));
}

Result<std::optional<WriteId>> ReadWriteId(const JsonFields& fields) {
  TOKURA_ASSIGN_OR_RETURN(const std::string hex, fields.String("write_id"));
  if (!fields.Has("write_id")) return std::optional<WriteId>();
  const Result<WriteId> id = WriteId::FromHex(hex);
  if (!id.ok()) return InvalidArgument(fields.PathOf("write_id") + ": expected 32 hex digits");
  return std::optional<WriteId>(*id);
}

Result<std::string> ReadGroup(const JsonFields& fields) {
  TOKURA_ASSIGN_OR_RETURN(std::string group, fields.String("group"));
  if (group.empty()) return InvalidArgument("group: is required");
  return group;
}

Result<client::JsonStyle> ReadStyle(const JsonFields& fields) {
  TOKURA_ASSIGN_OR_RETURN(const std::optional<size_t> choice,
                          fields.Choice("int64", {"number", "string"}));
  return client::JsonStyle{.int64_as_string = choice == 1};
}

constexpr std::chrono::microseconds kWaitMax = std::chrono::hours(1);

// An empty token is what a write that accepted nothing gave: it covers nothing.
Result<std::vector<std::string>> ReadTokens(const JsonFields& fields) {
  TOKURA_ASSIGN_OR_RETURN(std::vector<std::string> tokens, fields.StringOrStrings("token"));
  std::erase(tokens, "");
  return tokens;
}

Result<PutRecord> ReadRecord(const Json& json, std::string path) {
  TOKURA_ASSIGN_OR_RETURN(
      const JsonFields fields,
      JsonFields::Of(json, path, {"key", "event_time", "values", "ttl", "write_id"}));
  PutRecord record;
  if (!fields.Has("key")) return InvalidArgument(path + ".key: is required");
  if (!fields.Has("values")) return InvalidArgument(path + ".values: is required");
  TOKURA_ASSIGN_OR_RETURN(record.key, fields.NamedValues("key"));
  TOKURA_RETURN_IF_ERROR(fields.Loose("event_time", &record.event_time));
  TOKURA_ASSIGN_OR_RETURN(record.values, fields.NamedValues("values"));
  TOKURA_RETURN_IF_ERROR(fields.Loose("ttl", &record.ttl));
  TOKURA_ASSIGN_OR_RETURN(record.write_id, ReadWriteId(fields));
  return record;
}

}  // namespace

Result<Json> ParseBody(std::string_view body) {
  if (body.empty()) return Json{Json::Object{}};
  return client::ParseJson(body, kRequestBytesMax);
}

Result<client::PutRecordsRequest> ReadPutRecords(const Json& json, size_t* over_limit) {
  TOKURA_ASSIGN_OR_RETURN(const JsonFields fields,
                          JsonFields::Of(json, "", {"group", "stores", "records"}));
  client::PutRecordsRequest request;
  request.syntax = Syntax::kJson;
  TOKURA_ASSIGN_OR_RETURN(request.group, ReadGroup(fields));
  TOKURA_ASSIGN_OR_RETURN(request.stores, ReadStores(fields));
  const Json* records = fields.Find("records");
  if (records == nullptr || records->array() == nullptr) {
    return InvalidArgument("records: expected a list of records, got " +
                           std::string(records == nullptr ? "nothing" : records->kind_name()));
  }
  const size_t count = records->array()->size();
  if (count > kRequestRecordsMax) {
    *over_limit = count;
    return ResourceExhausted("records: " + std::to_string(count) + " are over the limit of " +
                             std::to_string(kRequestRecordsMax));
  }
  request.records.reserve(count);
  for (const Json& json_record : *records->array()) {
    const std::string path = "records[" + std::to_string(request.records.size()) + "]";
    Result<PutRecord> record = ReadRecord(json_record, path);
    if (record.ok()) {
      request.records.push_back(std::move(*record));
    } else {
      request.records.emplace_back().malformed = record.status();
    }
  }
  return request;
}

Result<client::GetFeaturesRequest> ReadGetFeatures(const Json& json, client::JsonStyle* style) {
  TOKURA_ASSIGN_OR_RETURN(
      const JsonFields fields,
      JsonFields::Of(
          json, "", {"service", "features", "keys", "max_staleness", "include", "token", "int64"}));
  client::GetFeaturesRequest request;
  request.syntax = Syntax::kJson;
  TOKURA_ASSIGN_OR_RETURN(request.service, fields.String("service"));
  TOKURA_ASSIGN_OR_RETURN(request.features, fields.Strings("features"));
  TOKURA_ASSIGN_OR_RETURN(request.keys, fields.Columns("keys"));
  TOKURA_ASSIGN_OR_RETURN(request.max_staleness_us, fields.Duration("max_staleness"));
  TOKURA_ASSIGN_OR_RETURN(request.tokens, ReadTokens(fields));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> include, fields.Strings("include"));
  for (const std::string& part : include) {
    if (part != "event_time") return InvalidArgument("include: expected only 'event_time'");
    request.want_event_time = true;
  }
  TOKURA_ASSIGN_OR_RETURN(*style, ReadStyle(fields));
  return request;
}

Result<client::DeleteRecordsRequest> ReadDeleteRecords(const Json& json) {
  TOKURA_ASSIGN_OR_RETURN(
      const JsonFields fields,
      JsonFields::Of(json, "",
                     {"group", "keys", "prefix", "event_time", "features", "write_id", "stores"}));
  client::DeleteRecordsRequest request;
  request.syntax = Syntax::kJson;
  TOKURA_ASSIGN_OR_RETURN(request.group, ReadGroup(fields));
  TOKURA_ASSIGN_OR_RETURN(request.keys, fields.Columns("keys"));
  TOKURA_ASSIGN_OR_RETURN(request.prefix, fields.NamedValues("prefix"));
  TOKURA_RETURN_IF_ERROR(fields.Loose("event_time", &request.event_time));
  if (!request.event_time.has_value()) return InvalidArgument("event_time: is required");
  TOKURA_ASSIGN_OR_RETURN(request.features, fields.Strings("features"));
  // An empty list names nothing, which is not the same as everything.
  if (fields.Has("features") && request.features.empty()) {
    return InvalidArgument("features: names none; leave it out to delete whole rows");
  }
  TOKURA_ASSIGN_OR_RETURN(request.write_id, ReadWriteId(fields));
  TOKURA_ASSIGN_OR_RETURN(request.stores, ReadStores(fields));
  return request;
}

Result<client::ScanPrefixRequest> ReadScanPrefix(const Json& json, client::JsonStyle* style) {
  TOKURA_ASSIGN_OR_RETURN(
      const JsonFields fields,
      JsonFields::Of(json, "", {"group", "prefix", "features", "limit", "cursor", "int64"}));
  client::ScanPrefixRequest request;
  request.syntax = Syntax::kJson;
  TOKURA_ASSIGN_OR_RETURN(request.group, ReadGroup(fields));
  TOKURA_ASSIGN_OR_RETURN(request.prefix, fields.NamedValues("prefix"));
  TOKURA_ASSIGN_OR_RETURN(request.features, fields.Strings("features"));
  TOKURA_ASSIGN_OR_RETURN(request.cursor, fields.String("cursor"));
  TOKURA_ASSIGN_OR_RETURN(const std::optional<int64_t> limit, fields.Integer("limit"));
  if (limit.has_value()) {
    if (*limit < 1 || *limit > static_cast<int64_t>(kScanRowsMax)) {
      return InvalidArgument("limit: expected 1 to " + std::to_string(kScanRowsMax) + ", got " +
                             std::to_string(*limit));
    }
    request.limit = static_cast<uint32_t>(*limit);
  }
  TOKURA_ASSIGN_OR_RETURN(*style, ReadStyle(fields));
  return request;
}

Result<client::WaitRequest> ReadWait(const Json& json) {
  TOKURA_ASSIGN_OR_RETURN(const JsonFields fields,
                          JsonFields::Of(json, "", {"token", "stores", "timeout"}));
  client::WaitRequest request;
  TOKURA_ASSIGN_OR_RETURN(request.tokens, ReadTokens(fields));
  TOKURA_ASSIGN_OR_RETURN(const std::optional<size_t> stores,
                          fields.Choice("stores", {"online", "offline"}));
  if (stores.has_value()) request.stores = static_cast<Stores>(*stores + 1);
  TOKURA_ASSIGN_OR_RETURN(const std::optional<int64_t> timeout, fields.Duration("timeout"));
  if (timeout.has_value()) {
    request.timeout = std::min(std::chrono::microseconds(*timeout), kWaitMax);
  }
  return request;
}

}  // namespace tokura::router
