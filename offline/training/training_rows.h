// TrainingRows: the rows that a training set is made of, before features join them: those of a
// spine, or of the history of an entity. Included by .cc files of offline/ only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "core/status.h"
#include "offline/join/join.h"
#include "offline/training/dataset.h"
#include "offline/training/row_selector.h"
#include "offline/training/spine_keys.h"
#include "runtime/file_system.h"

namespace tokura::offline {

class TrainingRows {
 public:
  virtual ~TrainingRows() = default;
  // Of the batches' rows.
  virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  // nullopt at the end. Errors as Spine's and SpineKeys'.
  virtual Result<std::optional<SpineBatch>> Next() = 0;
};

// The rows of the spine in `path`, which messages call `name`. `typed`: the columns of a CSV spine
// get types; else they stay text. REQUIRES: what it borrows outlives it; `selector` may be null.
Result<std::unique_ptr<TrainingRows>> OpenSpineRows(runtime::FileSystem& files,
                                                    const std::string& path,
                                                    const std::string& name,
                                                    const SpineNeeds& needs, bool typed,
                                                    RowSelector* selector);

// The rows that `inputs.entities` asks for, out of the tables of `groups`, which are of one entity:
// by key and then time. In mode `served` changes of the online store count, else those of the
// offline store. Changes that take more than `memory_bytes` wait in files below `spill_folder`.
Result<std::unique_ptr<TrainingRows>> OpenEntityRows(
    runtime::FileSystem& files, const std::vector<JoinGroup>& groups, const DatasetInputs& inputs,
    uint64_t memory_bytes, const std::string& spill_folder, RowSelector* selector);

}  // namespace tokura::offline
