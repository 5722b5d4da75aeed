#include <map>

#include "client/wire.h"
#include "client/wire_proto.h"
#include "core/limits.h"

namespace tokura::client::wire {
namespace {

// Indexes of names in order of first use.
class NameTable {
 public:
  uint32_t IndexOf(const std::string& name) {
    const auto [at, added] = index_.emplace(name, static_cast<uint32_t>(names_.size()));
    if (added) names_.push_back(name);
    return at->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, uint32_t> index_;
  std::vector<std::string> names_;
};

Result<int64_t> TimeToWire(const Value& time, Syntax syntax) {
  TOKURA_ASSIGN_OR_RETURN(const Value value, Coerce(time, Type{Kind::kTimestamp}, syntax));
  if (value.is_null()) return InvalidArgument("expected timestamp, got null");
  return value.as<Timestamp>().us;
}

Result<int64_t> TtlToWire(const Value& ttl) {
  if (const std::string* text = ttl.get_if<std::string>()) return ParseDuration(*text);
  if (const int64_t* us = ttl.get_if<int64_t>()) return *us;
  return InvalidArgument("expected a duration (\"2h\") or an integer of µs, got " +
                         std::string(ValueKindName(ttl)));
}

void SetMalformed(const Status& status, v1::PutRecordsRequest::Record* out) {
  if (!out->has_malformed()) ToProto(status, out->mutable_malformed());
}

void ToProto(const PutRecord& record, const std::string& path, Syntax syntax, NameTable* features,
             v1::PutRecordsRequest::Record* out) {
  if (!record.malformed.ok()) SetMalformed(record.malformed, out);
  if (record.event_time.has_value()) {
    const Result<int64_t> us = TimeToWire(*record.event_time, syntax);
    if (us.ok()) {
      out->set_event_time_us(*us);
    } else {
      SetMalformed(us.status().WithContext(path + ".event_time"), out);
    }
  }
  if (record.ttl.has_value()) {
    const Result<int64_t> us = TtlToWire(*record.ttl);
    if (us.ok()) {
      out->set_ttl_us(*us);
    } else {
      SetMalformed(us.status().WithContext(path + ".ttl"), out);
    }
  }
  for (const auto& [name, value] : record.values) {
    v1::PutRecordsRequest::Cell* cell = out->add_cells();
    cell->set_feature(features->IndexOf(name));
    wire::ToProto(value, cell->mutable_value());
  }
  if (record.write_id.has_value()) {
    out->set_write_id(record.write_id->bytes.data(), record.write_id->bytes.size());
  }
}

Result<PutRecord> FromProto(const v1::PutRecordsRequest& request,
                            const v1::PutRecordsRequest::Record& proto) {
  PutRecord record;
  if (proto.has_malformed()) {
    record.malformed = wire::FromProto(proto.malformed());
    if (record.malformed.ok()) record.malformed = InvalidArgument("malformed record");
    return record;
  }
  if (proto.key_size() > request.key_names_size()) {
    return InvalidArgument("record with more keys than key_names");
  }
  for (int i = 0; i < proto.key_size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN(Value value, wire::FromProto(proto.key(i)));
    // A null stands for a column that this record does not have.
    if (!value.is_null()) record.key.emplace_back(request.key_names(i), std::move(value));
  }
  if (proto.has_event_time_us()) record.event_time = Value(Timestamp{proto.event_time_us()});
  if (proto.has_ttl_us()) record.ttl = Value(static_cast<int64_t>(proto.ttl_us()));
  record.values.reserve(proto.cells_size());
  for (const v1::PutRecordsRequest::Cell& cell : proto.cells()) {
    if (cell.feature() >= static_cast<uint32_t>(request.feature_names_size())) {
      return InvalidArgument("cell of a feature beyond feature_names");
    }
    TOKURA_ASSIGN_OR_RETURN(Value value, wire::FromProto(cell.value()));
    record.values.emplace_back(request.feature_names(static_cast<int>(cell.feature())),
                               std::move(value));
  }
  TOKURA_ASSIGN_OR_RETURN(record.write_id, WriteIdFromProto(proto.write_id()));
  return record;
}

using NamedValues = std::vector<std::pair<std::string, Value>>;

template <typename Repeated>
void PrefixToProto(const NamedValues& prefix, Repeated* out) {
  for (const auto& [name, value] : prefix) {
    wire::ToProto(KeyColumnValues{name, {value}}, out->Add());
  }
}

template <typename Repeated>
Result<NamedValues> PrefixFromProto(Repeated* proto) {
  NamedValues prefix;
  for (v1::KeyColumn& column : *proto) {
    TOKURA_ASSIGN_OR_RETURN(KeyColumnValues values, wire::FromProto(std::move(column)));
    if (values.values.size() != 1) {
      return InvalidArgument("prefix." + values.name + ": expected one value, got " +
                             std::to_string(values.values.size()));
    }
    prefix.emplace_back(std::move(values.name), std::move(values.values.front()));
  }
  return prefix;
}

template <typename Repeated>
Result<std::vector<KeyColumnValues>> KeysFromProto(Repeated* proto) {
  std::vector<KeyColumnValues> keys;
  for (v1::KeyColumn& column : *proto) {
    TOKURA_ASSIGN_OR_RETURN(KeyColumnValues values, wire::FromProto(std::move(column)));
    keys.push_back(std::move(values));
  }
  return keys;
}

template <typename Repeated>
std::vector<std::string> Strings(Repeated* proto) {
  return {std::make_move_iterator(proto->begin()), std::make_move_iterator(proto->end())};
}

Syntax SyntaxOf(bool json) { return json ? Syntax::kJson : Syntax::kNative; }

}  // namespace

std::string Encode(const GetFeaturesRequest& request) {
  v1::GetFeaturesRequest proto;
  proto.set_service(request.service);
  for (const std::string& feature : request.features) proto.add_features(feature);
  for (const KeyColumnValues& column : request.keys) ToProto(column, proto.add_keys());
  if (request.max_staleness_us) proto.set_max_staleness_us(*request.max_staleness_us);
  proto.set_want_event_time(request.want_event_time);
  for (const std::string& token : request.tokens) proto.add_tokens(token);
  proto.set_json_syntax(request.syntax == Syntax::kJson);
  return Serialize(proto);
}

template <>
Result<GetFeaturesRequest> Decode(std::string_view body) {
  v1::GetFeaturesRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  TOKURA_RETURN_IF_ERROR(CheckCount("features", proto.features_size(), kRequestFeaturesMax));
  GetFeaturesRequest request;
  request.service = std::move(*proto.mutable_service());
  request.features = Strings(proto.mutable_features());
  TOKURA_ASSIGN_OR_RETURN(request.keys, KeysFromProto(proto.mutable_keys()));
  if (proto.has_max_staleness_us()) request.max_staleness_us = proto.max_staleness_us();
  request.want_event_time = proto.want_event_time();
  request.tokens = Strings(proto.mutable_tokens());
  request.syntax = SyntaxOf(proto.json_syntax());
  return request;
}

std::string Encode(const PutRecordsRequest& request) {
  v1::PutRecordsRequest proto;
  proto.set_group(request.group);
  proto.set_stores(request.stores ? static_cast<uint32_t>(*request.stores) : 0);
  proto.set_json_syntax(request.syntax == Syntax::kJson);
  NameTable keys;
  NameTable features;
  for (const PutRecord& record : request.records) {
    for (const auto& [name, value] : record.key) keys.IndexOf(name);
  }
  for (size_t i = 0; i < request.records.size(); ++i) {
    const PutRecord& record = request.records[i];
    v1::PutRecordsRequest::Record* out = proto.add_records();
    ToProto(record, "records[" + std::to_string(i) + "]", request.syntax, &features, out);
    for (size_t k = 0; k < keys.names().size(); ++k) out->add_key();
    for (const auto& [name, value] : record.key) {
      ToProto(value, out->mutable_key(static_cast<int>(keys.IndexOf(name))));
    }
  }
  for (const std::string& name : keys.names()) proto.add_key_names(name);
  for (const std::string& name : features.names()) proto.add_feature_names(name);
  return Serialize(proto);
}

template <>
Result<PutRecordsRequest> Decode(std::string_view body) {
  TOKURA_RETURN_IF_ERROR(CheckCount("message bytes", body.size(), kRequestBytesMax));
  const int records_field = v1::PutRecordsRequest::kRecordsFieldNumber;
  TOKURA_RETURN_IF_ERROR(CheckCount(
      "records", CountTopLevel(body, records_field, kRequestRecordsMax), kRequestRecordsMax));
  v1::PutRecordsRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  PutRecordsRequest request;
  request.group = std::move(*proto.mutable_group());
  TOKURA_ASSIGN_OR_RETURN(request.stores, StoresFromProto(proto.stores()));
  request.syntax = SyntaxOf(proto.json_syntax());
  request.records.reserve(proto.records_size());
  for (int i = 0; i < proto.records_size(); ++i) {
    Result<PutRecord> record = FromProto(proto, proto.records(i));
    if (!record.ok()) {
      const std::string path = "records[" + std::to_string(i) + "]";
      request.records.emplace_back().malformed = record.status().WithContext(path);
      continue;
    }
    request.records.push_back(std::move(*record));
  }
  return request;
}

std::string Encode(const DeleteRecordsRequest& request) {
  v1::DeleteRecordsRequest proto;
  proto.set_group(request.group);
  for (const KeyColumnValues& column : request.keys) ToProto(column, proto.add_keys());
  PrefixToProto(request.prefix, proto.mutable_prefix());
  if (request.event_time.has_value()) {
    const Result<int64_t> us = TimeToWire(*request.event_time, request.syntax);
    // A time that does not parse becomes one that is out of range, which the router refuses.
    proto.set_event_time_us(us.ok() ? *us : INT64_MAX);
  }
  for (const std::string& feature : request.features) proto.add_features(feature);
  if (request.write_id.has_value()) {
    proto.set_write_id(request.write_id->bytes.data(), request.write_id->bytes.size());
  }
  proto.set_stores(request.stores ? static_cast<uint32_t>(*request.stores) : 0);
  proto.set_json_syntax(request.syntax == Syntax::kJson);
  return Serialize(proto);
}

template <>
Result<DeleteRecordsRequest> Decode(std::string_view body) {
  v1::DeleteRecordsRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  TOKURA_RETURN_IF_ERROR(CheckCount("features", proto.features_size(), kRequestFeaturesMax));
  DeleteRecordsRequest request;
  request.group = std::move(*proto.mutable_group());
  TOKURA_ASSIGN_OR_RETURN(request.keys, KeysFromProto(proto.mutable_keys()));
  TOKURA_ASSIGN_OR_RETURN(request.prefix, PrefixFromProto(proto.mutable_prefix()));
  if (proto.has_event_time_us()) request.event_time = Value(Timestamp{proto.event_time_us()});
  request.features = Strings(proto.mutable_features());
  TOKURA_ASSIGN_OR_RETURN(request.write_id, WriteIdFromProto(proto.write_id()));
  TOKURA_ASSIGN_OR_RETURN(request.stores, StoresFromProto(proto.stores()));
  request.syntax = SyntaxOf(proto.json_syntax());
  return request;
}

std::string Encode(const ScanPrefixRequest& request) {
  v1::ScanPrefixRequest proto;
  proto.set_group(request.group);
  PrefixToProto(request.prefix, proto.mutable_prefix());
  for (const std::string& feature : request.features) proto.add_features(feature);
  proto.set_limit(request.limit);
  proto.set_cursor(request.cursor);
  proto.set_json_syntax(request.syntax == Syntax::kJson);
  return Serialize(proto);
}

template <>
Result<ScanPrefixRequest> Decode(std::string_view body) {
  v1::ScanPrefixRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  TOKURA_RETURN_IF_ERROR(CheckCount("features", proto.features_size(), kRequestFeaturesMax));
  ScanPrefixRequest request;
  request.group = std::move(*proto.mutable_group());
  TOKURA_ASSIGN_OR_RETURN(request.prefix, PrefixFromProto(proto.mutable_prefix()));
  request.features = Strings(proto.mutable_features());
  request.limit = proto.limit();
  request.cursor = std::move(*proto.mutable_cursor());
  request.syntax = SyntaxOf(proto.json_syntax());
  return request;
}

std::string Encode(const ApplyRequest& request) {
  v1::ApplyDefinitionsRequest proto;
  for (const catalog::DefinitionText& text : request.texts) {
    v1::ApplyDefinitionsRequest::Text* out = proto.add_texts();
    out->set_name(text.name);
    out->set_text(text.text);
  }
  proto.set_allow_destroy(request.options.allow_destroy);
  if (request.options.if_revision) proto.set_if_revision(request.options.if_revision->value);
  proto.set_dry_run(request.options.dry_run);
  return Serialize(proto);
}

template <>
Result<ApplyRequest> Decode(std::string_view body) {
  v1::ApplyDefinitionsRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  ApplyRequest request;
  for (v1::ApplyDefinitionsRequest::Text& text : *proto.mutable_texts()) {
    request.texts.push_back({std::move(*text.mutable_name()), std::move(*text.mutable_text())});
  }
  request.options.allow_destroy = proto.allow_destroy();
  if (proto.has_if_revision()) request.options.if_revision = Revision(proto.if_revision());
  request.options.dry_run = proto.dry_run();
  return request;
}

std::string Encode(const WaitRequest& request) {
  v1::WaitRequest proto;
  for (const std::string& token : request.tokens) proto.add_tokens(token);
  proto.set_stores(static_cast<uint32_t>(request.stores));
  proto.set_timeout_us(request.timeout.count());
  return Serialize(proto);
}

template <>
Result<WaitRequest> Decode(std::string_view body) {
  v1::WaitRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  TOKURA_ASSIGN_OR_RETURN(const std::optional<Stores> stores, StoresFromProto(proto.stores()));
  WaitRequest request;
  request.tokens = Strings(proto.mutable_tokens());
  request.stores = stores.value_or(Stores::kOffline);
  request.timeout = std::chrono::microseconds(proto.timeout_us());
  return request;
}

std::string Encode(const DigestRequest& request) {
  v1::DigestRequest proto;
  for (const std::string& group : request.groups) proto.add_groups(group);
  proto.set_now_us(request.now_us);
  for (const auto& [group, vector] : request.positions) {
    v1::DigestRequest::Position* out = proto.add_positions();
    out->set_group(group.value);
    out->set_vector(vector);
  }
  return Serialize(proto);
}

template <>
Result<DigestRequest> Decode(std::string_view body) {
  v1::DigestRequest proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kRequestBytesMax, &proto));
  DigestRequest request{Strings(proto.mutable_groups()), proto.now_us(), {}};
  for (v1::DigestRequest::Position& position : *proto.mutable_positions()) {
    request.positions[GroupId(position.group())] = std::move(*position.mutable_vector());
  }
  return request;
}

}  // namespace tokura::client::wire
