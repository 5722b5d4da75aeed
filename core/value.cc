#include "core/value.h"

#include <bit>

namespace tokura {
namespace {

bool SameFloat(double a, double b) {
  if (a != a) return b != b;
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameFloats(const FloatVector& a, const FloatVector& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!SameFloat(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace

bool Value::operator==(const Value& other) const {
  if (v.index() != other.v.index()) return false;
  if (const double* x = get_if<double>()) return SameFloat(*x, other.as<double>());
  if (const FloatVector* x = get_if<FloatVector>()) return SameFloats(*x, other.as<FloatVector>());
  return v == other.v;
}

std::string_view ValueKindName(const Value& value) {
  struct Namer {
    std::string_view operator()(Null) const { return "null"; }
    std::string_view operator()(bool) const { return "bool"; }
    std::string_view operator()(int64_t) const { return "integer"; }
    std::string_view operator()(double) const { return "float"; }
    std::string_view operator()(const std::string&) const { return "string"; }
    std::string_view operator()(const Bytes&) const { return "bytes"; }
    std::string_view operator()(Timestamp) const { return "timestamp"; }
    std::string_view operator()(const FloatVector&) const { return "vector"; }
    std::string_view operator()(const List&) const { return "list"; }
  };
  return std::visit(Namer{}, value.v);
}

}  // namespace tokura
