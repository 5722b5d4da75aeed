#include "router/byte_put.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/bytes.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "core/protobuf_wire.h"
#include "core/record_writer.h"
#include "proto/api.pb.h"
#include "router/record_builder.h"

namespace tokura::router {
namespace {

using catalog::Definitions;
using pbwire::WireReader;
using pbwire::WireType;
using Request = v1::PutRecordsRequest;

constexpr size_t kSelectionsMax = 1'024;
constexpr size_t kNamesBytesMax = 64 << 10;  // of a selection that is worth remembering

// A v1.Value, or what its one field says. field 0: null.
struct GivenValue {
  uint32_t field = 0;
  uint64_t number = 0;
  std::string_view bytes;
};

bool ParseValue(std::string_view message, GivenValue* value) {
  if (message.empty()) {
    value->field = 0;
    return true;
  }
  WireReader reader(message);
  if (!reader.Next() || !reader.rest().empty()) return false;  // the last of several would count
  value->field = reader.field();
  value->number = reader.number();
  value->bytes = reader.bytes();
  WireType type = WireType::kBytes;
  switch (value->field) {
    case v1::Value::kBoolValueFieldNumber:
    case v1::Value::kIntValueFieldNumber:
    case v1::Value::kTimestampUsFieldNumber:
      type = WireType::kVarint;
      break;
    case v1::Value::kFloatValueFieldNumber:
      type = WireType::kFixed64;
      break;
    default:
      break;
  }
  return reader.type() == type;
}

// The floats of a v1.FloatVector; false unless they are packed.
bool ParseFloats(std::string_view message, std::string_view* floats) {
  WireReader reader(message);
  if (!reader.Next() || !reader.rest().empty() || !reader.is_bytes()) return false;
  *floats = reader.bytes();
  return reader.field() == v1::FloatVector::kValuesFieldNumber;
}

struct GivenCell {
  const Feature* feature = nullptr;
  GivenValue value;
};

bool AddCell(const GivenCell& cell, RecordWriter* writer) {
  const GivenValue& value = cell.value;
  std::string_view floats;
  switch (value.field) {
    case 0:
      writer->AddNull(*cell.feature);
      return true;
    case v1::Value::kBoolValueFieldNumber:
      return writer->AddBool(*cell.feature, value.number != 0);
    case v1::Value::kIntValueFieldNumber:
      return writer->AddInt(*cell.feature, UnZigZag(value.number));
    case v1::Value::kFloatValueFieldNumber:
      return writer->AddFloat(*cell.feature, std::bit_cast<double>(value.number));
    case v1::Value::kStringValueFieldNumber:
      return writer->AddText(*cell.feature, value.bytes);
    case v1::Value::kBytesValueFieldNumber:
      return writer->AddBytes(*cell.feature, value.bytes);
    case v1::Value::kTimestampUsFieldNumber:
      return writer->AddTimestamp(*cell.feature, UnZigZag(value.number));
    case v1::Value::kVectorValueFieldNumber:
      return ParseFloats(value.bytes, &floats) && writer->AddVector(*cell.feature, floats);
    default:
      return false;
  }
}

// Builds one record after the other, with memory that is used again.
class Builder {
 public:
  Builder(const PutSelection& selection, int64_t now_us) : selection_(selection), now_us_(now_us) {}

  // False: not a plain record.
  bool Build(std::string_view message, const WriteId& made_id) {
    keys_.clear();
    cells_.clear();
    head_ = {.stores = selection_.stores,
             .event_time_us = 0,
             .write_id = made_id,
             .ttl_us = std::nullopt,
             .key = {},
             .cells = 0};
    if (!ParseRecord(message) || !EncodeKey()) return false;
    head_.key = row_key_;
    head_.cells = cells_.size();
    writer_.Begin(head_);
    for (const GivenCell& cell : cells_) {
      if (!AddCell(cell, &writer_)) return false;
    }
    return writer_.record().size() <= kRecordBytesMax;
  }
  std::string_view record() const { return writer_.record(); }
  std::string_view row_key() const { return row_key_; }
  const WriteId& write_id() const { return head_.write_id; }

 private:
  bool ParseRecord(std::string_view message) {
    WireReader reader(message);
    bool has_time = false;
    bool has_id = false;
    while (reader.Next()) {
      switch (reader.field()) {
        case Request::Record::kKeyFieldNumber:
          if (!reader.is_bytes() || keys_.size() >= selection_.keys.size()) return false;
          if (!ParseValue(reader.bytes(), &keys_.emplace_back())) return false;
          break;
        case Request::Record::kEventTimeUsFieldNumber:
          if (!reader.is_varint() || std::exchange(has_time, true)) return false;
          head_.event_time_us = UnZigZag(reader.number());
          break;
        case Request::Record::kCellsFieldNumber:
          if (!reader.is_bytes() || !ParseCell(reader.bytes())) return false;
          break;
        case Request::Record::kTtlUsFieldNumber:
          if (!reader.is_varint() || head_.ttl_us.has_value()) return false;
          head_.ttl_us = static_cast<int64_t>(reader.number());
          break;
        case Request::Record::kWriteIdFieldNumber:
          if (reader.bytes().size() != head_.write_id.bytes.size()) return false;
          if (std::exchange(has_id, true)) return false;
          std::memcpy(head_.write_id.bytes.data(), reader.bytes().data(), reader.bytes().size());
          break;
        default:  // malformed among them
          return false;
      }
    }
    return reader.ok() && has_time && keys_.size() == selection_.keys.size() && CheckHead() &&
           OrderCells();
  }

  bool CheckHead() const {
    if (head_.event_time_us < kMinTimestamp.us || head_.event_time_us > kMaxTimestamp.us ||
        head_.event_time_us > now_us_ + kMaxFutureUs) {
      return false;
    }
    const std::optional<int64_t>& group_ttl = selection_.group->ttl_us;
    return !head_.ttl_us || (*head_.ttl_us > 0 && *head_.ttl_us <= kTtlMaxUs &&
                             (!group_ttl || *head_.ttl_us <= *group_ttl));
  }

  bool ParseCell(std::string_view message) {
    WireReader reader(message);
    GivenCell& cell = cells_.emplace_back();
    uint64_t place = 0;
    bool has_place = false;
    bool has_value = false;
    while (reader.Next()) {
      if (reader.field() == Request::Cell::kFeatureFieldNumber && reader.is_varint()) {
        if (std::exchange(has_place, true)) return false;
        place = reader.number();
      } else if (reader.field() == Request::Cell::kValueFieldNumber && reader.is_bytes()) {
        if (std::exchange(has_value, true) || !ParseValue(reader.bytes(), &cell.value)) {
          return false;
        }
      } else {
        return false;
      }
    }
    if (!reader.ok() || place >= selection_.features.size()) return false;
    cell.feature = selection_.features[place];
    return true;
  }

  // Ascending by feature; false if one is given twice.
  bool OrderCells() {
    const auto before = [](const GivenCell& a, const GivenCell& b) {
      return a.feature->id < b.feature->id;
    };
    if (!std::is_sorted(cells_.begin(), cells_.end(), before)) {
      std::sort(cells_.begin(), cells_.end(), before);
    }
    return std::adjacent_find(cells_.begin(), cells_.end(),
                              [](const GivenCell& a, const GivenCell& b) {
                                return a.feature == b.feature;
                              }) == cells_.end();
  }

  bool EncodeKey() {
    row_key_ = selection_.key_header;
    for (size_t i = 0; i < selection_.keys.size(); ++i) {
      if (!AppendKey(keys_[selection_.keys[i]], selection_.group->entity.keys[i].type.kind)) {
        return false;
      }
    }
    return row_key_.size() <= kRowKeyHeaderBytes + kEncodedKeyBytesMax;
  }

  bool AppendKey(const GivenValue& value, Kind kind) {
    const bool is_text = value.field == v1::Value::kStringValueFieldNumber;
    const bool is_bytes = value.field == v1::Value::kBytesValueFieldNumber;
    const size_t at = row_key_.size();
    if (kind == Kind::kString || kind == Kind::kBytes) {
      if (kind == Kind::kString ? !is_text || !IsValidUtf8(value.bytes) : !is_bytes) return false;
      if (value.bytes.size() > kEncodedKeyBytesMax) return false;
      row_key_.resize(at + 2 * value.bytes.size() + 2);
      const char* const end = PutTextKey(value.bytes, row_key_.data() + at);
      row_key_.resize(static_cast<size_t>(end - row_key_.data()));
      return true;
    }
    // Timestamps and bools are rare as keys.
    if (value.field != v1::Value::kIntValueFieldNumber) return false;
    const int64_t x = UnZigZag(value.number);
    if (kind != Kind::kInt64 && (kind != Kind::kInt32 || x != static_cast<int32_t>(x))) {
      return false;
    }
    row_key_.resize(at + sizeof(x));
    PutIntKey(x, row_key_.data() + at);
    return true;
  }

  const PutSelection& selection_;
  const int64_t now_us_;
  RecordWriter::Head head_;
  std::vector<GivenValue> keys_;
  std::vector<GivenCell> cells_;
  std::string row_key_;
  RecordWriter writer_;
};

// Which of `names` is each key column of the entity; nullopt unless they are these, each once.
std::optional<std::vector<size_t>> MatchKeys(const Entity& entity,
                                             const std::vector<std::string>& names) {
  if (names.size() != entity.keys.size()) return std::nullopt;
  std::vector<size_t> places;
  for (const KeyColumn& column : entity.keys) {
    const auto at = std::find(names.begin(), names.end(), column.name);
    if (at == names.end()) return std::nullopt;
    places.push_back(static_cast<size_t>(at - names.begin()));
  }
  return places;
}

}  // namespace

bool BytePut::Build(int64_t now_us, std::span<const WriteId> write_ids, const Sink& sink) const {
  Builder builder(*selection, now_us);
  for (size_t i = 0; i < records.size(); ++i) {
    if (!builder.Build(records[i], write_ids[i])) return false;
    sink(builder.record(), builder.row_key(), builder.write_id());
  }
  return true;
}

size_t BytePutPlanner::NamesHash::operator()(std::string_view names) const {
  return XXH3_64bits(names.data(), names.size());
}

std::shared_ptr<const PutSelection> BytePutPlanner::Select(
    const std::shared_ptr<const Definitions>& definitions, std::string_view names) {
  if (definitions != definitions_) {
    selections_.clear();
    definitions_ = definitions;
  }
  if (const auto known = selections_.find(names); known != selections_.end()) return known->second;
  v1::PutRecordsRequest request;  // the names alone are one, too
  if (!request.ParseFromArray(names.data(), static_cast<int>(names.size()))) return nullptr;
  const Result<const FeatureGroup*> group = definitions->ResolveGroup(request.group());
  if (!group.ok() || request.stores() > static_cast<uint32_t>(Stores::kBoth)) return nullptr;
  const auto asked =
      request.stores() == 0 ? std::nullopt : std::optional(static_cast<Stores>(request.stores()));
  const Result<Stores> stores = ResolveStores(**group, asked);
  auto keys = MatchKeys((*group)->entity, {request.key_names().begin(), request.key_names().end()});
  if (!stores.ok() || !keys.has_value()) return nullptr;
  auto selection = std::make_shared<PutSelection>();
  selection->definitions = definitions;
  selection->group = *group;
  selection->stores = *stores;
  selection->key_header = RowKeyHeader((*group)->id);
  selection->keys = std::move(*keys);
  for (const std::string& name : request.feature_names()) {
    const Feature* feature = (*group)->FindFeature(name);
    if (feature == nullptr || (!feature->online && *stores == Stores::kOnline)) return nullptr;
    selection->features.push_back(feature);
  }
  if (selections_.size() >= kSelectionsMax) selections_.clear();
  selections_.emplace(names, selection);
  return selection;
}

std::optional<BytePut> BytePutPlanner::Plan(const std::shared_ptr<const Definitions>& definitions,
                                            std::string_view body) {
  if (body.size() > kRequestBytesMax) return std::nullopt;
  BytePut put;
  std::string_view names;
  WireReader reader(body);
  while (reader.Next()) {
    if (reader.field() != Request::kRecordsFieldNumber) {
      const bool is_name = reader.field() < Request::kRecordsFieldNumber;
      if (!is_name || !put.records.empty()) return std::nullopt;
      names = body.substr(0, body.size() - reader.rest().size());
      continue;
    }
    if (!reader.is_bytes() || put.records.size() >= kRequestRecordsMax) return std::nullopt;
    put.records.push_back(reader.bytes());
  }
  if (!reader.ok() || put.records.empty() || names.size() > kNamesBytesMax) return std::nullopt;
  put.selection = Select(definitions, names);
  if (put.selection == nullptr) return std::nullopt;
  return put;
}

}  // namespace tokura::router
