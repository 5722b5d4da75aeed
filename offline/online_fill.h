// OnlineFill: gives groups that were switched online later the rows that their tables have: records
// that win their key (promotion.h) are written to the node, slowly, until all are there. What is
// written live meanwhile wins or loses against them as ever, by its version.
//
//   switched online ──▶ commit all ──▶ Promotion ──batches──▶ NodeClient::Append
//                                                         └──▶ OFFLINE/_fills/<group id>.json
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "catalog/catalog.h"
#include "client/node_client.h"
#include "offline/compactor.h"
#include "offline/fill_progress.h"
#include "offline/promotion.h"
#include "runtime/sync.h"

namespace tokura::offline {

// Lives on runtime.executor.
class OnlineFill {
 public:
  // OK when the tables have all that was accepted before the call.
  using CommitNow = std::function<runtime::Task<Status>()>;

  // All outlive it.
  OnlineFill(const CompactorOptions& options, CompactorRuntime runtime,
             const catalog::DefinitionsSource& definitions, client::NodeClient& node,
             CommitNow commit_now);
  void Start();
  // Returns when every task is done. A fill that was not goes on after the next Start.
  runtime::Task<void> Stop();

 private:
  struct Batch {
    std::vector<Record> records;
    std::string last_key;  // all keys up to it were read
    bool at_end = false;
  };
  using Definitions = std::shared_ptr<const catalog::Definitions>;
  runtime::Task<void> Run();
  // Takes note of groups that were off at a revision between the one that was looked at last, also
  // by an earlier process, and this one.
  runtime::Task<Status> LookBack(Definitions definitions);
  // Online groups that were not so at a revision in between.
  Result<std::set<GroupId>> OffSince(Revision last, const catalog::Definitions& now) const;
  runtime::Task<Status> SaveRevision(Revision revision);
  // Logged once, until it works again.
  void NoteFailure(const std::string& what, const Status& status, Status* failing);
  // Takes note of a switch, and fills the group if there is something to fill.
  runtime::Task<Status> Look(FeatureGroup group);
  // Whether `group` is still what the definitions say.
  bool IsCurrent(const FeatureGroup& group) const;
  runtime::Task<Status> Fill(const FeatureGroup& group, FillProgress* progress);
  runtime::Task<Status> Load(GroupId group);
  runtime::Task<Result<Batch>> ReadBatch(Promotion* promotion);
  // Until each is accepted or refused.
  runtime::Task<Status> Write(const FeatureGroup& group, const std::vector<Record>& records);
  // In its file, and then in seen_.
  runtime::Task<Status> Save(GroupId group, FillProgress progress);
  void NoteProgress(const FeatureGroup& group, const FillProgress& progress,
                    const Promotion& promotion);

  const std::string offline_root_;
  const decltype(CompactorOptions::definitions_at) definitions_at_;
  const CompactorRuntime runtime_;
  const catalog::DefinitionsSource& definitions_;
  client::NodeClient& node_;
  const CommitNow commit_now_;
  std::map<GroupId, FillProgress> seen_;  // as their files say
  std::optional<Revision> looked_at_;     // as its file says
  std::map<GroupId, Status> failing_;
  Status looking_back_;               // how it went last
  std::chrono::nanoseconds noted_{};  // when progress was logged last
  bool stopping_ = false;
  runtime::Signal stop_;
  runtime::TaskGroup tasks_;
  runtime::Counter& records_total_;
  runtime::Gauge& active_;
};

}  // namespace tokura::offline
