// RowProjection: the features that one request reads of the rows of one group, worked out once, so
// that a value is a load at a known offset of the packed row and a store into a column. No Value is
// made but for lists and for cells that the layout has no place for. Rows of nothing but numbers
// are stored a block of rows at a time, column by column.
#pragma once

#include <array>
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

  // Fills row `row` of column i with what features[i] reads as, at the latest in Finish, until
  // which `packed` is borrowed; text is appended to part `part`. Rows that are never read stay
  // NOT_FOUND. Errors as UnpackRow. REQUIRES: as many columns as features, of their types; the same
  // columns in all calls.
  Status Read(std::string_view packed, size_t row, uint32_t part, AnswerColumns* columns);
  // After the last Read.
  void Finish(AnswerColumns* columns) { StoreBlock(columns); }

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
  // A row whose wanted features are all PRESENT numbers, to be copied as they are.
  struct NumberRow {
    const char* slots = nullptr;
    int64_t event_time_us = 0;
    size_t row = 0;
  };
  static constexpr size_t kBlockRows = 16;
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
  // False if the row is not all PRESENT numbers.
  bool OpenNumbers(std::string_view packed, NumberRow* numbers) const;
  bool HasWanted(const PackedRow& row) const;
  void StoreBlock(AnswerColumns* columns);
  Status ReadAny(std::string_view packed, size_t row, uint32_t part, AnswerColumns* columns);
  bool ReadCell(const PackedRow& row, size_t feature, const Target& target);
  bool ReadForeign(const PackedRow& row, const Feature& feature, const Target& target);
  static bool CopyValue(const PackedRow& row, const Step& step, const Target& target);
  Status Malformed() const;

  const FeatureGroup& group_;
  const std::vector<const Feature*> features_;
  const int64_t now_us_;
  const std::optional<int64_t> max_staleness_us_;
  // A value of this event time or a later one is PRESENT, whichever feature it is of.
  int64_t present_since_us_ = INT64_MIN;
  // For rows of `version_`.
  SchemaVersion version_{0};
  const RowLayout* layout_ = nullptr;
  std::vector<Step> steps_;             // one a feature
  std::vector<uint8_t> wanted_states_;  // both bits of each wanted slot: all have a value
  bool all_numbers_ = false;            // every step is kWord or kHalf
  std::array<NumberRow, kBlockRows> block_;
  size_t block_rows_ = 0;
};

}  // namespace tokura
