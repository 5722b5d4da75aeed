#include "offline/data_file_schema.h"

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

}  // namespace

std::shared_ptr<arrow::Field> MakeField(const std::string& name,
                                        std::shared_ptr<arrow::DataType> type, bool nullable,
                                        int32_t field_id) {
  return arrow::field(name, std::move(type), nullable,
                      arrow::key_value_metadata({kFieldIdKey}, {std::to_string(field_id)}));
}

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

Result<std::shared_ptr<arrow::Schema>> DataFileSchema(const FeatureGroup& group,
                                                      const std::vector<const Feature*>& features) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < group.entity.keys.size(); ++i) {
    const KeyColumn& key = group.entity.keys[i];
    fields.push_back(MakeField(key.name, ArrowTypeOf(key.type, 0), false,
                               kKeyFieldId + static_cast<int32_t>(i)));
  }
  for (const Feature* feature : features) {
    if (feature->id.value >= static_cast<uint32_t>(kKeyFieldId)) {
      return ResourceExhausted("feature group '" + group.QualifiedName() + "': feature id " +
                               std::to_string(feature->id.value) + " is over the limit of " +
                               std::to_string(kKeyFieldId - 1) + "; make a new version");
    }
    const int32_t id = static_cast<int32_t>(feature->id.value);
    // A feature made again under the name of a dropped one is another column.
    const std::string name =
        feature->dropped ? "_dropped_" + std::to_string(id) + "_" + feature->name : feature->name;
    fields.push_back(MakeField(name, ArrowTypeOf(feature->type, kElementFieldId + id), true, id));
  }
  const Type timestamp{Kind::kTimestamp};
  const auto add = [&](const char* name, std::shared_ptr<arrow::DataType> type, bool nullable,
                       SystemColumn column) {
    fields.push_back(MakeField(name, std::move(type), nullable, kSystemFieldId + column));
  };
  add("event_time", ArrowTypeOf(timestamp, 0), false, kEventTime);
  add("write_time", ArrowTypeOf(timestamp, 0), false, kWriteTime);
  add("is_deleted", arrow::boolean(), false, kIsDeleted);
  add("_written",
      ArrowTypeOf({Kind::kInt32, Shape::kList}, kElementFieldId + kSystemFieldId + kWritten), true,
      kWritten);
  add("_record_ttl", arrow::int64(), true, kRecordTtl);
  add("_write_id", arrow::fixed_size_binary(16), false, kWriteIdColumn);
  add("_stores", arrow::int32(), false, kStoresColumn);
  add("_late", arrow::boolean(), false, kLate);
  add("_origin", arrow::utf8(), false, kOrigin);
  add("_seq", arrow::int64(), false, kSeq);
  return arrow::schema(std::move(fields));
}

}  // namespace tokura::offline
