#include "node/view_rows.h"

#include <algorithm>
#include <tuple>

#include "core/key_codec.h"
#include "core/row.h"

namespace tokura::node {
namespace {

// A dirty row on its way: `joined` replaces what was partial.
struct Pending {
  const RowTable::DirtyRow* row = nullptr;
  ShardId shard;
  const FeatureGroup* group = nullptr;
  std::optional<std::string> joined;
};

Status JoinPartial(const View& view, std::vector<Pending>* pending) {
  std::vector<View::Key> keys;
  std::vector<Pending*> partial;
  for (Pending& one : *pending) {
    if (!one.row->partial) continue;
    keys.push_back({one.shard, one.row->key});
    partial.push_back(&one);
  }
  if (keys.empty()) return OkStatus();
  std::vector<std::optional<std::string>> held(keys.size());
  TOKURA_RETURN_IF_ERROR(view.Get(keys, held));
  for (size_t i = 0; i < partial.size(); ++i) {
    if (!held[i]) continue;
    TOKURA_ASSIGN_OR_RETURN(partial[i]->joined,
                            JoinPackedRows(partial[i]->row->packed, *held[i], *partial[i]->group));
  }
  return OkStatus();
}

}  // namespace

std::optional<ShardId> ShardOfKey(std::string_view row_key,
                                  const catalog::Definitions& definitions) {
  const Result<GroupId> id = RowKeyGroup(row_key);
  const FeatureGroup* group = id.ok() ? definitions.FindGroup(*id) : nullptr;
  if (group == nullptr) return std::nullopt;
  const Result<ShardId> shard = ShardOfRowKey(row_key, group->entity);
  return shard.ok() ? std::optional(*shard) : std::nullopt;
}

Result<std::string> JoinPackedRows(std::string_view one, std::string_view other,
                                   const FeatureGroup& group) {
  TOKURA_ASSIGN_OR_RETURN(Row row, UnpackRow(one, group));
  TOKURA_ASSIGN_OR_RETURN(const Row more, UnpackRow(other, group));
  MergeRow(more, group.merge, &row);
  return PackRow(row, group);
}

Status WriteDirtyRows(View& view, std::span<const RowTable::DirtyRow> rows,
                      const catalog::Definitions& definitions) {
  std::vector<Pending> pending;
  pending.reserve(rows.size());
  for (const RowTable::DirtyRow& row : rows) {
    // Of a partial row that was purged nothing is left to join.
    if (row.partial && row.packed.empty()) continue;
    const std::optional<ShardId> shard = ShardOfKey(row.key, definitions);
    if (!shard) continue;
    pending.push_back({&row, *shard, definitions.FindGroup(*RowKeyGroup(row.key)), std::nullopt});
  }
  // In the view's order: each row then finds its place in memory near that of the one before.
  std::sort(pending.begin(), pending.end(), [](const Pending& a, const Pending& b) {
    return std::tie(a.shard, a.row->key) < std::tie(b.shard, b.row->key);
  });
  TOKURA_RETURN_IF_ERROR(JoinPartial(view, &pending));
  std::vector<View::Change> changes;
  changes.reserve(pending.size());
  for (const Pending& one : pending) {
    View::Change change{one.shard, one.row->key, std::nullopt};
    if (one.joined) {
      change.row = *one.joined;
    } else if (!one.row->packed.empty()) {
      change.row = one.row->packed;
    }
    changes.push_back(change);
  }
  if (changes.empty()) return OkStatus();
  return view.Write(changes, std::nullopt);
}

}  // namespace tokura::node
