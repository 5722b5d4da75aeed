#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "offline/records/arrow_file.h"
#include "offline/training/spine.h"
#include "offline/training/spine_types.h"
#include "offline/training/training_rows.h"

namespace tokura::offline {
namespace {

class SpineRows final : public TrainingRows {
 public:
  SpineRows(std::unique_ptr<Spine> spine, const std::string& name, const SpineNeeds& needs,
            std::optional<SpineTypes> types, RowSelector* selector)
      : name_(name),
        spine_(std::move(spine)),
        keys_(name, needs, spine_->is_text()),
        types_(std::move(types)),
        selector_(selector) {}

  std::shared_ptr<arrow::Schema> schema() const override {
    return types_ ? types_->schema() : spine_->schema();
  }

  Result<std::optional<SpineBatch>> Next() override {
    TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> rows, spine_->Next());
    if (rows == nullptr) return std::optional<SpineBatch>();
    TOKURA_ASSIGN_OR_RETURN(SpineBatch batch, keys_.Encode(rows));
    if (types_) {
      Result<std::shared_ptr<arrow::RecordBatch>> typed = types_->Convert(*rows);
      if (!typed.ok()) return typed.status().WithContext("spine '" + name_ + "'");
      batch.rows = *std::move(typed);
    }
    if (selector_ != nullptr) TOKURA_RETURN_IF_ERROR(selector_->Select(*rows, &batch));
    return std::optional<SpineBatch>(std::move(batch));
  }

 private:
  const std::string name_;
  std::unique_ptr<Spine> spine_;
  SpineKeys keys_;
  std::optional<SpineTypes> types_;
  RowSelector* selector_;
};

}  // namespace

Result<std::unique_ptr<TrainingRows>> OpenSpineRows(runtime::FileSystem& files,
                                                    const std::string& path,
                                                    const std::string& name,
                                                    const SpineNeeds& needs, bool typed,
                                                    RowSelector* selector) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<Spine> spine, Spine::Open(files, path, name));
  TOKURA_RETURN_IF_ERROR(CheckSpineColumns(name, *spine->schema(), spine->is_text(), needs));
  std::optional<SpineTypes> types;
  if (typed && spine->is_text()) {
    TOKURA_ASSIGN_OR_RETURN(types, SpineTypes::Infer(*spine, needs.columns()));
    TOKURA_ASSIGN_OR_RETURN(spine, Spine::Open(files, path, name));
  }
  return std::unique_ptr<TrainingRows>(
      std::make_unique<SpineRows>(std::move(spine), name, needs, std::move(types), selector));
}

}  // namespace tokura::offline
