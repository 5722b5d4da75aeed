#include <array>
#include <charconv>

#include "core/value.h"

namespace tokura {
namespace {

constexpr uint32_t kVectorSizeMax = 65'536;
constexpr size_t kTypeTextMax = 64;  // the longest legal spelling is far shorter

struct KindName {
  Kind kind;
  std::string_view name;
  uint32_t width;  // in the packed row
};
constexpr std::array<KindName, 8> kKinds = {{
    {Kind::kBool, "bool", 1},
    {Kind::kInt32, "int32", 4},
    {Kind::kInt64, "int64", 8},
    {Kind::kFloat32, "float32", 4},
    {Kind::kFloat64, "float64", 8},
    {Kind::kString, "string", 0},
    {Kind::kBytes, "bytes", 0},
    {Kind::kTimestamp, "timestamp", 8},
}};

const KindName& Named(Kind kind) { return kKinds[static_cast<size_t>(kind) - 1]; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool ParseKind(std::string_view text, Kind* kind) {
  for (const KindName& known : kKinds) {
    if (known.name == text) {
      *kind = known.kind;
      return true;
    }
  }
  return false;
}

// "float32, 8" of "vector<float32, 8>".
bool ParseVectorArguments(std::string_view text, Type* type) {
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos) return false;
  if (!ParseKind(Trim(text.substr(0, comma)), &type->kind)) return false;
  if (type->kind != Kind::kFloat32) return false;
  const std::string_view number = Trim(text.substr(comma + 1));
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, type->size);
  return error == std::errc() && stop == end && type->size >= 1 && type->size <= kVectorSizeMax;
}

bool ParseInto(std::string_view text, Type* type) {
  if (ParseKind(text, &type->kind)) return true;
  if (!text.ends_with('>')) return false;
  const size_t open = text.find('<');
  if (open == std::string_view::npos) return false;
  const std::string_view outer = Trim(text.substr(0, open));
  const std::string_view inner = text.substr(open + 1, text.size() - open - 2);
  if (outer == "list") {
    type->shape = Shape::kList;
    return ParseKind(Trim(inner), &type->kind);
  }
  type->shape = Shape::kVector;
  return outer == "vector" && ParseVectorArguments(inner, type);
}

}  // namespace

uint32_t Type::fixed_width() const {
  switch (shape) {
    case Shape::kScalar:
      return Named(kind).width;
    case Shape::kVector:
      return 4 * size;
    case Shape::kList:
      return 0;
  }
  return 0;
}

std::string Type::ToString() const {
  const std::string name(Named(kind).name);
  switch (shape) {
    case Shape::kScalar:
      return name;
    case Shape::kList:
      return "list<" + name + ">";
    case Shape::kVector:
      return "vector<" + name + ", " + std::to_string(size) + ">";
  }
  return name;
}

Result<Type> ParseType(std::string_view text) {
  const std::string_view shown = text.substr(0, kTypeTextMax);
  Type type;
  if (text.size() <= kTypeTextMax && ParseInto(Trim(text), &type)) return type;
  return InvalidArgument("unknown type '" + std::string(shown) +
                         "'; expected bool, int32, int64, float32, float64, string, bytes, "
                         "timestamp, list<one of these> or vector<float32, 1 to 65536>");
}

bool IsWidening(const Type& from, const Type& to) {
  if (!from.is_scalar() || !to.is_scalar()) return false;
  return (from.kind == Kind::kInt32 && to.kind == Kind::kInt64) ||
         (from.kind == Kind::kFloat32 && to.kind == Kind::kFloat64);
}

bool IsKeyType(const Type& type) {
  return type.is_scalar() && type.kind != Kind::kFloat32 && type.kind != Kind::kFloat64;
}

}  // namespace tokura
