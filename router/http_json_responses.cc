#include "router/http_json.h"

namespace tokura::router {
namespace {

using client::JsonStyle;
using client::JsonWriter;

void WriteTime(const std::optional<int64_t>& us, JsonWriter* out) {
  if (us.has_value()) {
    out->Time(*us);
  } else {
    out->Null();
  }
}

void WriteResults(const std::vector<Status>& results, const std::string& token, JsonWriter* out) {
  size_t accepted = 0;
  size_t unknown = 0;
  out->Key("results").BeginArray();
  for (const Status& result : results) {
    out->BeginObject().Key("status");
    if (result.ok()) {
      ++accepted;
      out->String("OK").EndObject();
      continue;
    }
    const bool is_unknown = result.code() == Code::kUnknownOutcome;
    unknown += is_unknown ? 1 : 0;
    out->String(is_unknown ? "UNKNOWN" : "REJECTED");
    out->Key("code").String(CodeName(result.code()));
    out->Key("message").String(result.message()).EndObject();
  }
  out->EndArray();
  out->Key("accepted").UInt(accepted);
  out->Key("rejected").UInt(results.size() - accepted - unknown);
  out->Key("unknown").UInt(unknown);
  out->Key("token").String(token);
}

}  // namespace

std::string WriteJson(const client::GetFeaturesResponse& response, const JsonStyle& style) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject().Key("rows").UInt(response.rows).Key("features").BeginArray();
  for (const client::FeatureAnswer& answer : response.features) {
    const Type& type = answer.values.type();
    out.BeginObject().Key("name").String(answer.name).Key("type").String(type.ToString());
    out.Key("values").BeginArray();
    for (size_t i = 0; i < response.rows; ++i) {
      if (answer.has_value[i]) {
        out.TypedValue(answer.values.At(i), type, style);
      } else {
        out.Null();
      }
    }
    out.EndArray().Key("status").BeginArray();
    for (const ReadStatus status : answer.statuses) out.String(ReadStatusName(status));
    out.EndArray();
    if (!answer.event_times_us.empty()) {
      out.Key("event_time").BeginArray();
      for (const std::optional<int64_t>& us : answer.event_times_us) WriteTime(us, &out);
      out.EndArray();
    }
    out.EndObject();
  }
  out.EndArray().EndObject();
  return body;
}

std::string WriteJson(const client::PutRecordsResponse& response) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  WriteResults(response.results, response.token, &out);
  out.EndObject();
  return body;
}

std::string WriteJson(const client::DeleteRecordsResponse& response) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  WriteResults(response.results, response.token, &out);
  out.Key("deleted").UInt(response.deleted).EndObject();
  return body;
}

std::string WriteJson(const client::ScanPrefixResponse& response, const JsonStyle& style) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject().Key("rows").BeginArray();
  for (const client::ScanPrefixResponse::Row& row : response.rows) {
    out.BeginObject().Key("key").BeginObject();
    for (size_t i = 0; i < row.key.size(); ++i) {
      out.Key(row.key[i].first).TypedValue(row.key[i].second, response.key_columns[i].type, style);
    }
    out.EndObject().Key("values").BeginObject();
    size_t next = 0;  // a row's values follow the order of `features`
    for (const auto& [name, value] : row.values) {
      while (response.features[next].first != name) ++next;
      out.Key(name).TypedValue(value, response.features[next].second, style);
    }
    out.EndObject().Key("event_time").Time(row.event_time_us).EndObject();
  }
  out.EndArray();
  if (!response.cursor.empty()) out.Key("cursor").String(response.cursor);
  out.EndObject();
  return body;
}

std::string WriteJson(const client::Api::Applied& response) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject().Key("changes").BeginArray();
  for (const catalog::Change& change : response.changes) {
    out.BeginObject().Key("action").String(change.action).Key("object").String(change.object);
    for (const auto& [name, text] :
         {std::pair("field", &change.field), std::pair("from", &change.from),
          std::pair("to", &change.to)}) {
      out.Key(name);
      if (text->empty()) {
        out.Null();
      } else {
        out.String(*text);
      }
    }
    out.Key("destructive").Bool(change.destructive).EndObject();
  }
  out.EndArray().Key("warnings").BeginArray();
  for (const std::string& warning : response.warnings) out.String(warning);
  out.EndArray().Key("revision").UInt(response.revision.value).EndObject();
  return body;
}

std::string WriteJson(const std::vector<client::OfflineGroupStatus>& response) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject().Key("groups").BeginArray();
  for (const client::OfflineGroupStatus& group : response) {
    out.BeginObject().Key("group").String(group.group).Key("location").String(group.location);
    out.Key("metadata_location").String(group.metadata_location).Key("snapshot_id");
    if (group.snapshot_id == 0) {
      out.Null();
    } else {
      out.Int(group.snapshot_id);
    }
    out.Key("rows").UInt(group.rows).Key("files").UInt(group.files);
    out.Key("bytes").UInt(group.bytes).Key("lag_seconds").Double(group.lag_seconds);
    out.Key("watermark");
    WriteTime(group.watermark_us == 0 ? std::nullopt : std::optional(group.watermark_us), &out);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return body;
}

std::string WriteJson(const client::ClusterStatus& response) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject().Key("nodes").BeginArray();
  for (const client::NodeStatus& node : response.nodes) {
    out.BeginObject().Key("id").String(node.id).Key("pid").Int(node.pid);
    out.Key("listen").String(node.listen).Key("state").String(node.state);
    out.Key("incarnation").UInt(node.incarnation).Key("shards").UInt(node.shards);
    out.Key("lag_records").UInt(node.lag_records);
    if (node.disk_low) out.Key("disk_low").Bool(true);
    out.EndObject();
  }
  out.EndArray().Key("under_replicated").UInt(response.under_replicated);
  out.Key("moving").UInt(response.moving).EndObject();
  return body;
}

}  // namespace tokura::router
