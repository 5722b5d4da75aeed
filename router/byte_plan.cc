#include "router/byte_plan.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>

#include "client/wire.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "core/protobuf_wire.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "router/key_columns.h"
#include "router/plan.h"

namespace tokura::router {
namespace {

using catalog::Definitions;
using pbwire::WireReader;

constexpr size_t kSelectionsMax = 1'024;
constexpr size_t kNamesBytesMax = 64 << 10;  // of a selection that is worth remembering

// One key column of the request: an array of one kind.
struct GivenKeys {
  std::string_view name;
  std::optional<Kind> kind;
  size_t rows = 0;
  std::string_view bools;
  std::string_view ints;  // packed, as the two below
  std::string_view ends;
  std::string_view data;
};

// The parts of the request; names are looked up as the bytes they are.
struct GivenRequest {
  std::string_view names;  // the fields `service` and `features`, which come first
  std::vector<GivenKeys> keys;
  std::optional<int64_t> max_staleness_us;
  bool want_event_time = false;
};

bool ParseKeyType(std::string_view message, std::optional<Kind>* kind) {
  WireReader reader(message);
  while (reader.Next()) {
    const bool scalar_kind = reader.field() == v1::Type::kKindFieldNumber && reader.is_varint() &&
                             reader.number() >= 1 &&
                             reader.number() <= static_cast<uint64_t>(Kind::kTimestamp);
    if (!scalar_kind || kind->has_value()) return false;
    *kind = static_cast<Kind>(reader.number());
  }
  return reader.ok();
}

// Sets `field` once; false if it has bytes already.
bool SetOnce(std::string_view bytes, std::string_view* field) {
  if (field->data() != nullptr) return false;
  *field = bytes;
  return true;
}

bool ParseKeyValues(std::string_view message, GivenKeys* keys) {
  WireReader reader(message);
  while (reader.Next()) {
    bool plain = reader.is_bytes();
    switch (reader.field()) {
      case v1::Column::kTypeFieldNumber:
        plain = plain && ParseKeyType(reader.bytes(), &keys->kind);
        break;
      case v1::Column::kRowsFieldNumber:
        plain = reader.is_varint() && keys->rows == 0;
        keys->rows = reader.number();
        break;
      case v1::Column::kBoolsFieldNumber:
        plain = plain && SetOnce(reader.bytes(), &keys->bools);
        break;
      case v1::Column::kIntsFieldNumber:
        plain = plain && SetOnce(reader.bytes(), &keys->ints);
        break;
      case v1::Column::kEndsFieldNumber:
        plain = plain && SetOnce(reader.bytes(), &keys->ends);
        break;
      case v1::Column::kDataFieldNumber:
        plain = plain && SetOnce(reader.bytes(), &keys->data);
        break;
      default:
        plain = false;
    }
    if (!plain) return false;
  }
  return reader.ok() && keys->kind.has_value() && keys->rows > 0 && keys->rows <= kRequestKeysMax;
}

bool ParseKeyColumn(std::string_view message, GivenKeys* keys) {
  WireReader reader(message);
  bool has_values = false;
  while (reader.Next()) {
    if (reader.field() == v1::KeyColumn::kNameFieldNumber && reader.is_bytes()) {
      if (!SetOnce(reader.bytes(), &keys->name)) return false;
    } else if (reader.field() == v1::KeyColumn::kValuesFieldNumber && reader.is_bytes()) {
      if (has_values || !ParseKeyValues(reader.bytes(), keys)) return false;
      has_values = true;
    } else {
      return false;
    }
  }
  return reader.ok() && has_values;
}

// False unless every field is one of the plain case.
bool ParseRequest(std::string_view body, GivenRequest* request) {
  using Request = v1::GetFeaturesRequest;
  WireReader reader(body);
  bool names_ended = false;
  while (reader.Next()) {
    switch (reader.field()) {
      case Request::kServiceFieldNumber:
      case Request::kFeaturesFieldNumber:
        if (names_ended || !reader.is_bytes()) return false;
        request->names = body.substr(0, body.size() - reader.rest().size());
        continue;
      case Request::kKeysFieldNumber:
        if (!reader.is_bytes() || request->keys.size() >= 32) return false;
        if (!ParseKeyColumn(reader.bytes(), &request->keys.emplace_back())) return false;
        break;
      case Request::kMaxStalenessUsFieldNumber:
        if (!reader.is_varint() || static_cast<int64_t>(reader.number()) <= 0) return false;
        request->max_staleness_us = static_cast<int64_t>(reader.number());
        break;
      case Request::kWantEventTimeFieldNumber:
        if (!reader.is_varint()) return false;
        request->want_event_time = reader.number() != 0;
        break;
      case Request::kJsonSyntaxFieldNumber:
        if (!reader.is_varint() || reader.number() != 0) return false;
        break;
      default:  // tokens among them: they are rare and have to be joined
        return false;
    }
    names_ended = true;
  }
  return reader.ok() && !request->names.empty() && request->names.size() <= kNamesBytesMax;
}

// One key column, cut into its values.
struct KeyValues {
  Kind kind = Kind::kString;
  std::vector<int64_t> ints;
  std::vector<uint32_t> ends;
  std::string_view data;
  size_t encoded_max = 0;  // bytes of all values as keys, at most

  std::string_view text(size_t row) const {
    const uint32_t begin = row == 0 ? 0 : ends[row - 1];
    return data.substr(begin, ends[row] - begin);
  }
};

bool TakeInts(const GivenKeys& given, std::vector<int64_t>* ints) {
  std::string_view rest = given.ints;
  ints->reserve(given.rows);
  uint64_t number = 0;
  while (ints->size() < given.rows && pbwire::TakeVarint(&rest, &number)) {
    ints->push_back(static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1));
  }
  return rest.empty() && ints->size() == given.rows;
}

bool TakeEnds(const GivenKeys& given, std::vector<uint32_t>* ends) {
  std::string_view rest = given.ends;
  ends->reserve(given.rows);
  uint64_t end = 0;
  uint64_t previous = 0;
  while (ends->size() < given.rows && pbwire::TakeVarint(&rest, &end)) {
    if (end < previous || end > given.data.size()) return false;
    ends->push_back(static_cast<uint32_t>(end));
    previous = end;
  }
  return rest.empty() && ends->size() == given.rows && previous == given.data.size();
}

bool IsAscii(std::string_view text) {
  uint8_t any = 0;
  for (const char c : text) any |= static_cast<uint8_t>(c);
  return any < 0x80;
}

// False unless the given values are values of `type` as they are.
bool CutKeys(const GivenKeys& given, const Type& type, KeyValues* keys) {
  if (!type.is_scalar()) return false;
  keys->kind = type.kind;
  keys->encoded_max = 8 * given.rows;
  const bool only_text = given.bools.empty() && given.ints.empty();
  const bool only_ints = given.bools.empty() && given.ends.empty() && given.data.empty();
  switch (type.kind) {
    case Kind::kString:
    case Kind::kBytes:
      // Text that is not ASCII is checked value by value, elsewhere.
      if (given.kind != type.kind || !only_text || !TakeEnds(given, &keys->ends)) return false;
      if (type.kind == Kind::kString && !IsAscii(given.data)) return false;
      keys->data = given.data;
      keys->encoded_max = 2 * (given.data.size() + given.rows);
      return true;
    case Kind::kInt32:
    case Kind::kInt64: {
      if (given.kind != Kind::kInt64 || !only_ints || !TakeInts(given, &keys->ints)) return false;
      if (type.kind == Kind::kInt64) return true;
      return std::all_of(keys->ints.begin(), keys->ints.end(),
                         [](int64_t x) { return x == static_cast<int32_t>(x); });
    }
    default:  // timestamps and bools are rare as keys
      return false;
  }
}

// The keys of one group for one owner, as they are sent.
struct KeyList {
  std::string bytes;
  std::vector<uint32_t> ends;
  std::string_view key(size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
};

// Finds equal keys. Open addressing; a slot holds where the key is.
class KeySet {
 public:
  explicit KeySet(size_t keys) : slots_(std::bit_ceil(2 * keys)) {}
  // The place of an equal key, or null: then `place` stands for `key` from here on.
  const BytePlan::Place* FindOrAdd(std::string_view key, const std::vector<KeyList>& lists,
                                   BytePlan::Place place) {
    const size_t mask = slots_.size() - 1;
    for (size_t at = XXH3_64bits(key.data(), key.size()) & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (!slot.used) {
        slot = {place, true};
        return nullptr;
      }
      if (lists[slot.place.request].key(slot.place.index) == key) return &slot.place;
    }
  }

 private:
  struct Slot {
    BytePlan::Place place;
    bool used = false;
  };
  std::vector<Slot> slots_;
};

// Encodes the keys of one group and deals them out to owners: lists[owner]. Places speak of owners
// until requests are numbered. False if a key is too long.
bool DealKeys(const Selection::Group& group, const std::vector<KeyValues>& columns, size_t rows,
              const ShardMap& shards, std::vector<KeyList>* lists, BytePlan::Group* planned) {
  size_t bytes_max = kRowKeyHeaderBytes * rows;
  for (const KeyValues& column : columns) bytes_max += column.encoded_max;
  // With one owner keys are written in their place; with more they are copied there.
  std::string room(bytes_max, '\0');
  char* out = room.data();
  KeySet seen(rows);
  planned->rows.reserve(rows);
  planned->in_order = true;
  for (KeyList& list : *lists) list.ends.reserve(rows);
  for (size_t row = 0; row < rows; ++row) {
    char* const begin = out;
    out = pbwire::PutRaw(group.key_header, out);
    for (const KeyValues& column : columns) {
      out = column.ends.empty() ? PutIntKey(column.ints[row], out)
                                : PutTextKey(column.text(row), out);
    }
    const std::string_view key(begin, static_cast<size_t>(out - begin));
    out = begin;  // a key that was seen is overwritten
    if (key.size() - kRowKeyHeaderBytes > kEncodedKeyBytesMax) return false;
    uint32_t owner = 0;
    if (lists->size() > 1) {
      const Result<ShardId> shard = ShardOfRowKey(key, group.group->entity);
      if (!shard.ok()) return false;
      owner = static_cast<uint32_t>(shards.OwnerOf(*shard));
    }
    KeyList& list = (*lists)[owner];
    const BytePlan::Place place{owner, static_cast<uint32_t>(list.ends.size())};
    const BytePlan::Place* const known = seen.FindOrAdd(key, *lists, place);
    planned->rows.push_back(known != nullptr ? *known : place);
    planned->in_order = planned->in_order && known == nullptr && place.index == row;
    if (known != nullptr) continue;
    list.bytes.append(key);
    list.ends.push_back(static_cast<uint32_t>(list.bytes.size()));
  }
  return true;
}

size_t PackedBytes(const std::vector<uint32_t>& numbers) {
  size_t bytes = 0;
  for (const uint32_t x : numbers) bytes += pbwire::VarintBytes(x);
  return bytes;
}

// Appends one NodeReadRequest.reads.
void AppendRead(const Selection::Group& group, const KeyList& keys, std::string* out) {
  using Read = v1::NodeReadRequest::GroupRead;
  const size_t ends_bytes = PackedBytes(keys.ends);
  const size_t bytes = group.group_field.size() + pbwire::BytesFieldBytes(ends_bytes) +
                       pbwire::BytesFieldBytes(keys.bytes.size());
  const size_t at = out->size();
  out->resize(at + pbwire::BytesFieldBytes(bytes));
  char* p = pbwire::PutBytesHeader(v1::NodeReadRequest::kReadsFieldNumber, bytes, out->data() + at);
  p = pbwire::PutRaw(group.group_field, p);
  p = pbwire::PutBytesHeader(Read::kKeyEndsFieldNumber, ends_bytes, p);
  for (const uint32_t end : keys.ends) p = pbwire::PutVarint(end, p);
  p = pbwire::PutBytesField(Read::kKeysFieldNumber, keys.bytes, p);
  TOKURA_CHECK(p == out->data() + out->size());
}

void AppendOptions(const GivenRequest& given, std::string* out) {
  std::array<char, 24> room;
  char* p = room.data();
  if (given.max_staleness_us) {
    p = pbwire::PutVarintField(v1::NodeReadRequest::kMaxStalenessUsFieldNumber,
                               static_cast<uint64_t>(*given.max_staleness_us), p);
  }
  if (given.want_event_time) {
    p = pbwire::PutVarintField(v1::NodeReadRequest::kWantEventTimeFieldNumber, 1, p);
  }
  out->append(room.data(), static_cast<size_t>(p - room.data()));
}

// Makes a request of what each owner got of each group: lists[group][owner].
void MakeRequests(const GivenRequest& given, const std::vector<std::vector<KeyList>>& lists,
                  size_t owners, BytePlan* plan) {
  std::vector<uint32_t> request_of(owners, BytePlan::kNone);
  for (size_t g = 0; g < lists.size(); ++g) {
    for (size_t owner = 0; owner < owners; ++owner) {
      if (lists[g][owner].ends.empty()) continue;
      if (request_of[owner] == BytePlan::kNone) {
        request_of[owner] = static_cast<uint32_t>(plan->requests.size());
        plan->requests.emplace_back().owner = owner;
      }
      BytePlan::Request& request = plan->requests[request_of[owner]];
      AppendRead(plan->selection->groups[g], lists[g][owner], &request.body);
      plan->groups[g].reads.resize(owners, BytePlan::kNone);
      plan->groups[g].reads[request_of[owner]] = static_cast<uint32_t>(request.reads.size());
      request.reads.emplace_back(g, lists[g][owner].ends.size());
    }
  }
  for (BytePlan::Request& request : plan->requests) AppendOptions(given, &request.body);
  for (BytePlan::Group& group : plan->groups) {
    for (BytePlan::Place& place : group.rows) place.request = request_of[place.request];
  }
}

// The columns in the order of the selection's names; false unless these are the names given, each
// once, and all as long.
bool MatchKeys(const Selection& selection, const std::vector<GivenKeys>& given,
               std::vector<const GivenKeys*>* matched) {
  if (given.size() != selection.key_names.size()) return false;
  for (const std::string& name : selection.key_names) {
    const auto at = std::find_if(given.begin(), given.end(),
                                 [&](const GivenKeys& keys) { return keys.name == name; });
    if (at == given.end() || at->rows != given.front().rows) return false;
    matched->push_back(&*at);
  }
  return true;
}

std::string GroupField(const FeatureGroup& group, const std::vector<FeatureId>& features) {
  v1::NodeReadRequest::GroupRead read;
  read.set_group(group.id.value);
  for (const FeatureId feature : features) read.add_features(feature.value);
  return read.SerializeAsString();
}

std::shared_ptr<const Selection> MakeSelection(
    const std::shared_ptr<const Definitions>& definitions,
    const std::vector<catalog::ResolvedFeature>& features) {
  auto selection = std::make_shared<Selection>();
  selection->definitions = definitions;
  std::vector<std::vector<FeatureId>> ids;
  for (const FeatureGroup* group : GroupsOf(features)) {
    Selection::Group& out = selection->groups.emplace_back();
    out.group = group;
    out.key_header = RowKeyHeader(group->id);
    for (const KeyColumn& key : group->entity.keys) {
      auto& names = selection->key_names;
      const auto at = std::find(names.begin(), names.end(), key.name);
      out.keys.push_back({static_cast<size_t>(at - names.begin()), key.type});
      if (at == names.end()) names.push_back(key.name);
    }
    ids.emplace_back();
  }
  for (const catalog::ResolvedFeature& feature : features) {
    size_t g = 0;
    while (selection->groups[g].group != feature.group) ++g;
    const auto at = std::find(ids[g].begin(), ids[g].end(), feature.feature->id);
    selection->columns.push_back(
        {g, static_cast<size_t>(at - ids[g].begin()), feature.feature, feature.QualifiedName()});
    if (at == ids[g].end()) ids[g].push_back(feature.feature->id);
  }
  for (size_t g = 0; g < ids.size(); ++g) {
    selection->groups[g].group_field = GroupField(*selection->groups[g].group, ids[g]);
  }
  return selection;
}

}  // namespace

size_t BytePlanner::NamesHash::operator()(std::string_view names) const {
  return XXH3_64bits(names.data(), names.size());
}

std::shared_ptr<const Selection> BytePlanner::Select(
    const std::shared_ptr<const Definitions>& definitions, std::string_view names) {
  if (definitions != definitions_) {
    selections_.clear();
    definitions_ = definitions;
  }
  if (const auto known = selections_.find(names); known != selections_.end()) return known->second;
  // The names alone are a request too.
  const Result<client::GetFeaturesRequest> request =
      client::wire::Decode<client::GetFeaturesRequest>(names);
  if (!request.ok()) return nullptr;
  const auto features = ResolveRequested(*definitions, *request);
  if (!features.ok()) return nullptr;
  if (selections_.size() >= kSelectionsMax) selections_.clear();
  auto selection = MakeSelection(definitions, *features);
  selections_.emplace(names, selection);
  return selection;
}

std::optional<BytePlan> BytePlanner::Plan(const std::shared_ptr<const Definitions>& definitions,
                                          std::string_view body, const ShardMap& shards) {
  GivenRequest given;
  if (!ParseRequest(body, &given) || given.keys.empty()) return std::nullopt;
  BytePlan plan;
  plan.selection = Select(definitions, given.names);
  if (plan.selection == nullptr) return std::nullopt;
  std::vector<const GivenKeys*> named;
  if (!MatchKeys(*plan.selection, given.keys, &named)) return std::nullopt;
  plan.rows = given.keys.front().rows;
  plan.want_event_time = given.want_event_time;
  plan.groups.resize(plan.selection->groups.size());
  std::vector<std::vector<KeyList>> lists(plan.groups.size());
  for (size_t g = 0; g < plan.groups.size(); ++g) {
    const Selection::Group& group = plan.selection->groups[g];
    std::vector<KeyValues> columns(group.keys.size());
    for (size_t k = 0; k < columns.size(); ++k) {
      if (!CutKeys(*named[group.keys[k].name], group.keys[k].type, &columns[k])) {
        return std::nullopt;
      }
    }
    lists[g].resize(shards.nodes());
    if (!DealKeys(group, columns, plan.rows, shards, &lists[g], &plan.groups[g])) {
      return std::nullopt;
    }
  }
  MakeRequests(given, lists, shards.nodes(), &plan);
  return plan;
}

}  // namespace tokura::router
