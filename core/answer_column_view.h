// AnswerColumnView: one column of an answer as another program wrote it (v1.FeatureColumn), looked
// at without making a value of anything: to be passed on as it is, or row by row into
// AnswerColumns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/answer_columns.h"
#include "core/row.h"
#include "core/status.h"
#include "core/value.h"

namespace tokura {

// Borrows the bytes that it was parsed from.
class AnswerColumnView {
 public:
  // INVALID_ARGUMENT unless all parts are there for as many rows, each of its size, and no status
  // is unknown.
  static Result<AnswerColumnView> Parse(std::string_view body);
  // Parses `body` if it is framed as `model` is: the same bytes but for values of fixed width and
  // statuses. False: it is not, or not a column; Parse tells. The columns of an answer are mostly
  // framed alike, and this takes a fraction of Parse.
  bool ParseAs(const AnswerColumnView& model, std::string_view body);

  std::string_view body() const { return body_; }
  const Type& type() const { return type_; }
  size_t rows() const { return rows_; }
  ReadStatus status(size_t row) const { return static_cast<ReadStatus>(statuses_[row]); }
  bool has_has_value() const { return !has_value_.empty(); }

  // Before the two below: finds where each row's parts are.
  void Index();
  int64_t event_time_us(size_t row) const { return event_times_.empty() ? 0 : event_times_[row]; }
  // Copies the value of row `row` to row `to` of a column of the same type.
  void CopyValue(size_t row, AnswerColumns* columns, size_t column, size_t to) const;

 private:
  Status ParseColumn(std::string_view column);
  Status CheckValues() const;
  bool HasKnownStatuses() const;
  bool IsFrame() const;
  std::string_view Text(size_t row) const;

  std::string_view body_;
  Type type_;
  size_t rows_ = 0;
  std::string_view values_;  // the array of the type's storage; of text the ends
  std::string_view data_;    // of text
  std::vector<std::string_view> lists_;
  std::string_view statuses_;
  std::string_view event_time_bytes_;
  std::string_view has_value_;
  bool indexed_ = false;
  std::vector<int64_t> ints_;
  std::vector<uint32_t> ends_;
  std::vector<int64_t> event_times_;
};

}  // namespace tokura
