#include <string>
#include <utility>

#include "offline/compactor_impl.h"

namespace tokura::offline {
namespace {

using runtime::Task;

// A table without new rows writes its position only now and then, so that a restart reads little of
// the log again.
constexpr int64_t kPersistEveryUs = 10LL * 60 * 1'000'000;
constexpr uint64_t kPersistEveryRecords = 200'000;

std::string PercentEncoded(const std::string& path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  static constexpr std::string_view kReserved = "%#?\"<>`{}|\\^[]";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && kReserved.find(c) == std::string_view::npos) {
      out.push_back(c);
    } else {
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

}  // namespace

std::string UriOfPath(const std::string& path) {
  return path.starts_with("/") ? "file://" + PercentEncoded(path) : path;
}

Task<void> Compactor::Impl::Round(Persist persist) {
  const Definitions definitions = definitions_.Current();
  co_await SyncTables(definitions);
  for (const FeatureGroup& group : definitions->groups) {
    if (!tables_.contains(group.id)) continue;
    co_await CommitTable(group, persist);
  }
  NoteCommitted(*definitions);
}

// Records of a group that these definitions lack, or whose table cannot be opened, are in no table:
// while there are some, nothing more is given free. Nor while a table does not know that it is
// paused: it would be taken for an old copy later.
void Compactor::Impl::NoteCommitted(const catalog::Definitions& definitions) {
  if (!unopened_.empty()) return;
  for (const FeatureGroup& group : definitions.groups) {
    if (!group.offline && !paused_.contains(group.id)) return;
  }
  for (const GroupId id : buffer_.groups()) {
    const FeatureGroup* group = definitions.FindGroup(id);
    const bool needs_table =
        group == nullptr ? id.value >= definitions.next_group_id : group->offline;
    if (needs_table && !tables_.contains(id)) return;
  }
  PositionVector committed = buffer_.read();
  for (const auto& [id, table] : tables_) {
    committed.MeetWith(table.writer->table().current().position);
  }
  std::string encoded = committed.Encode();
  if (encoded == committed_ && paused_ == committed_paused_) return;
  committed_ = std::move(encoded);
  committed_paused_ = paused_;
  ++committed_version_;
}

// Every group that is offline has a table, and no other; rows of groups that are gone are dropped.
Task<void> Compactor::Impl::SyncTables(Definitions definitions) {
  // First, for a table whose group was made again is moved away, which its writer would forbid.
  std::erase_if(tables_, [&](const auto& entry) {
    const FeatureGroup* group = definitions->FindGroup(entry.first);
    return group == nullptr || !group->offline;
  });
  for (const FeatureGroup& group : definitions->groups) {
    if (!group.offline) {
      if (!paused_.contains(group.id)) co_await PauseTable(group);
      continue;
    }
    paused_.erase(group.id);
    const auto table = tables_.find(group.id);
    if (table == tables_.end()) {
      co_await OpenTable(group);
    } else if (!(table->second.definition == group)) {
      co_await EvolveTable(group);
    }
  }
  std::erase_if(unopened_, [&](GroupId id) {
    const FeatureGroup* group = definitions->FindGroup(id);
    return group == nullptr || !group->offline;
  });
  DiscardStrays(*definitions);
  RestartFeeds();
}

Task<void> Compactor::Impl::OpenTable(FeatureGroup group) {
  Result<std::unique_ptr<TableWriter>> writer = Unavailable("not opened");
  const int64_t now_us = runtime_.clock->NowUs();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    writer = TableWriter::Open(*runtime_.files, options_.offline_root, group, now_us);
  });
  if (!writer.ok()) {
    missed_.insert(group.id);
    if (unopened_.insert(group.id).second) {
      runtime_.logger->Error("compactor: cannot open the offline table of " +
                             group.QualifiedName() + ": " + writer.status().ToString() +
                             "; it gets no rows until that is mended (tried again all the time)");
    }
    co_return;
  }
  unopened_.erase(group.id);
  TableState& table = tables_[group.id];
  table.writer = std::move(writer).value();
  table.definition = group;
  table.covered = table.writer->table().current().position;
  table.covered_watermark_us = table.writer->table().current().watermark_us;
  table.may_skip_cut = table.covered.empty() || table.writer->table().is_paused();
  table.persisted_at_us = now_us;
  table.persisted_records = buffer_.records_read();
  buffer_.Skip(group.id, table.covered);
  // The feeds began where the tables of Start stood: what an older group has before that was not
  // read for it.
  if (started_ && group.id.value < first_new_group_) missed_.insert(group.id);
  Describe(group, &table);
}

Task<void> Compactor::Impl::PauseTable(FeatureGroup group) {
  Status paused;
  PositionVector held;
  const int64_t now_us = runtime_.clock->NowUs();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    auto table = Table::OpenForRead(*runtime_.files, options_.offline_root, group);
    paused = table.ok() ? (*table)->Pause(now_us) : table.status();
    if (table.ok()) held = (*table)->current().position;
  });
  if (paused.ok() || paused.code() == Code::kNotFound) {
    paused_[group.id] = held.Encode();
    pause_failing_.erase(group.id);
  } else if (pause_failing_.insert(group.id).second) {
    runtime_.logger->Error("compactor: cannot note that " + group.QualifiedName() +
                           " is not offline any more: " + paused.ToString() +
                           "; the log is not cut until that is mended (tried again all the time)");
  }
}

Task<void> Compactor::Impl::EvolveTable(FeatureGroup group) {
  TableState* table = &tables_.at(group.id);
  TableWriter* writer = table->writer.get();
  Status evolved;
  const int64_t now_us = runtime_.clock->NowUs();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor,
                                [&] { evolved = writer->Evolve(group, now_us); });
  if (!evolved.ok()) {
    TableFailed(group, table, evolved);
    co_return;
  }
  table->definition = group;
  Describe(group, table);
}

// Rows of a group that these definitions do not know yet stay; ids are given in order.
void Compactor::Impl::DiscardStrays(const catalog::Definitions& definitions) {
  for (const GroupId id : buffer_.groups()) {
    if (tables_.contains(id) || id.value >= definitions.next_group_id) continue;
    buffer_.Discard(id);
    if (definitions.FindGroup(id) != nullptr) missed_.insert(id);
  }
}

bool Compactor::Impl::PersistDue(const TableState& table, const PositionVector& read,
                                 Persist persist) const {
  const PositionVector& persisted = table.writer->table().current().position;
  if (persisted.Covers(read)) return false;
  if (persisted.empty()) return true;  // until it has one, no log is cut
  if (table.incomplete_before_us) return true;
  return persist == Persist::kAll ||
         runtime_.clock->NowUs() - table.persisted_at_us > kPersistEveryUs ||
         buffer_.records_read() - table.persisted_records > kPersistEveryRecords;
}

Task<void> Compactor::Impl::CommitTable(FeatureGroup group, Persist persist) {
  TableState* table = &tables_.at(group.id);
  // Between here and Take nothing is awaited: the rows are all that was read up to `commit`.
  TableCommit commit{.position = buffer_.ReadFor(group.id),
                     .watermark_us = Watermark(),
                     .now_us = runtime_.clock->NowUs(),
                     .incomplete_before_us = table->incomplete_before_us};
  if (!buffer_.has_records(group.id) && !PersistDue(*table, commit.position, persist)) {
    Advance(table, commit);
    // An import may have committed since.
    Status refreshed;
    TableWriter* writer = table->writer.get();
    co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor,
                                  [&] { refreshed = writer->Refresh(); });
    if (refreshed.ok()) {
      table->failing = OkStatus();
    } else {
      TableFailed(group, table, refreshed);
    }
    Describe(group, table);
    co_return;
  }
  HistoryRecords records = buffer_.Take(group.id);
  Result<CommitOutcome> outcome = Unavailable("not committed");
  TableWriter* writer = table->writer.get();
  const auto begin = runtime_.clock->Monotonic();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor,
                                [&] { outcome = writer->Commit(group, commit, records); });
  const auto elapsed = std::chrono::duration<double>(runtime_.clock->Monotonic() - begin);
  if (!outcome.ok()) {
    buffer_.GiveBack(group.id, std::move(records));
    TableFailed(group, table, outcome.status());
    co_return;
  }
  buffer_.Release(group.id);
  Advance(table, commit);
  if (table->incomplete_before_us == commit.incomplete_before_us) {
    table->incomplete_before_us.reset();
  }
  table->persisted_at_us = commit.now_us;
  table->persisted_records = buffer_.records_read();
  Committed(group, table, *outcome, elapsed.count());
}

void Compactor::Impl::Advance(TableState* table, const TableCommit& commit) {
  table->covered_watermark_us = std::max(table->covered_watermark_us, commit.watermark_us);
  // Waiters are woken by what changes only, or two of them would wake each other for ever.
  if (table->covered.Covers(commit.position)) return;
  table->covered.JoinWith(commit.position);
  ++progress_count_;
  progress_.NotifyAll();
}

void Compactor::Impl::Committed(const FeatureGroup& group, TableState* table,
                                const CommitOutcome& outcome, double seconds) {
  table->failing = OkStatus();
  Describe(group, table);
  rows_total_.Add(static_cast<double>(outcome.rows));
  files_total_.Add(static_cast<double>(outcome.files));
  bytes_total_.Add(static_cast<double>(outcome.bytes));
  duplicates_total_.Add(static_cast<double>(outcome.duplicates));
  commit_seconds_.Observe(seconds);
  buffer_bytes_.Set(static_cast<double>(buffer_.bytes()));
  if (outcome.rows == 0 && outcome.duplicates == 0) return;
  runtime_.logger->Info("compactor: " + group.QualifiedName() + ": snapshot " +
                        std::to_string(table->status.snapshot_id) + ": " +
                        std::to_string(outcome.rows) + " rows in " + std::to_string(outcome.files) +
                        " files, " + std::to_string(outcome.bytes) + " bytes, " +
                        std::to_string(outcome.duplicates) + " repeats dropped, " +
                        std::to_string(static_cast<int64_t>(seconds * 1e3)) + " ms");
}

void Compactor::Impl::TableFailed(const FeatureGroup& group, TableState* table,
                                  const Status& status) {
  failures_total_.Add();
  if (table->failing.code() != status.code()) {
    runtime_.logger->Error("compactor: commit to the offline table of " + group.QualifiedName() +
                           " failed: " + status.ToString() +
                           "; its rows are kept and tried again; see to the disk at " +
                           options_.offline_root);
  }
  table->failing = status;
}

void Compactor::Impl::Describe(const FeatureGroup& group, TableState* table) const {
  const Table& of = table->writer->table();
  client::OfflineGroupStatus& status = table->status;
  status.group = group.QualifiedName();
  status.location = UriOfPath(of.folder());
  status.metadata_location = UriOfPath(of.metadata_path());
  if (status.snapshot_id != of.current().id) {
    status.rows = of.current().rows();
    status.files = of.current().files.size();
    status.bytes = of.current().bytes();
  }
  status.snapshot_id = of.current().id;
  status.watermark_us = table->covered_watermark_us;
}

}  // namespace tokura::offline
