#include "node/log_fold.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/key_codec.h"
#include "core/record.h"
#include "core/row.h"
#include "replication/log_cut.h"
#include "replication/log_directory.h"

namespace tokura::node {
namespace {

// Rows by key, joined by core's merge alone: nothing of the row table that is to be proved.
class FreshRows {
 public:
  explicit FreshRows(const catalog::Definitions& definitions) : definitions_(definitions) {}

  Status AddRecord(GroupId id, const Record& record) {
    const FeatureGroup* group = definitions_.FindGroup(id);
    if (group == nullptr || record.stores == Stores::kOffline) return OkStatus();
    Row row;
    std::string& packed = rows_[record.key];
    if (!packed.empty()) {
      TOKURA_ASSIGN_OR_RETURN(row, UnpackRow(packed, *group));
    }
    if (MergeRecord(record, group->merge, &row)) packed = PackRow(row, *group);
    return OkStatus();
  }
  Status AddRow(std::string_view key, std::string_view packed) {
    TOKURA_ASSIGN_OR_RETURN(const GroupId id, RowKeyGroup(key));
    const FeatureGroup* group = definitions_.FindGroup(id);
    if (group == nullptr) return OkStatus();
    const auto [place, added] = rows_.try_emplace(std::string(key), packed);
    if (added) return OkStatus();
    TOKURA_ASSIGN_OR_RETURN(Row row, UnpackRow(place->second, *group));
    TOKURA_ASSIGN_OR_RETURN(const Row other, UnpackRow(packed, *group));
    if (MergeRow(other, group->merge, &row)) place->second = PackRow(row, *group);
    return OkStatus();
  }
  const std::unordered_map<std::string, std::string>& rows() const { return rows_; }

 private:
  const catalog::Definitions& definitions_;
  std::unordered_map<std::string, std::string> rows_;
};

struct ShardRange {
  uint16_t begin = 0;
  uint16_t end = kShardCount;
  bool Has(ShardId shard) const { return shard.value >= begin && shard.value < end; }
};

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

namespace {

class Folder {
 public:
  Folder(runtime::FileSystem& files, const std::string& directory, const replication::LogBase* base,
         const catalog::Definitions& definitions, const LogFoldRequest& request)
      : files_(files),
        directory_(directory),
        base_(base),
        definitions_(definitions),
        request_(request),
        digester_(definitions, request.groups, request.now_us) {}

  Result<LogFold> Run() {
    TOKURA_RETURN_IF_ERROR(CheckPositions());
    TOKURA_RETURN_IF_ERROR(AddCutDays());
    TOKURA_ASSIGN_OR_RETURN(const uint16_t passes, Passes());
    for (uint16_t pass = 0; pass < passes; ++pass) {
      const ShardRange range{static_cast<uint16_t>(kShardCount * pass / passes),
                             static_cast<uint16_t>(kShardCount * (pass + 1) / passes)};
      TOKURA_RETURN_IF_ERROR(Pass(range, /*sum_days=*/pass == 0));
    }
    TOKURA_ASSIGN_OR_RETURN(fold_.rows, digester_.Sums());
    return std::move(fold_);
  }

 private:
  const PositionVector& CutRecords() const {
    static const PositionVector kNothing;
    return base_ == nullptr ? kNothing : base_->cut().vector;
  }

  Status CheckPositions() const {
    for (const auto& [group, position] : request_.positions) {
      if (position.empty() || !request_.groups.contains(group)) continue;
      for (const auto& [place, end] : position.entries()) {
        if (place.second != request_.node ||
            request_.vector.Covers(Dot{place.first, {place.second, end.incarnation}, end.seq})) {
          continue;
        }
        return LacksRecords("that the offline table of " +
                            definitions_.FindGroup(group)->QualifiedName() + " holds");
      }
      if (position.Covers(CutRecords())) continue;
      return FailedPrecondition(directory_ + ": the log was cut beyond the offline snapshot of " +
                                definitions_.FindGroup(group)->QualifiedName() +
                                "; verify again with a newer one");
    }
    return OkStatus();
  }

  Status LacksRecords(const std::string& which) const {
    return Corrupt(directory_ + ": the log on disk lacks records " + which +
                   "; restore it from a backup");
  }

  const PositionVector* PositionOf(GroupId group) const {
    const auto found = request_.positions.find(group);
    const bool asked = found != request_.positions.end() && request_.groups.contains(group);
    return asked && !found->second.empty() ? &found->second : nullptr;
  }

  Status AddCutDays() {
    if (base_ == nullptr) return OkStatus();
    for (const auto& [place, cut] : base_->cut().days) {
      if (PositionOf(place.first) == nullptr) continue;
      fold_.days[place] = DayDigest{cut.records, cut.digest};
    }
    return OkStatus();
  }

  // Keys and rows take about twice their bytes in memory, and the log may be all distinct keys.
  Result<uint16_t> Passes() const {
    TOKURA_ASSIGN_OR_RETURN(uint64_t bytes, replication::LogBytes(files_, directory_));
    if (base_ != nullptr) bytes += base_->bytes();
    const uint64_t passes = 1 + 2 * bytes / std::max<uint64_t>(request_.memory_bytes_max, 1);
    return static_cast<uint16_t>(std::min<uint64_t>(passes, kShardCount));
  }

  Status Pass(ShardRange range, bool sum_days) {
    FreshRows fold(definitions_);
    if (base_ != nullptr) {
      TOKURA_RETURN_IF_ERROR(base_->ForEach(
          [&](ShardId shard, std::string_view key, std::string_view packed) -> Status {
            if (!range.Has(shard)) return OkStatus();
            TOKURA_ASSIGN_OR_RETURN(const GroupId group, RowKeyGroup(key));
            return request_.groups.contains(group) ? fold.AddRow(key, packed) : OkStatus();
          }));
    }
    // What the base stands for is not read; of the rest nothing may be missing.
    PositionVector read = base_ == nullptr ? PositionVector() : base_->mark().vector;
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<replication::LogCursor> cursor,
                            replication::LogCursor::Open(files_, directory_, "", CutRecords()));
    while (true) {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<replication::LogRecord> logged,
                              cursor->Next(request_.vector));
      if (!logged) break;
      if (sum_days) read.Add(logged->dot);
      const bool in_range = range.Has(logged->dot.shard);
      if (!in_range && !sum_days) continue;
      TOKURA_ASSIGN_OR_RETURN(const Record record, DecodeRecord(logged->body));
      const Result<GroupId> group = RowKeyGroup(record.key);
      if (!group.ok() || !request_.groups.contains(*group)) continue;
      if (in_range) TOKURA_RETURN_IF_ERROR(fold.AddRecord(*group, record));
      if (sum_days) AddToDay(*group, record, *logged);
    }
    if (sum_days && !read.Covers(request_.vector)) {
      return LacksRecords("that were acknowledged");
    }
    for (const auto& [key, packed] : fold.rows()) {
      if (!packed.empty() && !digester_.Add(key, packed)) break;
    }
    return digester_.Sums().status();
  }

  void AddToDay(GroupId group, const Record& record, const replication::LogRecord& logged) {
    const PositionVector* position = PositionOf(group);
    if (position == nullptr || !position->Covers(logged.dot)) return;
    DayDigest& day = fold_.days[{group, replication::CutDayOf(record.event_time_us)}];
    ++day.records;
    day.digest += DigestBytes(logged.body);
  }

  runtime::FileSystem& files_;
  const std::string& directory_;
  const replication::LogBase* base_;
  const catalog::Definitions& definitions_;
  const LogFoldRequest& request_;
  RowDigester digester_;
  LogFold fold_;
};

}  // namespace

Result<LogFold> FoldLog(runtime::FileSystem& files, const std::string& log_directory,
                        const replication::LogBase* base, const catalog::Definitions& definitions,
                        const LogFoldRequest& request) {
  return Folder(files, log_directory, base, definitions, request).Run();
}

}  // namespace tokura::node
