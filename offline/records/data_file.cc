#include "offline/records/data_file.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>

namespace tokura::offline {

namespace {

constexpr int64_t kHourUs = 3'600'000'000;
constexpr int64_t kDayUs = 24 * kHourUs;

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// All of `text` as a decimal number.
template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string DataFileEnding(const Digest& digest, uint32_t crc32c) {
  char checksum[32];
  std::snprintf(checksum, sizeof checksum, "-%08x.parquet", crc32c);
  return "-" + digest.ToHex() + checksum;
}

RecordPlace PlaceOf(const HistoryRow& row) {
  return {row.write_time_us, row.late, row.origin, row.seq};
}

std::optional<Dot> DotOf(const HistoryRow& row) { return DotOf(PlaceOf(row)); }

std::optional<Dot> DotOf(const RecordPlace& place) {
  const std::string_view text = place.origin;
  const size_t slash = text.rfind('/');
  if (text.starts_with("import:") || slash == std::string_view::npos || place.seq <= 0) {
    return std::nullopt;
  }
  const size_t point = text.substr(0, slash).rfind('.');
  if (point == std::string_view::npos || point == 0) return std::nullopt;
  const auto incarnation = ParseNumber<uint32_t>(text.substr(point + 1, slash - point - 1));
  const auto shard = ParseNumber<uint16_t>(text.substr(slash + 1));
  if (!incarnation || !shard || *shard >= kShardCount) return std::nullopt;
  return Dot{ShardId(*shard), Origin{std::string(text.substr(0, point)), *incarnation},
             Seq(static_cast<uint64_t>(place.seq))};
}

std::string OriginOf(const Dot& dot) {
  char shard[8];
  std::snprintf(shard, sizeof shard, "/%04u", static_cast<unsigned>(dot.shard.value));
  return dot.origin.ToString() + shard;
}

int32_t EventDay(int64_t event_time_us) {
  return static_cast<int32_t>(FloorDivide(event_time_us, kDayUs));
}

std::string FormatDay(int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

int64_t PartitionNumber(Partition partition, int64_t event_time_us) {
  return FloorDivide(event_time_us, partition == Partition::kDay ? kDayUs : kHourUs);
}

std::string PartitionOf(Partition partition, int64_t event_time_us) {
  const std::string day = FormatDay(EventDay(event_time_us));
  if (partition == Partition::kDay) return "event_day=" + day;
  const int64_t hour =
      FloorDivide(event_time_us, kHourUs) - FloorDivide(event_time_us, kDayUs) * 24;
  char text[8];
  std::snprintf(text, sizeof text, "-%02d", static_cast<int>(hour));
  return "event_hour=" + day + text;
}

}  // namespace tokura::offline
