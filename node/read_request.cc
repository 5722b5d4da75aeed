#include "node/read_request.h"

#include <string>

#include "core/protobuf_wire.h"
#include "proto/node.pb.h"

namespace tokura::node {
namespace {

using pbwire::WireReader;
using Message = v1::NodeReadRequest;

// A repeated number comes packed, or one by one. False if the packed ones are malformed.
bool TakeNumbers(const WireReader& reader, std::vector<uint32_t>* numbers) {
  if (reader.is_varint()) numbers->push_back(static_cast<uint32_t>(reader.number()));
  if (!reader.is_bytes()) return true;
  std::string_view rest = reader.bytes();
  numbers->reserve(numbers->size() + rest.size());
  uint64_t number = 0;
  while (!rest.empty()) {
    if (!pbwire::TakeVarint(&rest, &number)) return false;
    numbers->push_back(static_cast<uint32_t>(number));
  }
  return true;
}

bool TakeGroupRead(std::string_view message, ReadRequest::GroupRead* read) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case Message::GroupRead::kGroupFieldNumber:
        if (reader.is_varint()) read->group = static_cast<uint32_t>(reader.number());
        break;
      case Message::GroupRead::kFeaturesFieldNumber:
        if (!TakeNumbers(reader, &read->features)) return false;
        break;
      case Message::GroupRead::kKeyEndsFieldNumber:
        if (!TakeNumbers(reader, &read->key_ends)) return false;
        break;
      case Message::GroupRead::kKeysFieldNumber:
        if (reader.is_bytes()) read->keys = reader.bytes();
        break;
      default:
        break;
    }
  }
  return reader.ok();
}

}  // namespace

Result<ReadRequest> ParseReadRequest(std::string_view body) {
  ReadRequest request;
  WireReader reader(body);
  bool ok = true;
  while (ok && reader.Next()) {
    switch (reader.field()) {
      case Message::kReadsFieldNumber:
        ok = !reader.is_bytes() || TakeGroupRead(reader.bytes(), &request.reads.emplace_back());
        break;
      case Message::kMaxStalenessUsFieldNumber:
        if (reader.is_varint()) request.max_staleness_us = static_cast<int64_t>(reader.number());
        break;
      case Message::kWantEventTimeFieldNumber:
        if (reader.is_varint()) request.want_event_time = reader.number() != 0;
        break;
      case Message::kTokenFieldNumber:
        if (reader.is_bytes()) request.token = reader.bytes();
        break;
      default:
        break;
    }
  }
  if (ok && reader.ok()) return request;
  return InvalidArgument("the request's body is not a " + std::string(Message().GetTypeName()));
}

}  // namespace tokura::node
