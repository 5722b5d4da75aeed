#include "offline/user_files/cell_text.h"

#include <charconv>
#include <cmath>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

#include "core/value.h"
#include "offline/user_files/csv.h"
#include "offline/user_files/row_file_arrow.h"

namespace tokura::offline {
namespace {

// A float's own digits, not those of the double that it widens to.
std::string FloatText(double x, bool narrow) {
  if (std::isnan(x)) return "NaN";
  if (std::isinf(x)) return x > 0 ? "Infinity" : "-Infinity";
  char text[40];
  const auto end = narrow ? std::to_chars(text, text + sizeof text, static_cast<float>(x)).ptr
                          : std::to_chars(text, text + sizeof text, x).ptr;
  return std::string(text, end);
}

std::string JsonText(const Value& value, bool narrow) {
  if (value.is_null()) return "null";
  if (const auto* x = value.get_if<bool>()) return *x ? "true" : "false";
  if (const auto* x = value.get_if<int64_t>()) return std::to_string(*x);
  if (const auto* x = value.get_if<double>()) {
    const std::string text = FloatText(*x, narrow);
    return std::isfinite(*x) ? text : "\"" + text + "\"";
  }
  if (const auto* x = value.get_if<Timestamp>()) return "\"" + FormatTimestamp(*x) + "\"";
  if (const auto* x = value.get_if<Bytes>()) return "\"" + Base64Encode(x->data) + "\"";
  if (const auto* x = value.get_if<std::string>()) return boost::json::serialize(*x);
  std::string out = "[";
  if (const auto* list = value.get_if<List>()) {
    for (const Value& element : *list) {
      if (out.size() > 1) out += ",";
      out += JsonText(element, narrow);
    }
  }
  return out + "]";
}

}  // namespace

std::string CsvCellOf(const arrow::Array& array, int64_t i) {
  if (array.IsNull(i)) return "";
  const arrow::DataType& type = *array.type();
  if (type.id() == arrow::Type::STRING) {
    return CsvCellText(static_cast<const arrow::StringArray&>(array).GetView(i));
  }
  Result<Value> cell = Value();
  if (IsReadableCell(type) && type.id() != arrow::Type::UINT64) cell = CellAt(array, i);
  if (!cell.ok() || cell->is_null()) {
    const auto scalar = array.GetScalar(i);
    return scalar.ok() ? CsvCellText((*scalar)->ToString()) : "";
  }
  if (const auto* x = cell->get_if<std::string>()) return CsvCellText(*x);
  if (const auto* x = cell->get_if<double>()) return FloatText(*x, type.id() == arrow::Type::FLOAT);
  if (const auto* x = cell->get_if<Timestamp>()) return FormatTimestamp(*x);
  if (const auto* x = cell->get_if<Bytes>()) return CsvCellText(Base64Encode(x->data));
  const bool narrow = type.num_fields() == 1 && type.field(0)->type()->id() == arrow::Type::FLOAT;
  const std::string text = JsonText(*cell, narrow);
  return cell->get_if<List>() != nullptr ? CsvCellText(text) : text;
}

}  // namespace tokura::offline
