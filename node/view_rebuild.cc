#include "node/view_rebuild.h"

#include <memory>
#include <optional>

#include "node/row_fold.h"
#include "node/row_table.h"
#include "replication/log_base.h"
#include "replication/log_directory.h"

namespace tokura::node {
namespace {

// Of the rows that gather before they go to the view.
constexpr size_t kMemoryBytes = 64 << 20;

Status Stopping() { return Unavailable("the node is stopping"); }

Status AddBase(const replication::LogBase& base, const std::atomic<bool>& stopping, RowFold* fold) {
  TOKURA_RETURN_IF_ERROR(
      base.ForEach([&](ShardId shard, std::string_view key, std::string_view packed) {
        if (stopping) return Stopping();
        return fold->AddBaseRow(shard, key, packed);
      }));
  return fold->EndBase();
}

Status Fold(runtime::FileSystem& files, const std::string& log_directory,
            const replication::LogMark& mark, const std::atomic<bool>& stopping, RowFold* fold) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::LogBase> base,
                          replication::LogBase::Open(files, log_directory));
  if (base != nullptr) TOKURA_RETURN_IF_ERROR(AddBase(*base, stopping, fold));
  PositionVector read;
  if (base != nullptr) read = base->mark().vector;
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::LogCursor> cursor,
                          replication::LogCursor::Open(files, log_directory, "", read));
  while (!stopping) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<replication::LogRecord> record,
                            cursor->Next(mark.vector));
    if (!record) break;
    if (read.Covers(record->dot)) continue;
    read.Add(record->dot);
    TOKURA_RETURN_IF_ERROR(fold->AddRecord(record->body));
  }
  if (stopping) return Stopping();
  if (!read.Covers(mark.vector)) {
    return Corrupt(log_directory +
                   ": the log on disk lacks records that were acknowledged; restore it from a "
                   "backup");
  }
  return fold->Spill();
}

}  // namespace

Status RebuildView(runtime::FileSystem& files, const std::string& log_directory, View& view,
                   const replication::LogMark& mark, const catalog::Definitions& definitions,
                   const std::atomic<bool>& stopping) {
  RowTable table;
  table.TrackDirty();
  table.SetIncomplete();
  table.SetHorizons({mark.horizons_us.begin(), mark.horizons_us.end()});
  RowFold fold(table, kMemoryBytes, &view, definitions);
  TOKURA_RETURN_IF_ERROR(Fold(files, log_directory, mark, stopping, &fold));
  TOKURA_RETURN_IF_ERROR(view.Write({}, mark.Encode()));
  return view.Flush();
}

}  // namespace tokura::node
