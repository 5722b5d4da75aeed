// Puffin files (Iceberg's specification of the same name): blobs that belong to a snapshot. A
// table's `statistics` names them, so that whoever cleans it up leaves them alone.
//
//   file: "PFA1" · blobs · footer: "PFA1" · JSON · its length (4 bytes) · flags (4 bytes) · "PFA1"
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura::offline::iceberg {

struct PuffinBlob {
  std::string type;
  std::string bytes;
  int64_t snapshot_id = 0;
  int64_t sequence_number = 0;
  bool operator==(const PuffinBlob&) const = default;
};

struct PuffinFile {
  std::string bytes;
  size_t footer_bytes = 0;  // as `statistics` wants it
};

// Blobs are not compressed. Same blobs, same bytes.
PuffinFile EncodePuffin(std::span<const PuffinBlob> blobs);
// CORRUPT for what is none, or is compressed.
Result<std::vector<PuffinBlob>> DecodePuffin(std::string_view bytes);

}  // namespace tokura::offline::iceberg
