#include "offline/records/data_file_schema.h"

#include <string>
#include <utility>

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

namespace tokura::offline {
namespace {

constexpr char kFieldIdKey[] = "PARQUET:field_id";

std::shared_ptr<arrow::DataType> ScalarArrowType(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return arrow::boolean();
    case Kind::kInt32:
      return arrow::int32();
    case Kind::kInt64:
      return arrow::int64();
    case Kind::kFloat32:
      return arrow::float32();
    case Kind::kFloat64:
      return arrow::float64();
    case Kind::kString:
      return arrow::utf8();
    case Kind::kBytes:
      return arrow::binary();
    case Kind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  }
  return arrow::null();
}

std::shared_ptr<arrow::Field> MakeField(const std::string& name,
                                        std::shared_ptr<arrow::DataType> type, bool nullable,
                                        int32_t field_id) {
  return arrow::field(name, std::move(type), nullable,
                      arrow::key_value_metadata({kFieldIdKey}, {std::to_string(field_id)}));
}

}  // namespace

int32_t FieldIdOf(const arrow::Field& field) {
  if (field.metadata() == nullptr) return 0;
  arrow::Result<std::string> text = field.metadata()->Get(kFieldIdKey);
  if (!text.ok() || text->empty() || text->size() > 9 ||
      text->find_first_not_of("0123456789") != std::string::npos) {
    return 0;
  }
  return std::stoi(*text);
}

std::shared_ptr<arrow::DataType> ArrowTypeOf(const Type& type, int32_t element_field_id) {
  std::shared_ptr<arrow::DataType> scalar = ScalarArrowType(type.kind);
  if (type.is_scalar()) return scalar;
  return arrow::list(MakeField("element", std::move(scalar), false, element_field_id));
}

std::shared_ptr<arrow::Schema> DataFileSchema(const std::vector<TableColumn>& columns) {
  arrow::FieldVector fields;
  for (const TableColumn& column : columns) {
    std::shared_ptr<arrow::DataType> type =
        column.fixed_bytes > 0 ? arrow::fixed_size_binary(static_cast<int32_t>(column.fixed_bytes))
                               : ArrowTypeOf(column.type, column.element_field_id());
    fields.push_back(MakeField(column.name, std::move(type), column.nullable, column.field_id));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace tokura::offline
