#include "offline/iceberg/avro_schema.h"

#include <exception>
#include <map>
#include <optional>
#include <utility>

#include <boost/json.hpp>

namespace tokura::offline::iceberg {
namespace {

namespace json = boost::json;

constexpr int kDepthMax = 32;
constexpr size_t kTypesMax = 10'000;
constexpr int64_t kFixedBytesMax = 1 << 16;

const std::map<std::string_view, AvroKind>& Primitives() {
  static const auto* const kPrimitives = new std::map<std::string_view, AvroKind>{
      {"null", AvroKind::kNull},   {"boolean", AvroKind::kBoolean}, {"int", AvroKind::kInt},
      {"long", AvroKind::kLong},   {"float", AvroKind::kFloat},     {"double", AvroKind::kDouble},
      {"bytes", AvroKind::kBytes}, {"string", AvroKind::kString},
  };
  return *kPrimitives;
}

using Types = std::vector<std::unique_ptr<AvroType>>;

// Throws std::exception where the JSON is not what a schema may hold: caught in Parse.
class SchemaReader {
 public:
  explicit SchemaReader(Types* types) : types_(types) {}

  const AvroType* Read(const json::value& value, int depth = 0) {
    if (depth > kDepthMax || types_->size() > kTypesMax) throw std::length_error("too deep");
    if (value.is_string()) return Named(value.get_string());
    if (value.is_array()) {
      AvroType* type = Make(AvroKind::kUnion);
      for (const json::value& choice : value.get_array()) {
        type->choices.push_back(Read(choice, depth + 1));
      }
      return type;
    }
    const json::object& object = value.as_object();
    const json::value& kind = object.at("type");
    if (!kind.is_string()) return Read(kind, depth + 1);
    return ReadComplex(std::string_view(kind.get_string()), object, depth);
  }

 private:
  AvroType* Make(AvroKind kind) {
    types_->push_back(std::make_unique<AvroType>());
    types_->back()->kind = kind;
    return types_->back().get();
  }

  AvroType* MakeNamed(AvroKind kind, const json::object& object) {
    AvroType* type = Make(kind);
    const std::string name(object.at("name").as_string());
    if (const json::value* space = object.if_contains("namespace"); space != nullptr) {
      namespace_ = space->as_string();
    }
    names_[name] = type;
    names_[namespace_ + "." + name] = type;
    return type;
  }

  const AvroType* Named(std::string_view name) {
    if (const auto primitive = Primitives().find(name); primitive != Primitives().end()) {
      return Make(primitive->second);
    }
    return names_.at(std::string(name));
  }

  const AvroType* ReadComplex(std::string_view kind, const json::object& object, int depth) {
    if (kind == "record") {
      const std::string around = namespace_;
      AvroType* type = MakeNamed(AvroKind::kRecord, object);
      for (const json::value& field : object.at("fields").as_array()) {
        type->fields.push_back(ReadField(field.as_object(), depth));
      }
      namespace_ = around;
      return type;
    }
    if (kind == "array" || kind == "map") {
      AvroType* type = Make(kind == "array" ? AvroKind::kArray : AvroKind::kMap);
      type->element = Read(object.at(kind == "array" ? "items" : "values"), depth + 1);
      return type;
    }
    if (kind == "fixed") {
      AvroType* type = MakeNamed(AvroKind::kFixed, object);
      const int64_t bytes = object.at("size").to_number<int64_t>();
      if (bytes < 0 || bytes > kFixedBytesMax) throw std::length_error("size");
      type->fixed_bytes = static_cast<size_t>(bytes);
      return type;
    }
    if (kind == "enum") {
      AvroType* type = MakeNamed(AvroKind::kEnum, object);
      type->symbol_count = object.at("symbols").as_array().size();
      return type;
    }
    return Named(kind);
  }

  AvroType::Field ReadField(const json::object& object, int depth) {
    AvroType::Field field;
    field.name = object.at("name").as_string();
    if (const json::value* id = object.if_contains("field-id"); id != nullptr) {
      field.id = id->to_number<int32_t>();
    }
    field.type = Read(object.at("type"), depth + 1);
    return field;
  }

  Types* types_;
  std::map<std::string, const AvroType*> names_;
  std::string namespace_;  // of the record around
};

}  // namespace

Result<AvroSchema> AvroSchema::Parse(std::string_view text) {
  AvroSchema schema;
  try {
    schema.root_ = SchemaReader(&schema.types_).Read(json::parse(text));
  } catch (const std::exception&) {
    return Corrupt("not an Avro schema");
  }
  return schema;
}

}  // namespace tokura::offline::iceberg
