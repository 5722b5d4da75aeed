#include "offline/join/spine_store.h"

#include <utility>

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include "offline/records/arrow_file.h"

namespace tokura::offline {
namespace {

constexpr int64_t kSpillRows = 16 << 10;  // of one batch of the spill file, at most

// The times follow the spine's own columns.
arrow::Result<std::shared_ptr<arrow::Schema>> SpillSchema(const arrow::Schema& rows) {
  return rows.AddField(rows.num_fields(), arrow::field("time", arrow::int64()));
}

}  // namespace

Status SpineStore::Add(Batch batch) {
  rows_ += static_cast<uint64_t>(batch.rows->num_rows());
  schema_ = batch.rows->schema();
  bytes_ += static_cast<uint64_t>(arrow::util::ReferencedBufferSize(*batch.rows).ValueOr(0));
  batches_.push_back(std::move(batch));
  const bool over = bytes_ > memory_bytes_ && !path_.empty();
  return over || writer_ != nullptr ? Spill() : OkStatus();
}

Status SpineStore::Spill() {
  const auto schema = SpillSchema(*schema_);
  TOKURA_RETURN_IF_ERROR(FromArrow(schema.status(), Code::kInternal, "spine"));
  if (writer_ == nullptr) {
    TOKURA_ASSIGN_OR_RETURN(writer_, SpillWriter::Open(files_, path_, *schema));
  }
  for (const Batch& batch : batches_) {
    arrow::ArrayVector columns = batch.rows->columns();
    columns.push_back(batch.times_us);
    const auto whole =
        arrow::RecordBatch::Make(*schema, batch.rows->num_rows(), std::move(columns));
    for (int64_t begin = 0; begin < whole->num_rows(); begin += kSpillRows) {
      TOKURA_RETURN_IF_ERROR(writer_->Append(*whole->Slice(begin, kSpillRows)));
    }
  }
  batches_.clear();
  bytes_ = 0;
  return OkStatus();
}

Status SpineStore::Begin() {
  if (writer_ == nullptr) return OkStatus();
  TOKURA_RETURN_IF_ERROR(writer_->Finish().status());
  const auto schema = SpillSchema(*schema_);
  TOKURA_RETURN_IF_ERROR(FromArrow(schema.status(), Code::kInternal, "spine"));
  TOKURA_ASSIGN_OR_RETURN(reader_, SpillReader::Open(files_, path_, **schema, true));
  return OkStatus();
}

Result<SpineStore::Batch> SpineStore::Next() {
  if (reader_ == nullptr) {
    return next_ < batches_.size() ? std::exchange(batches_[next_++], {}) : Batch{};
  }
  TOKURA_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> whole, reader_->Next());
  if (whole == nullptr) return Batch{};
  arrow::ArrayVector columns = whole->columns();
  Batch batch;
  batch.times_us = std::static_pointer_cast<arrow::Int64Array>(columns.back());
  columns.pop_back();
  batch.rows = arrow::RecordBatch::Make(schema_, whole->num_rows(), std::move(columns));
  return batch;
}

}  // namespace tokura::offline
