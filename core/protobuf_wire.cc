#include "core/protobuf_wire.h"

#include "core/bytes.h"

namespace tokura::pbwire {
namespace {

// Of v1.Value and v1.ListValue (proto/common.proto).
constexpr uint32_t kBoolValue = 1;
constexpr uint32_t kIntValue = 2;
constexpr uint32_t kFloatValue = 3;
constexpr uint32_t kStringValue = 4;
constexpr uint32_t kBytesValue = 5;
constexpr uint32_t kTimestampUs = 6;
constexpr uint32_t kListValues = 1;

void AppendVarint(uint64_t v, std::string* out) {
  char buffer[10];
  out->append(buffer, static_cast<size_t>(PutVarint(v, buffer) - buffer));
}

// A scalar's v1.Value has one field: its tag, and for text the length.
void AppendNumber(uint32_t field, uint64_t v, std::string* out) {
  AppendVarint(1 + VarintBytes(v), out);
  AppendVarint(Tag(field, WireType::kVarint), out);
  AppendVarint(v, out);
}

void AppendText(uint32_t field, std::string_view text, std::string* out) {
  AppendVarint(BytesFieldBytes(text.size()), out);
  AppendVarint(Tag(field, WireType::kBytes), out);
  AppendVarint(text.size(), out);
  out->append(text);
}

void AppendScalar(const Value& value, std::string* out) {
  if (const bool* x = value.get_if<bool>()) {
    AppendNumber(kBoolValue, *x ? 1 : 0, out);
  } else if (const auto* x = value.get_if<int64_t>()) {
    AppendNumber(kIntValue, ZigZag(*x), out);
  } else if (const double* x = value.get_if<double>()) {
    AppendVarint(1 + sizeof(double), out);
    AppendVarint(Tag(kFloatValue, WireType::kFixed64), out);
    out->append(reinterpret_cast<const char*>(x), sizeof(double));
  } else if (const auto* x = value.get_if<std::string>()) {
    AppendText(kStringValue, *x, out);
  } else if (const auto* x = value.get_if<Bytes>()) {
    AppendText(kBytesValue, x->data, out);
  } else {
    const auto* timestamp = value.get_if<Timestamp>();
    TOKURA_CHECK(timestamp != nullptr);
    AppendNumber(kTimestampUs, ZigZag(timestamp->us), out);
  }
}

}  // namespace

void AppendBytesField(uint32_t field, std::string_view payload, std::string* out) {
  const size_t at = out->size();
  out->resize(at + BytesFieldBytes(payload.size()));
  PutBytesField(field, payload, out->data() + at);
}

void AppendList(const List& list, std::string* out) {
  for (const Value& element : list) {
    AppendVarint(Tag(kListValues, WireType::kBytes), out);
    AppendScalar(element, out);
  }
}

}  // namespace tokura::pbwire
