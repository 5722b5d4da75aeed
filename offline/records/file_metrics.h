// What a manifest says of the columns of a data file: counts of values, nulls and NaNs, and bounds,
// taken from the columns as they are written. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/type_fwd.h>

#include "offline/iceberg/manifest.h"

namespace tokura::offline {

// Takes in the rows of a file, in its order, batch by batch; their fields carry field ids.
// Bounds of strings and bytes are cut to 16 characters or bytes, upper ones to something not less;
// where there is no such thing, and for a column without values, there is no bound.
class FileMetrics {
 public:
  void Add(const arrow::RecordBatch& batch);
  // Fills in the counts and bounds of `file`.
  void Describe(iceberg::FileEntry* file) const;

 private:
  enum class Form : uint8_t { kNone, kBool, kInt32, kInt64, kFloat32, kFloat64, kText, kBinary };
  // Of one column, or of the elements of a list.
  struct Column {
    Form form = Form::kNone;
    int64_t values = 0;
    int64_t nulls = 0;
    int64_t nans = 0;
    // One of these, by form; of values that are neither null nor NaN.
    std::optional<std::pair<int64_t, int64_t>> integers;
    std::optional<std::pair<double, double>> numbers;
    std::optional<std::pair<std::string, std::string>> texts;
  };
  void AddArray(int32_t field_id, const arrow::Array& array);
  static void AddBooleans(const arrow::Array& array, Column* column);
  template <typename Array>
  static void AddIntegers(const arrow::Array& array, Form form, Column* column);
  template <typename Array>
  static void AddNumbers(const arrow::Array& array, Form form, Column* column);
  template <typename Array>
  static void AddTexts(const arrow::Array& array, Form form, Column* column);
  // In Iceberg's form for single values.
  static std::string Encode(Form form, int64_t value);
  static std::string Encode(Form form, double value);
  static size_t BoundBytes(Form form, std::string_view text);  // how much of it a bound has
  static std::optional<std::string> Lower(const Column& column);
  static std::optional<std::string> Upper(const Column& column);

  std::map<int32_t, Column> columns_;
};

}  // namespace tokura::offline
