// RowRecords: rows of a file as canonical records, by the very checks that a put passes
// (router/record_builder.h), for those who write past the router or want to know before they do.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/record.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/user_files/row_file.h"
#include "router/record_builder.h"

namespace tokura::cli {

class RowRecords {
 public:
  // The id of row `ordinal` (from 1), for rows that bring none.
  using WriteIds = std::function<WriteId(uint64_t ordinal)>;

  // `group` outlives the object. Event times are held against `now_us`.
  RowRecords(const FeatureGroup& group, Stores stores, int64_t now_us, WriteIds write_ids);
  RowRecords(const RowRecords&) = delete;
  RowRecords& operator=(const RowRecords&) = delete;

  // The record of `row` in its canonical bytes, valid until the next call; or why it is rejected,
  // without its place in a request.
  Result<std::string_view> Make(const offline::ImportRow& row, uint64_t ordinal);

 private:
  const WriteIds write_ids_;
  uint64_t ordinal_ = 0;
  router::RecordBuilder builder_;
  std::string encoded_;
};

}  // namespace tokura::cli
