// The care of the tables, beside the rounds: it may take minutes, for which no commit waits.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "offline/compactor_impl.h"
#include "offline/table/table_care.h"

namespace tokura::offline {
namespace {

using runtime::Task;

constexpr auto kCareInterval = std::chrono::seconds(60);

}  // namespace

Task<void> Compactor::Impl::TakeCare() {
  while (!stopping_) {
    co_await Rest(std::min<std::chrono::nanoseconds>(kCareInterval, options_.commit_interval));
    if (stopping_) break;
    const std::vector<FeatureGroup> groups = co_await GroupsInNeed();
    for (const FeatureGroup& group : groups) co_await CareFor(group);
  }
}

// Those of which the last round saw that files are to be merged: a table is opened for nothing
// else.
Task<std::vector<FeatureGroup>> Compactor::Impl::GroupsInNeed() {
  std::vector<FeatureGroup> groups;
  const runtime::Mutex::Guard guard = co_await round_lock_.Lock();
  const int64_t now_us = runtime_.clock->NowUs();
  for (const auto& [id, table] : tables_) {
    const Table& of = table.writer->table();
    if (FilesToMerge(of, table.definition, options_.care, now_us).empty()) continue;
    groups.push_back(table.definition);
  }
  co_return groups;
}

// In small pieces, with a rest after each that is as long, so that commits and reads go first.
Task<void> Compactor::Impl::CareFor(FeatureGroup group) {
  std::unique_ptr<TableCare> care;
  Status status;
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
    auto opened = TableCare::Open(*runtime_.files, options_.offline_root, group, options_.care);
    status = opened.status();
    if (opened.ok()) care = std::move(opened).value();
  });
  if (status.code() == Code::kFailedPrecondition) co_return;  // somebody else does it
  bool more = status.ok();
  while (more && !stopping_) {
    const auto begin = runtime_.clock->Monotonic();
    const int64_t now_us = runtime_.clock->NowUs();
    co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] {
      const Result<bool> advanced = care->Advance(now_us);
      status = advanced.status();
      more = advanced.ok() && *advanced;
    });
    co_await Rest(runtime_.clock->Monotonic() - begin);
  }
  if (care == nullptr || !status.ok()) {
    CareFailed(group, status);
  } else {
    care_failing_.erase(group.id);
  }
  const CareOutcome outcome = care == nullptr ? CareOutcome() : care->outcome();
  co_await runtime::RunBlocking(*runtime_.blocking, *runtime_.executor, [&] { care.reset(); });
  if (outcome.merges == 0) co_return;
  merged_files_total_.Add(static_cast<double>(outcome.files_before));
  runtime_.logger->Info("compactor: " + group.QualifiedName() + ": merged " +
                        std::to_string(outcome.files_before) + " files into " +
                        std::to_string(outcome.files_after) + ", " + std::to_string(outcome.rows) +
                        " rows, " + std::to_string(outcome.bytes_before) + " bytes into " +
                        std::to_string(outcome.bytes_after));
}

Task<void> Compactor::Impl::Rest(std::chrono::nanoseconds time) {
  const auto end = runtime_.clock->Monotonic() + time;
  while (!stopping_) {
    const std::chrono::nanoseconds left = end - runtime_.clock->Monotonic();
    if (left <= std::chrono::nanoseconds(0)) co_return;
    co_await wake_.WaitFor(left);
  }
}

void Compactor::Impl::CareFailed(const FeatureGroup& group, const Status& status) {
  care_failures_total_.Add();
  const auto [failing, is_new] = care_failing_.try_emplace(group.id, status.code());
  if (!is_new && std::exchange(failing->second, status.code()) == status.code()) return;
  runtime_.logger->Error("compactor: merging files of the offline table of " +
                         group.QualifiedName() + " failed: " + status.ToString() +
                         "; the table is as it was, and it is tried again");
}

}  // namespace tokura::offline
