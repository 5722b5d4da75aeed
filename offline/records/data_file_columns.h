// DataFileColumns: records in canonical bytes, one after the other, as the columns of a data file
// (docs/formats/data_file.md). Included by .cc files of offline/ only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/record_view.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/records/placed_record.h"

namespace tokura::offline {

class DataFileColumns {
 public:
  // `schema`: DataFileSchema of `features`. What the group and the features lie in outlives this.
  static Result<std::unique_ptr<DataFileColumns>> Make(
      const FeatureGroup& group, const std::vector<const Feature*>& features,
      const std::shared_ptr<arrow::Schema>& schema);
  virtual ~DataFileColumns() = default;

  // `body`: canonical bytes of one record, a whole row of all columns. FAILED_PRECONDITION: it is
  // not of these definitions, or both writes and deletes; CORRUPT: malformed. After an error the
  // columns are of no use. REQUIRES: not full.
  virtual Status Append(std::string_view body, const RecordPlace& place) = 0;
  virtual bool full() const = 0;
  // The rows since the last Flush.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Flush() = 0;
};

}  // namespace tokura::offline
