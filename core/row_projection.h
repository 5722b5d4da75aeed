// RowProjection: the features that one request reads of the rows of one group, worked out once, so
// that a value is a load at a known offset of the packed row and a store into a column. No Value is
// made but for lists and for cells that the layout has no place for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/answer_columns.h"
#include "core/row.h"
#include "core/row_layout.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura {

class PackedRow;

// Reads as ReadPackedCell does. Not thread-safe; one a thread.
class RowProjection {
 public:
  // Borrows `group` and the features. TTLs are judged at `now_us`.
  RowProjection(const FeatureGroup& group, std::span<const Feature* const> features, int64_t now_us,
                std::optional<int64_t> max_staleness_us);

  // Fills row `row` of column i with what features[i] reads as; text is appended to part `part`.
  // Rows that are never read stay NOT_FOUND. Errors as UnpackRow. REQUIRES: as many columns as
  // features, of their types.
  Status Read(std::string_view packed, size_t row, uint32_t part, AnswerColumns* columns);

 private:
  // How a value gets from the row into the column.
  enum class Copy : uint8_t {
    kNone,  // the layout has no place for the feature
    kBool,
    kWord,       // 8 bytes as they are
    kHalf,       // 4 bytes as they are
    kTimestamp,  // 8 bytes within limits
    kWidenInt,   // int32 to int64
    kWidenFloat,
    kVector,
    kText,
    kList,
  };
  struct Step {
    Copy copy = Copy::kNone;
    uint32_t slot = 0;
    uint32_t position = 0;
    Type type;  // as of the row
  };
  struct Target {
    const AnswerCells& cells;
    AnswerColumns* columns;
    size_t column;
    size_t row;
    uint32_t part;
  };

  static Copy CopyOf(const RowSlot& slot, const Feature& feature);
  // Makes the steps for rows of `layout`.
  void Compile(const RowLayout& layout, SchemaVersion version);
  bool AllPresent(const PackedRow& row) const;
  Status ReadAny(std::string_view packed, size_t row, uint32_t part, AnswerColumns* columns);
  bool ReadCell(const PackedRow& row, size_t feature, const Target& target);
  bool ReadForeign(const PackedRow& row, const Feature& feature, const Target& target);
  static bool CopyValue(const PackedRow& row, const Step& step, const Target& target);
  Status Malformed() const;

  const FeatureGroup& group_;
  const std::vector<const Feature*> features_;
  const int64_t now_us_;
  const std::optional<int64_t> max_staleness_us_;
  // The feature that expires first: while it is PRESENT at some age, so are all.
  const Feature* shortest_lived_ = nullptr;
  // For rows of `version_`; 0: none yet.
  SchemaVersion version_{0};
  const RowLayout* layout_ = nullptr;
  std::vector<Step> steps_;             // one a feature
  std::vector<uint8_t> wanted_states_;  // both bits of each wanted slot: all have a value
  bool all_words_ = false;              // every step is kWord
};

}  // namespace tokura
