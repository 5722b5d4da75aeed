// Packed answers: core values into the arrays of proto.FeatureColumn, one column a feature, never a
// message a value. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/row.h"
#include "core/value.h"
#include "proto/common.pb.h"

namespace tokura::node {

class FeatureColumnBuilder {
 public:
  // Appends to `column`, which is empty and outlives the builder.
  FeatureColumnBuilder(const Type& type, bool want_event_time, v1::FeatureColumn* column);
  void Reserve(size_t rows);
  // `value` counts only for PRESENT.
  void Append(const PackedCell& cell, const Value& value);
  // Appends row `row` of a column of the same type.
  void AppendFrom(const v1::FeatureColumn& source, size_t row);
  // Rough size of what was appended.
  size_t bytes() const { return bytes_; }

 private:
  void AppendRow(ReadStatus status, std::optional<int64_t> event_time_us);
  void AppendScalar(const Value* value);

  const Type type_;
  const bool want_event_time_;
  v1::FeatureColumn* const column_;
  size_t bytes_ = 0;
};

// One value as a message: for scans, whose rows are sparse.
void ToProto(const Value& value, v1::Value* out);

}  // namespace tokura::node
