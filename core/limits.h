// The limits of serving.md, checked before anything is parsed or done.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tokura {

inline constexpr size_t kFrameBytesMax = 16 << 20;
inline constexpr size_t kRequestBytesMax = 8 << 20;
inline constexpr size_t kRequestKeysMax = 1'000;
inline constexpr size_t kRequestFeaturesMax = 1'000;
inline constexpr size_t kRequestRecordsMax = 1'000;
inline constexpr size_t kRecordBytesMax = 4 << 20;
inline constexpr size_t kRecordCellsMax = 65'536;
inline constexpr size_t kValueBytesMax = 1 << 20;
inline constexpr size_t kNestingMax = 16;
inline constexpr size_t kScanRowsMax = 1'000;
inline constexpr int64_t kMaxFutureUs = 5LL * 60 * 1'000'000;
inline constexpr int64_t kPurgeGraceUs = 10LL * 60 * 1'000'000;

}  // namespace tokura
