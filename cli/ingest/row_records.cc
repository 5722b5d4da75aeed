#include "cli/ingest/row_records.h"

#include <utility>

#include "cli/ingest/counts.h"
#include "core/limits.h"

namespace tokura::cli {

RowRecords::RowRecords(const FeatureGroup& group, Stores stores, int64_t now_us, WriteIds write_ids)
    : write_ids_(std::move(write_ids)),
      builder_({&group, stores, Syntax::kNative, now_us}, [this] { return write_ids_(ordinal_); }) {
}

Result<std::string_view> RowRecords::Make(const offline::ImportRow& row, uint64_t ordinal) {
  ordinal_ = ordinal;
  const Result<Record> record = builder_.Put(row.record, "records[0]");
  if (!record.ok()) return AboutRow(record.status());
  encoded_.clear();
  EncodeRecord(*record, &encoded_);
  if (encoded_.size() <= kRecordBytesMax) return std::string_view(encoded_);
  return ResourceExhausted("the row takes " + std::to_string(encoded_.size()) +
                           " bytes, over the limit of " + std::to_string(kRecordBytesMax));
}

}  // namespace tokura::cli
