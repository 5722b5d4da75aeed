// AvroSchema: the schema of an Avro file (Apache Avro 1.11 specification), with the field ids that
// Iceberg adds to it, by which columns are known whatever their names and places.
//
//   Result<AvroSchema> schema =
//   AvroSchema::Parse(R"({"type":"record","name":"r","fields":[...]})");
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura::offline::iceberg {

enum class AvroKind : uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kFixed,
  kEnum,
  kRecord,
  kArray,
  kMap,
  kUnion,
};

struct AvroType {
  struct Field {
    std::string name;
    int32_t id = kNoId;  // "field-id"
    const AvroType* type = nullptr;
  };
  static constexpr int32_t kNoId = -1;

  AvroKind kind = AvroKind::kNull;
  size_t fixed_bytes = 0;
  size_t symbol_count = 0;               // of an enum
  std::vector<Field> fields;             // of a record
  const AvroType* element = nullptr;     // of an array; of the values of a map
  std::vector<const AvroType*> choices;  // of a union
};

// Owns its types; what points into it lives as long. May be moved.
class AvroSchema {
 public:
  // CORRUPT if it is none, or nested beyond reason. A type may be named before it is used, also
  // inside itself.
  static Result<AvroSchema> Parse(std::string_view json);

  const AvroType& root() const { return *root_; }

 private:
  AvroSchema() = default;

  std::vector<std::unique_ptr<AvroType>> types_;
  const AvroType* root_ = nullptr;
};

}  // namespace tokura::offline::iceberg
