// What Compactor does, in four parts: feeds that fill the buffer (compactor_feed.cc), rounds that
// bring it into the tables (compactor_round.cc), the care of the tables (compactor_care.cc), and
// the public calls (compactor.cc). All of it lives on one executor; files are touched on the
// blocking pool, by one round at a time, and beside it by care, which is a writer of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "offline/compactor.h"
#include "offline/online_fill.h"
#include "offline/records/history_buffer.h"
#include "offline/table/table_writer.h"
#include "runtime/sync.h"

namespace tokura::offline {

// As other programs are told it.
std::string UriOfPath(const std::string& path);

class Compactor::Impl {
 public:
  Impl(CompactorOptions options, CompactorRuntime runtime,
       const catalog::DefinitionsSource& definitions, std::vector<runtime::Address> nodes);

  runtime::Task<Status> Start();
  runtime::Task<Status> CommitNow();
  runtime::Task<Status> WaitCovered(PositionVector vector, std::chrono::microseconds timeout);
  runtime::Task<std::vector<client::OfflineGroupStatus>> GetStatus();
  runtime::Task<void> Stop();

 private:
  using Definitions = std::shared_ptr<const catalog::Definitions>;

  struct Feed {
    std::unique_ptr<client::NodeClient> client;
    std::string cursor;
    bool at_end = false;          // of its last page
    int64_t watermark_us = 0;     // of the last page that was at the end
    uint64_t committed_told = 0;  // the version of committed_ that the node was told last
    Status failing;               // logged once, until it works again
    uint64_t failures = 0;        // attempts that failed, of all time
  };
  struct TableState {
    std::unique_ptr<TableWriter> writer;  // touched on the blocking pool while a round runs
    FeatureGroup definition;              // that the table's columns are of
    client::OfflineGroupStatus status;    // as of the last round
    PositionVector covered;               // all of these records are published
    int64_t covered_watermark_us = 0;
    // Was without a position, or paused, when it was opened: what was cut until then is not in it.
    bool may_skip_cut = false;
    std::optional<int64_t> incomplete_before_us;  // it did; to be told with the next commit
    int64_t persisted_at_us = 0;                  // when the table's own position was written last
    uint64_t persisted_records = 0;               // records_read() then
    Status failing;                               // logged once, until a commit works again
  };
  // Counts calls from outside, for Stop to wait for.
  class CallGuard;

  // compactor_feed.cc
  runtime::Task<void> Follow(Feed* feed);
  runtime::Task<Status> BeginFeed(Feed* feed);
  void TakeCut(const PositionVector& cut);
  // Groups that need no table, so that their records need not be read. Should one become offline,
  // it reads the feed again.
  std::vector<GroupId> PassGroups();
  void TakePage(Feed* feed, client::FeedPage page);
  void FeedFailed(Feed* feed, const Status& status);
  void RestartFeeds();
  int64_t Watermark() const;
  bool AllRead() const;

  // compactor_round.cc. All of them: REQUIRES the round's lock.
  enum class Persist { kWhenDue, kAll };
  runtime::Task<void> Round(Persist persist);
  runtime::Task<void> SyncTables(Definitions definitions);
  runtime::Task<void> OpenTable(FeatureGroup group);
  runtime::Task<void> PauseTable(FeatureGroup group);
  runtime::Task<void> EvolveTable(FeatureGroup group);
  void DiscardStrays(const catalog::Definitions& definitions);
  runtime::Task<void> CommitTable(FeatureGroup group, Persist persist);
  void NoteCommitted(const catalog::Definitions& definitions);
  bool PersistDue(const TableState& table, const PositionVector& read, Persist persist) const;
  void Advance(TableState* table, const TableCommit& commit);
  void Committed(const FeatureGroup& group, TableState* table, const CommitOutcome& outcome,
                 double seconds);
  void TableFailed(const FeatureGroup& group, TableState* table, const Status& status);
  void Describe(const FeatureGroup& group, TableState* table) const;

  // compactor_care.cc
  runtime::Task<void> TakeCare();
  runtime::Task<std::vector<FeatureGroup>> GroupsInNeed();
  runtime::Task<void> CareFor(FeatureGroup group);
  runtime::Task<void> Rest(std::chrono::nanoseconds time);
  void CareFailed(const FeatureGroup& group, const Status& status);

  // compactor.cc
  runtime::Task<void> Run();
  runtime::Task<Result<PositionVector>> AcceptedByNodes();
  bool Covers(const PositionVector& vector) const;
  uint64_t FeedFailures() const;
  Status Damage() const;
  double LagSeconds(const TableState& table) const;

  const CompactorOptions options_;
  const CompactorRuntime runtime_;
  const catalog::DefinitionsSource& definitions_;
  HistoryBuffer buffer_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::map<GroupId, TableState> tables_;
  // Groups whose records were read while they had no table: it must read the feed again.
  std::set<GroupId> missed_;
  std::set<GroupId> unopened_;       // offline groups whose table cannot be opened
  std::set<GroupId> pause_failing_;  // logged once, until it works again
  // Groups that are not offline, and have no table or a paused one, and what it holds (encoded).
  std::map<GroupId, std::string> paused_;
  PositionVector start_;          // what the feeds leave out
  uint32_t first_new_group_ = 0;  // groups from this id on were made since Start
  // What is durably in all tables, so that nodes may cut their logs up to it, and a count of its
  // changes; 0: not known yet.
  std::string committed_;
  std::map<GroupId, std::string> committed_paused_;
  uint64_t committed_version_ = 0;
  uint64_t generation_ = 0;      // of the feeds; RestartFeeds raises it
  uint64_t progress_count_ = 0;  // raised by each page and each commit
  runtime::Mutex round_lock_;
  runtime::Signal progress_;  // a page was read, a round ended, or stopping
  runtime::Signal wake_;      // a round is due
  runtime::TaskGroup tasks_;
  std::unique_ptr<runtime::FileLock> lock_;
  std::unique_ptr<OnlineFill> fill_;
  bool started_ = false;
  bool stopping_ = false;
  int calls_ = 0;
  runtime::Counter& rows_total_;
  runtime::Counter& files_total_;
  runtime::Counter& bytes_total_;
  runtime::Counter& duplicates_total_;
  runtime::Counter& failures_total_;
  std::map<GroupId, Code> care_failing_;  // logged once, until it works again
  runtime::Counter& merged_files_total_;
  runtime::Counter& care_failures_total_;
  runtime::Histogram& commit_seconds_;
  runtime::Gauge& lag_seconds_;
  runtime::Gauge& buffer_bytes_;
};

}  // namespace tokura::offline
