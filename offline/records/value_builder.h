// ValueBuilder: Values of one Type into an Arrow array. Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <memory>

#include <arrow/array/builder_base.h>
#include <arrow/result.h>

#include "core/value.h"

namespace tokura::offline {

class ValueBuilder {
 public:
  // `arrow_type`: ArrowTypeOf(type, ...).
  static arrow::Result<ValueBuilder> Make(const Type& type,
                                          const std::shared_ptr<arrow::DataType>& arrow_type);

  // Null passes. Invalid, without the value, if it is not a value of the type: it was written under
  // newer definitions.
  arrow::Status Append(const Value& value);
  // Appends nulls until the length is `rows`.
  arrow::Status PadTo(int64_t rows);
  int64_t length() const { return builder_->length(); }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() { return builder_->Finish(); }

 private:
  ValueBuilder(const Type& type, std::unique_ptr<arrow::ArrayBuilder> builder);
  arrow::Status AppendElements(const Value& value);

  Type type_;
  std::unique_ptr<arrow::ArrayBuilder> builder_;
  arrow::ArrayBuilder* scalars_;  // of the elements of a list or vector; else builder_ itself
};

}  // namespace tokura::offline
