#include "offline/online_fill.h"

#include <algorithm>
#include <utility>

#include "offline/table/table.h"
#include "proto/node.pb.h"

namespace tokura::offline {
namespace {

using runtime::Task;
using namespace std::chrono_literals;

constexpr auto kLookPause = 1s;  // between two looks at the definitions
// Longer than any program takes to see a new revision: what is accepted later is written online.
constexpr auto kSettle = 3s;
constexpr auto kRetryAfter = 1s;
constexpr auto kAppendTimeout = 30s;
constexpr auto kSaveEvery = 5s;
constexpr auto kNoteEvery = 10s;
// Reading and writing take a quarter of the time, in small bites, so that online requests hardly
// notice.
constexpr int kRestsPerBite = 3;
constexpr size_t kBatchRecords = 256;
constexpr uint64_t kBatchRows = 8'192;  // of the table

}  // namespace

OnlineFill::OnlineFill(const CompactorOptions& options, CompactorRuntime runtime,
                       const catalog::DefinitionsSource& definitions, client::NodeClient& node,
                       CommitNow commit_now)
    : offline_root_(options.offline_root),
      definitions_at_(options.definitions_at),
      runtime_(runtime),
      definitions_(definitions),
      node_(node),
      commit_now_(std::move(commit_now)),
      stop_(*runtime.executor),
      tasks_(*runtime.executor),
      records_total_(runtime.metrics->counter(
          "tokura_offline_fill_records_total",
          "Records brought online from the tables of groups that were switched online later.")),
      active_(runtime.metrics->gauge("tokura_offline_fills_active",
                                     "Groups that are being filled from their tables.")) {}

void OnlineFill::Start() { tasks_.Spawn(Run()); }

Task<void> OnlineFill::Stop() {
  stopping_ = true;
  stop_.NotifyAll();
  co_await tasks_.Join();
}

Task<void> OnlineFill::Run() {
  while (!stopping_) {
    const Definitions definitions = definitions_.Current();
    const Status looked_back = co_await LookBack(definitions);
    if (stopping_) break;
    NoteFailure("earlier definitions", looked_back, &looking_back_);
    for (const FeatureGroup& group : definitions->groups) {
      if (stopping_) break;
      if (!group.offline) continue;
      const Status looked = co_await Look(group);
      if (stopping_) break;
      NoteFailure(group.QualifiedName(), looked, &failing_[group.id]);
    }
    if (!stopping_) co_await stop_.WaitFor(kLookPause);
  }
}

void OnlineFill::NoteFailure(const std::string& what, const Status& status, Status* failing) {
  if (!status.ok() && failing->code() != status.code()) {
    runtime_.logger->Warning("online fill: " + what + ": " + status.ToString() +
                             "; it is tried again");
  }
  *failing = status;
}

// A switch off and on again may pass between two looks, during the fill of another group, or while
// no compactor runs.
Task<Status> OnlineFill::LookBack(Definitions definitions) {
  if (!definitions_at_ || looked_at_ == definitions->revision) co_return OkStatus();
  Result<std::set<GroupId>> were_off = std::set<GroupId>();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    const auto read = [&]() -> Result<std::set<GroupId>> {
      TOKURA_ASSIGN_OR_RETURN(const std::optional<Revision> last,
                              ReadFillRevision(*runtime_.files, offline_root_));
      if (!last) return std::set<GroupId>();
      return OffSince(*last, *definitions);
    };
    were_off = read();
  });
  if (!were_off.ok()) co_return were_off.status();
  for (const GroupId group : *were_off) {
    TOKURA_CO_RETURN_IF_ERROR(co_await Load(group));
    if (!seen_[group].online) continue;  // Look sees it
    FillProgress progress;
    progress.done = false;
    TOKURA_CO_RETURN_IF_ERROR(co_await Save(group, progress));
  }
  TOKURA_CO_RETURN_IF_ERROR(co_await SaveRevision(definitions->revision));
  if (!were_off->empty()) co_await stop_.WaitFor(kSettle);
  co_return OkStatus();
}

Result<std::set<GroupId>> OnlineFill::OffSince(Revision last,
                                               const catalog::Definitions& now) const {
  std::set<GroupId> were_off;
  for (uint64_t revision = last.value + 1; revision < now.revision.value; ++revision) {
    TOKURA_ASSIGN_OR_RETURN(const Definitions then, definitions_at_(Revision(revision)));
    for (const FeatureGroup& group : now.groups) {
      if (!group.online || !group.offline) continue;
      const FeatureGroup* before = then->FindGroup(group.id);
      if (before != nullptr && !before->online) were_off.insert(group.id);
    }
  }
  return were_off;
}

Task<Status> OnlineFill::SaveRevision(Revision revision) {
  Status saved;
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    saved = WriteFillRevision(*runtime_.files, offline_root_, revision);
  });
  if (saved.ok()) looked_at_ = revision;
  co_return saved;
}

Task<Status> OnlineFill::Look(FeatureGroup group) {
  if (!seen_.contains(group.id)) TOKURA_CO_RETURN_IF_ERROR(co_await Load(group.id));
  FillProgress progress = seen_[group.id];
  if (progress.online != group.online) {
    progress = FillProgress();
    progress.online = group.online;
    progress.done = !group.online;
    TOKURA_CO_RETURN_IF_ERROR(co_await Save(group.id, progress));
    if (group.online) co_await stop_.WaitFor(kSettle);
  }
  if (progress.done || stopping_) co_return OkStatus();
  TOKURA_CO_RETURN_IF_ERROR(co_await commit_now_());
  active_.Set(1);
  Status filled = co_await Fill(group, &progress);
  active_.Set(0);
  if (progress.done) co_return filled;
  const Status saved = co_await Save(group.id, progress);
  co_return filled.ok() ? saved : filled;
}

bool OnlineFill::IsCurrent(const FeatureGroup& group) const {
  const auto definitions = definitions_.Current();
  const FeatureGroup* now = definitions->FindGroup(group.id);
  return now != nullptr && *now == group;
}

// Returns early when stopped, or when the definition changed: then it is begun again with that.
Task<Status> OnlineFill::Fill(const FeatureGroup& group, FillProgress* progress) {
  std::unique_ptr<Promotion> promotion;
  Status opened;
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    const auto open = [&]() -> Status {
      TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Table> table,
                              Table::OpenForRead(*runtime_.files, offline_root_, group));
      promotion = std::make_unique<Promotion>(
          *runtime_.files, *table, group,
          PromotionOptions{.now_us = runtime_.clock->NowUs(), .after_key = progress->after_key});
      return OkStatus();
    };
    opened = open();
  });
  TOKURA_CO_RETURN_IF_ERROR(opened);
  auto saved = runtime_.clock->Monotonic();
  while (!progress->done && !stopping_ && IsCurrent(group)) {
    const auto begin = runtime_.clock->Monotonic();
    TOKURA_CO_ASSIGN_OR_RETURN(const Batch batch, co_await ReadBatch(promotion.get()));
    TOKURA_CO_RETURN_IF_ERROR(co_await Write(group, batch.records));
    progress->after_key = batch.last_key;
    progress->records += batch.records.size();
    progress->done = batch.at_end;
    NoteProgress(group, *progress, *promotion);
    const auto now = runtime_.clock->Monotonic();
    if (progress->done || now - saved >= kSaveEvery) {
      saved = now;
      TOKURA_CO_RETURN_IF_ERROR(co_await Save(group.id, *progress));
    }
    if (progress->done) break;
    co_await stop_.WaitFor(std::max<std::chrono::nanoseconds>(kRestsPerBite * (now - begin), 1ms));
  }
  co_return OkStatus();
}

Task<Status> OnlineFill::Load(GroupId group) {
  Result<FillProgress> progress = FillProgress();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    progress = ReadFillProgress(*runtime_.files, offline_root_, group);
  });
  if (!progress.ok()) co_return progress.status();
  seen_[group] = *std::move(progress);
  co_return OkStatus();
}

Task<Result<OnlineFill::Batch>> OnlineFill::ReadBatch(Promotion* promotion) {
  Batch batch;
  Status status;
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    Result<std::vector<Record>> records = promotion->Read(kBatchRecords, kBatchRows);
    status = records.status();
    if (!records.ok()) return;
    batch.records = *std::move(records);
    batch.last_key = promotion->last_key();
    batch.at_end = promotion->at_end();
  });
  if (!status.ok()) co_return status;
  co_return batch;
}

Task<Status> OnlineFill::Write(const FeatureGroup& group, const std::vector<Record>& records) {
  if (records.empty()) co_return OkStatus();
  v1::NodeAppendRequest request;
  for (const Record& record : records) EncodeRecord(record, request.add_records());
  const std::string body = request.SerializeAsString();
  while (!stopping_) {
    const Result<RecordResults> answer =
        co_await node_.Append(body, records.size(), kAppendTimeout);
    if (answer.ok()) {
      // The same records again are the same writes, so all may be sent again for one.
      const bool all_settled =
          std::none_of(answer->results.begin(), answer->results.end(), [](const Status& result) {
            return result.code() == Code::kUnknownOutcome ||
                   result.code() == Code::kResourceExhausted;
          });
      if (all_settled) {
        for (const Status& result : answer->results) {
          if (result.ok()) continue;
          co_return result.WithContext(group.QualifiedName() + ": a record of the table");
        }
        records_total_.Add(static_cast<double>(records.size()));
        co_return OkStatus();
      }
    }
    co_await stop_.WaitFor(kRetryAfter);
  }
  co_return Unavailable("stopping");
}

Task<Status> OnlineFill::Save(GroupId group, FillProgress progress) {
  Status saved;
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    saved = WriteFillProgress(*runtime_.files, offline_root_, group, progress);
  });
  if (saved.ok()) seen_[group] = std::move(progress);
  co_return saved;
}

void OnlineFill::NoteProgress(const FeatureGroup& group, const FillProgress& progress,
                              const Promotion& promotion) {
  const auto now = runtime_.clock->Monotonic();
  if (!progress.done && now - noted_ < kNoteEvery) return;
  noted_ = now;
  runtime_.logger->Info("online fill: " + group.QualifiedName() + ": " +
                        std::to_string(progress.records) + " records written, " +
                        std::to_string(promotion.rows_read()) + " of " +
                        std::to_string(promotion.rows_total()) + " rows of the table read" +
                        (progress.done ? "; done" : ""));
}

}  // namespace tokura::offline
