#include "node/log_fold.h"

#include <optional>
#include <unordered_set>

#include "core/key_codec.h"
#include "core/record.h"
#include "core/row.h"
#include "replication/log_directory.h"

namespace tokura::node {
namespace {

constexpr int64_t kDayUs = 86'400'000'000;

int32_t DayOf(int64_t event_time_us) {
  const int64_t day = event_time_us / kDayUs - (event_time_us % kDayUs < 0 ? 1 : 0);
  return static_cast<int32_t>(day);
}

}  // namespace

RowDigester::RowDigester(const catalog::Definitions& definitions, const std::set<GroupId>& groups,
                         int64_t now_us)
    : definitions_(definitions), now_us_(now_us) {
  for (GroupId group : groups) sums_[group];
}

bool RowDigester::Add(std::string_view key, std::string_view packed) {
  if (!status_.ok()) return false;
  const Result<GroupId> group_id = RowKeyGroup(key);
  const auto sum = group_id.ok() ? sums_.find(*group_id) : sums_.end();
  if (sum == sums_.end()) return true;
  const FeatureGroup* group = definitions_.FindGroup(*group_id);
  const Result<Row> row = UnpackRow(packed, *group);
  status_ = row.status();
  if (!status_.ok()) return false;
  const Digest digest = DigestVisibleRow(key, *row, *group, now_us_);
  if (digest == Digest()) return true;
  ++sum->second.rows;
  sum->second.digest += digest;
  return true;
}

Result<std::map<GroupId, RowsDigest>> RowDigester::Sums() const {
  if (!status_.ok()) return status_;
  return sums_;
}

Result<LogFold> FoldLog(runtime::FileSystem& files, const std::string& log_directory,
                        const PositionVector& vector, const catalog::Definitions& definitions,
                        const std::set<GroupId>& groups, int64_t now_us) {
  LogFold fold;
  RowTable table;
  PositionVector read;
  std::map<std::pair<GroupId, int32_t>, std::unordered_set<Digest>> seen;
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<replication::LogCursor> cursor,
                          replication::LogCursor::Open(files, log_directory, ""));
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(std::optional<replication::LogRecord> logged, cursor->Next(vector));
    if (!logged) break;
    read.Add(logged->dot);
    TOKURA_ASSIGN_OR_RETURN(Record record, DecodeRecord(logged->body));
    const Result<GroupId> group = RowKeyGroup(record.key);
    if (!group.ok() || !groups.contains(*group)) continue;
    table.Apply(record, definitions);
    const std::pair<GroupId, int32_t> place{*group, DayOf(record.event_time_us)};
    const Digest digest = DigestBytes(logged->body);
    if (!seen[place].insert(digest).second) continue;
    DayDigest& day = fold.days[place];
    ++day.records;
    day.digest += digest;
  }
  if (read != vector) {
    return Corrupt(log_directory +
                   ": the log on disk lacks records that were acknowledged; restore it from a "
                   "backup");
  }
  RowDigester digester(definitions, groups, now_us);
  table.ForEach([&digester](std::string_view key, std::string_view packed) {
    return digester.Add(key, packed);
  });
  TOKURA_ASSIGN_OR_RETURN(fold.rows, digester.Sums());
  return fold;
}

}  // namespace tokura::node
