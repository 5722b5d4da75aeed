// Text of any bytes as a type, time, duration, base64 or scalar: what is accepted prints to text
// that is read as the same, and is a value that Coerce takes as it is.
#include "core/value.h"

namespace tokura {
namespace {

void CheckText(std::string_view text) {
  if (const auto t = ParseTimestamp(text); t.ok()) {
    TOKURA_CHECK(*t >= kMinTimestamp && *t <= kMaxTimestamp);
    TOKURA_CHECK(*ParseTimestamp(FormatTimestamp(*t)) == *t);
  }
  if (const auto us = ParseDuration(text); us.ok()) {
    TOKURA_CHECK(*us > 0 && *ParseDuration(FormatDuration(*us)) == *us);
  }
  if (const auto bytes = Base64Decode(text); bytes.ok()) {
    TOKURA_CHECK(Base64Encode(*bytes) == text);
  }
  if (const auto type = ParseType(text); type.ok()) {
    TOKURA_CHECK(*ParseType(type->ToString()) == *type);
  }
}

void CheckScalar(std::string_view text, Kind kind) {
  const Type type{kind, Shape::kScalar, 0};
  Value given(text);
  const Result<Value> json = Coerce(given, type, Syntax::kJson);
  if (json.ok()) {
    TOKURA_CHECK(*Coerce(*json, type, Syntax::kNative) == *json);
  }
  const Result<Value> parsed = ParseScalar(text, type);
  if (parsed.ok()) {
    TOKURA_CHECK(*Coerce(*parsed, type, Syntax::kNative) == *parsed);
  }
}

}  // namespace
}  // namespace tokura

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckText(text);
  for (int kind = 1; kind <= 8; ++kind) CheckScalar(text, static_cast<Kind>(kind));
  return 0;
}
