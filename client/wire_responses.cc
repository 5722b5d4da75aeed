#include "client/wire.h"
#include "client/wire_proto.h"
#include "core/big_endian.h"
#include "core/limits.h"
#include "core/record_results.h"

namespace tokura::client::wire {
namespace {

bool HasEventTime(ReadStatus status) {
  return status == ReadStatus::kPresent || status == ReadStatus::kNull ||
         status == ReadStatus::kExpired || status == ReadStatus::kStale;
}

void ToProto(const FeatureAnswer& answer, v1::GetFeaturesResponse::Feature* out) {
  out->set_name(answer.name);
  v1::FeatureColumn* column = out->mutable_column();
  wire::ToProto(answer.values, column->mutable_values());
  std::string* statuses = column->mutable_statuses();
  bool plain = true;  // a value exactly where PRESENT
  for (size_t i = 0; i < answer.statuses.size(); ++i) {
    statuses->push_back(static_cast<char>(answer.statuses[i]));
    plain = plain && answer.has_value[i] == (answer.statuses[i] == ReadStatus::kPresent);
  }
  if (!plain) {
    for (const bool has : answer.has_value) column->mutable_has_value()->push_back(has ? 1 : 0);
  }
  for (const std::optional<int64_t>& us : answer.event_times_us) {
    column->add_event_times_us(us.value_or(0));
  }
}

Result<FeatureAnswer> FromProto(v1::GetFeaturesResponse::Feature&& proto, size_t rows) {
  FeatureAnswer answer;
  answer.name = std::move(*proto.mutable_name());
  TOKURA_ASSIGN_OR_RETURN(DecodedFeatureColumn column,
                          wire::FromProto(std::move(*proto.mutable_column())));
  if (column.values.size() != rows) return InvalidArgument("answer column of the wrong length");
  answer.values = std::move(column.values);
  answer.statuses = std::move(column.statuses);
  answer.has_value.resize(rows);
  for (size_t i = 0; i < rows; ++i) {
    answer.has_value[i] = column.has_value.empty() ? answer.statuses[i] == ReadStatus::kPresent
                                                   : column.has_value[i] != 0;
  }
  for (size_t i = 0; i < column.event_times_us.size(); ++i) {
    answer.event_times_us.push_back(HasEventTime(answer.statuses[i])
                                        ? std::optional<int64_t>(column.event_times_us[i])
                                        : std::nullopt);
  }
  return answer;
}

template <typename Repeated>
void ResultsToProto(const std::vector<Status>& results, Repeated* out) {
  for (const Status& status : results) wire::ToProto(status, out->Add());
}

template <typename Repeated>
std::vector<Status> ResultsFromProto(const Repeated& proto) {
  std::vector<Status> results;
  results.reserve(proto.size());
  for (const v1::RecordResult& result : proto) results.push_back(wire::FromProto(result));
  return results;
}

void PutDigest(const Digest& digest, std::string* out) {
  char bytes[16];
  PutBigEndian(digest.high, bytes);
  PutBigEndian(digest.low, bytes + 8);
  out->append(bytes, sizeof bytes);
}

Result<Digest> ReadDigest(std::string_view bytes) {
  if (bytes.size() != 16) return InvalidArgument("digest that is not of 16 bytes");
  return Digest{GetBigEndian(bytes.data()), GetBigEndian(bytes.data() + 8)};
}

}  // namespace

std::string Encode(const GetFeaturesResponse& response) {
  v1::GetFeaturesResponse proto;
  proto.set_rows(static_cast<uint32_t>(response.rows));
  for (const FeatureAnswer& answer : response.features) ToProto(answer, proto.add_features());
  return Serialize(proto);
}

template <>
Result<GetFeaturesResponse> Decode(std::string_view body) {
  v1::GetFeaturesResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  GetFeaturesResponse response;
  response.rows = proto.rows();
  for (v1::GetFeaturesResponse::Feature& feature : *proto.mutable_features()) {
    TOKURA_ASSIGN_OR_RETURN(FeatureAnswer answer, FromProto(std::move(feature), proto.rows()));
    response.features.push_back(std::move(answer));
  }
  return response;
}

std::string Encode(const PutRecordsResponse& response) {
  return EncodeRecordResults(response.results, response.token);
}

template <>
Result<PutRecordsResponse> Decode(std::string_view body) {
  v1::PutRecordsResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  return PutRecordsResponse{ResultsFromProto(proto.results()), proto.token()};
}

std::string Encode(const DeleteRecordsResponse& response) {
  v1::DeleteRecordsResponse proto;
  ResultsToProto(response.results, proto.mutable_results());
  proto.set_token(response.token);
  proto.set_deleted(response.deleted);
  return Serialize(proto);
}

template <>
Result<DeleteRecordsResponse> Decode(std::string_view body) {
  v1::DeleteRecordsResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  return DeleteRecordsResponse{ResultsFromProto(proto.results()), proto.token(), proto.deleted()};
}

namespace {

void ToProto(const ScanPrefixResponse& response, const ScanPrefixResponse::Row& row,
             v1::ScanPrefixResponse::Row* out) {
  for (const auto& [name, value] : row.key) wire::ToProto(value, out->add_key());
  size_t next = 0;  // a row's values follow the order of `features`
  for (const auto& [name, value] : row.values) {
    while (next < response.features.size() && response.features[next].first != name) ++next;
    v1::ScanPrefixResponse::Cell* cell = out->add_cells();
    cell->set_feature(static_cast<uint32_t>(next));
    wire::ToProto(value, cell->mutable_value());
  }
  out->set_event_time_us(row.event_time_us);
}

Result<ScanPrefixResponse::Row> FromProto(const v1::ScanPrefixResponse& response,
                                          const v1::ScanPrefixResponse::Row& proto) {
  ScanPrefixResponse::Row row;
  if (proto.key_size() != response.key_names_size()) {
    return InvalidArgument("row with another number of keys than key_names");
  }
  for (int i = 0; i < proto.key_size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN(Value value, wire::FromProto(proto.key(i)));
    row.key.emplace_back(response.key_names(i), std::move(value));
  }
  for (const v1::ScanPrefixResponse::Cell& cell : proto.cells()) {
    if (cell.feature() >= static_cast<uint32_t>(response.feature_names_size())) {
      return InvalidArgument("cell of a feature beyond feature_names");
    }
    TOKURA_ASSIGN_OR_RETURN(Value value, wire::FromProto(cell.value()));
    row.values.emplace_back(response.feature_names(static_cast<int>(cell.feature())),
                            std::move(value));
  }
  row.event_time_us = proto.event_time_us();
  return row;
}

}  // namespace

std::string Encode(const ScanPrefixResponse& response) {
  v1::ScanPrefixResponse proto;
  for (const KeyColumn& column : response.key_columns) {
    proto.add_key_names(column.name);
    wire::ToProto(column.type, proto.add_key_types());
  }
  for (const auto& [name, type] : response.features) {
    proto.add_feature_names(name);
    wire::ToProto(type, proto.add_feature_types());
  }
  for (const ScanPrefixResponse::Row& row : response.rows) {
    ToProto(response, row, proto.add_rows());
  }
  proto.set_cursor(response.cursor);
  return Serialize(proto);
}

template <>
Result<ScanPrefixResponse> Decode(std::string_view body) {
  v1::ScanPrefixResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  if (proto.key_names_size() != proto.key_types_size() ||
      proto.feature_names_size() != proto.feature_types_size()) {
    return InvalidArgument("scan answer whose names and types differ in number");
  }
  ScanPrefixResponse response;
  for (int i = 0; i < proto.key_names_size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN(const Type type, wire::FromProto(proto.key_types(i)));
    response.key_columns.push_back({proto.key_names(i), type});
  }
  for (int i = 0; i < proto.feature_names_size(); ++i) {
    TOKURA_ASSIGN_OR_RETURN(const Type type, wire::FromProto(proto.feature_types(i)));
    response.features.emplace_back(proto.feature_names(i), type);
  }
  for (const v1::ScanPrefixResponse::Row& row : proto.rows()) {
    TOKURA_ASSIGN_OR_RETURN(ScanPrefixResponse::Row decoded, FromProto(proto, row));
    response.rows.push_back(std::move(decoded));
  }
  response.cursor = std::move(*proto.mutable_cursor());
  return response;
}

std::string Encode(const Api::Applied& response) {
  v1::ApplyDefinitionsResponse proto;
  for (const catalog::Change& change : response.changes) {
    v1::ApplyDefinitionsResponse::Change* out = proto.add_changes();
    out->set_action(change.action);
    out->set_object(change.object);
    out->set_field(change.field);
    out->set_from(change.from);
    out->set_to(change.to);
    out->set_destructive(change.destructive);
  }
  for (const std::string& warning : response.warnings) proto.add_warnings(warning);
  proto.set_revision(response.revision.value);
  return Serialize(proto);
}

template <>
Result<Api::Applied> Decode(std::string_view body) {
  v1::ApplyDefinitionsResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  Api::Applied applied;
  for (const v1::ApplyDefinitionsResponse::Change& change : proto.changes()) {
    applied.changes.push_back({change.action(), change.object(), change.field(), change.from(),
                               change.to(), change.destructive()});
  }
  applied.warnings.assign(proto.warnings().begin(), proto.warnings().end());
  applied.revision = Revision(proto.revision());
  return applied;
}

std::string Encode(const Api::Definitions& response) {
  v1::GetDefinitionsResponse proto;
  proto.set_definitions(catalog::EncodeDefinitions(*response));
  return Serialize(proto);
}

template <>
Result<Api::Definitions> Decode(std::string_view body) {
  v1::GetDefinitionsResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  return catalog::DecodeDefinitions(proto.definitions());
}

std::string Encode(const OfflineStatusResponse& response) {
  v1::OfflineStatusResponse proto;
  for (const OfflineGroupStatus& group : response) {
    v1::OfflineStatusResponse::Group* out = proto.add_groups();
    out->set_group(group.group);
    out->set_location(group.location);
    out->set_metadata_location(group.metadata_location);
    out->set_snapshot_id(group.snapshot_id);
    out->set_rows(group.rows);
    out->set_files(group.files);
    out->set_bytes(group.bytes);
    out->set_lag_seconds(group.lag_seconds);
    out->set_watermark_us(group.watermark_us);
  }
  return Serialize(proto);
}

template <>
Result<OfflineStatusResponse> Decode(std::string_view body) {
  v1::OfflineStatusResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  OfflineStatusResponse response;
  for (const v1::OfflineStatusResponse::Group& group : proto.groups()) {
    response.push_back({group.group(), group.location(), group.metadata_location(),
                        group.snapshot_id(), group.rows(), group.files(), group.bytes(),
                        group.lag_seconds(), group.watermark_us()});
  }
  return response;
}

std::string Encode(const ClusterStatus& response) {
  v1::ClusterStatusResponse proto;
  for (const NodeStatus& node : response.nodes) {
    v1::ClusterStatusResponse::Node* out = proto.add_nodes();
    out->set_id(node.id);
    out->set_pid(node.pid);
    out->set_listen(node.listen);
    out->set_state(node.state);
    out->set_incarnation(node.incarnation);
    out->set_shards(node.shards);
    out->set_lag_records(node.lag_records);
    out->set_disk_low(node.disk_low);
  }
  proto.set_under_replicated(response.under_replicated);
  proto.set_moving(response.moving);
  proto.set_now_us(response.now_us);
  return Serialize(proto);
}

template <>
Result<ClusterStatus> Decode(std::string_view body) {
  v1::ClusterStatusResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  ClusterStatus status;
  for (const v1::ClusterStatusResponse::Node& node : proto.nodes()) {
    status.nodes.push_back({node.id(), node.pid(), node.listen(), node.state(), node.incarnation(),
                            node.shards(), node.lag_records(), node.disk_low()});
  }
  status.under_replicated = proto.under_replicated();
  status.moving = proto.moving();
  status.now_us = proto.now_us();
  return status;
}

std::string Encode(const DigestReport& response) {
  v1::DigestResponse proto;
  proto.set_vector(response.vector);
  for (const DigestReport::Day& day : response.days) {
    v1::DigestResponse::Day* out = proto.add_log_days();
    out->set_group(day.group.value);
    out->set_day(day.day);
    out->set_records(day.records);
    PutDigest(day.digest, out->mutable_digest());
  }
  for (const DigestReport::Rows& rows : response.rows) {
    v1::DigestResponse::Rows* out = proto.add_rows();
    out->set_group(rows.group.value);
    out->set_rows(rows.rows);
    PutDigest(rows.digest, out->mutable_digest());
    PutDigest(rows.log_digest, out->mutable_log_digest());
  }
  return Serialize(proto);
}

template <>
Result<DigestReport> Decode(std::string_view body) {
  v1::DigestResponse proto;
  TOKURA_RETURN_IF_ERROR(ParseMessage(body, kFrameBytesMax, &proto));
  DigestReport report;
  report.vector = std::move(*proto.mutable_vector());
  for (const v1::DigestResponse::Day& day : proto.log_days()) {
    TOKURA_ASSIGN_OR_RETURN(const Digest digest, ReadDigest(day.digest()));
    report.days.push_back({GroupId(day.group()), day.day(), day.records(), digest});
  }
  for (const v1::DigestResponse::Rows& rows : proto.rows()) {
    TOKURA_ASSIGN_OR_RETURN(const Digest digest, ReadDigest(rows.digest()));
    TOKURA_ASSIGN_OR_RETURN(const Digest log_digest, ReadDigest(rows.log_digest()));
    report.rows.push_back({GroupId(rows.group()), rows.rows(), digest, log_digest});
  }
  return report;
}

}  // namespace tokura::client::wire
