// Field numbers of v1.FeatureColumn, v1.Column and v1.Type (proto/common.proto), for the files of
// core/ that write and read them by hand. Tests compare with the generated code.
#pragma once

#include <cstdint>

#include "core/answer_columns.h"

namespace tokura {

inline constexpr uint32_t kTypeKind = 1;
inline constexpr uint32_t kTypeShape = 2;
inline constexpr uint32_t kTypeSize = 3;
inline constexpr uint32_t kColumnType = 1;
inline constexpr uint32_t kColumnRows = 2;
inline constexpr uint32_t kColumnBools = 3;
inline constexpr uint32_t kColumnInts = 4;
inline constexpr uint32_t kColumnDoubles = 5;
inline constexpr uint32_t kColumnFloats = 6;
inline constexpr uint32_t kColumnEnds = 7;
inline constexpr uint32_t kColumnData = 8;
inline constexpr uint32_t kColumnLists = 9;
inline constexpr uint32_t kFeatureValues = 1;
inline constexpr uint32_t kFeatureStatuses = 2;
inline constexpr uint32_t kFeatureEventTimes = 3;
inline constexpr uint32_t kFeatureHasValue = 4;

// The array of a column that holds values so stored; of text the ends.
uint32_t FieldOf(ColumnStorage storage);
// Bytes a row in the array of a type of fixed width, as stored in AnswerCells; 0 for text and
// lists.
uint32_t WidthOf(const Type& type);

}  // namespace tokura
