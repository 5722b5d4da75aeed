#include "tests/offline/spine_arrays.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include "offline/user_files/cell_text.h"

namespace tokura::offline::testing {

std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                      const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<ColumnText>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const ColumnText& column : columns) {
    fields.push_back(arrow::field(column.name, column.type));
    arrays.push_back(ArrayOf(column.type, column.json));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), arrays.front()->length(), arrays);
}

std::string TextsOf(const arrow::RecordBatch& rows) {
  std::string text;
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    for (int c = 0; c < rows.num_columns(); ++c) {
      if (c > 0) text += ",";
      text += CsvCellOf(*rows.column(c), i);
    }
    text += "\n";
  }
  return text;
}

}  // namespace tokura::offline::testing
