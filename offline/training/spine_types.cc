#include "offline/training/spine_types.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"
#include "offline/records/value_builder.h"
#include "offline/training/spine_keys.h"

namespace tokura::offline {
namespace {

bool IsDecimalInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // "007" is a name, not a number.
  const std::string_view digits = text.starts_with("-") ? text.substr(1) : text;
  return error == std::errc() && end == text.data() + text.size() &&
         (digits.size() == 1 || !digits.starts_with("0"));
}

bool IsDecimalFloat(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() &&
         (IsDecimalInteger(text) || text.find_first_of(".eEnN") != std::string_view::npos);
}

// What the cells of one column fit, so far.
struct Fit {
  bool any = false;
  bool integers = true;
  bool floats = true;
  bool bools = true;

  void See(std::string_view text) {
    any = true;
    integers = integers && IsDecimalInteger(text);
    floats = floats && (integers || IsDecimalFloat(text));
    bools = bools && (text == "true" || text == "false");
  }
  Type type() const {
    if (!any) return {Kind::kString};
    if (integers) return {Kind::kInt64};
    if (floats) return {Kind::kFloat64};
    return {bools ? Kind::kBool : Kind::kString};
  }
};

}  // namespace

Result<SpineTypes> SpineTypes::Infer(Spine& spine, const std::vector<KeyColumn>& needed) {
  const int columns = spine.schema()->num_fields();
  std::vector<Fit> fits(static_cast<size_t>(columns));
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> rows, spine.Next());
    if (rows == nullptr) break;
    for (int c = 0; c < columns; ++c) {
      Fit& fit = fits[static_cast<size_t>(c)];
      const auto& texts = static_cast<const arrow::StringArray&>(*rows->column(c));
      for (int64_t i = 0; i < texts.length(); ++i) {
        if (!texts.IsNull(i)) fit.See(texts.GetView(i));
      }
    }
  }
  SpineTypes types;
  arrow::FieldVector fields;
  for (int c = 0; c < columns; ++c) {
    const std::string& name = spine.schema()->field(c)->name();
    const auto found = std::find_if(needed.begin(), needed.end(),
                                    [&](const KeyColumn& column) { return column.name == name; });
    types.types_.push_back(found == needed.end() ? fits[static_cast<size_t>(c)].type()
                                                 : found->type);
    fields.push_back(arrow::field(name, ArrowTypeOf(types.types_.back(), 0)));
  }
  types.schema_ = arrow::schema(std::move(fields));
  return types;
}

Result<std::shared_ptr<arrow::RecordBatch>> SpineTypes::Convert(
    const arrow::RecordBatch& rows) const {
  arrow::ArrayVector columns;
  for (int c = 0; c < rows.num_columns(); ++c) {
    const Type& type = types_[static_cast<size_t>(c)];
    if (type == Type{Kind::kString}) {
      columns.push_back(rows.column(c));
      continue;
    }
    const auto convert = [&]() -> arrow::Result<std::shared_ptr<arrow::Array>> {
      ARROW_ASSIGN_OR_RAISE(ValueBuilder builder,
                            ValueBuilder::Make(type, schema_->field(c)->type()));
      for (int64_t i = 0; i < rows.num_rows(); ++i) {
        Result<Value> value = SpineCell(*rows.column(c), i, type, true);
        if (!value.ok()) return ToArrow(value.status());
        ARROW_RETURN_NOT_OK(builder.Append(*value));
      }
      return builder.Finish();
    };
    auto column = convert();
    if (!column.ok()) {
      return FromArrow(column.status(), Code::kInternal,
                       "column '" + schema_->field(c)->name() + "'");
    }
    columns.push_back(*std::move(column));
  }
  return arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(columns));
}

}  // namespace tokura::offline
