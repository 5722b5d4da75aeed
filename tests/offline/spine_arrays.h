// Small Arrow arrays and batches out of JSON, for the tests of spines and outputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

namespace tokura::offline::testing {

std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                      const std::string& json);

struct ColumnText {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string json;  // "[1, null]"
};
std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<ColumnText>& columns);

// Its rows as CSV, without a header.
std::string TextsOf(const arrow::RecordBatch& rows);

}  // namespace tokura::offline::testing
