// SpineTypes: the types that the text columns of a CSV spine get in an output that has types: those
// that are needed have the type needed, the others the narrowest of int64, double and bool that all
// their cells fit. Included by .cc files of offline/ only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/schema.h"
#include "core/status.h"
#include "core/value.h"
#include "offline/training/spine.h"

namespace tokura::offline {

class SpineTypes {
 public:
  // Reads the spine to its end. REQUIRES: spine.is_text().
  static Result<SpineTypes> Infer(Spine& spine, const std::vector<KeyColumn>& needed);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  // REQUIRES: rows of the same spine.
  Result<std::shared_ptr<arrow::RecordBatch>> Convert(const arrow::RecordBatch& rows) const;

 private:
  std::vector<Type> types_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace tokura::offline
