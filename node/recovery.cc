#include "node/recovery.h"

#include <optional>
#include <utility>

#include "replication/log_base.h"
#include "runtime/sync.h"

namespace tokura::node {

runtime::Task<Result<RecoveredRows>> Recovery::Run() {
  RecoveredRows rows;
  co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [this] { OpenView(); });
  std::optional<replication::LogMark> mark;
  if (view_ != nullptr && view_->recovered_mark()) {
    Result<replication::LogMark> decoded = replication::LogMark::Decode(*view_->recovered_mark());
    Status usable = decoded.status();
    if (usable.ok()) {
      mark = std::move(*decoded);
      Result<replication::RecoveredLog> log = co_await Fold(&*mark);
      if (log.ok()) {
        rows = {std::move(*log), view_, /*from_view=*/true};
        co_return rows;
      }
      // What is wrong with the log itself is wrong without the view, too.
      usable = ViewStatus().ok() ? log.status() : ViewStatus();
      if (ViewStatus().ok() && usable.code() != Code::kFailedPrecondition) co_return usable;
    }
    co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [this, &usable] {
      DropView(usable);
      OpenView();
    });
  }
  Result<replication::RecoveredLog> log = co_await Fold(nullptr);
  if (!log.ok() && !ViewStatus().ok()) {
    const Status why = ViewStatus();
    co_await runtime::RunBlocking(*parts_.blocking, *parts_.home, [this, &why] { DropView(why); });
    log = co_await Fold(nullptr);
  }
  if (!log.ok()) co_return log.status();
  rows.log = std::move(*log);
  rows.view = view_;
  co_return rows;
}

// Null afterwards: the disk is full or denied; the keeper tries again.
void Recovery::OpenView() {
  for (int attempt = 0; attempt < 2; ++attempt) {
    Result<std::unique_ptr<View>> opened = View::Open(*parts_.files, parts_.view, *parts_.metrics);
    if (opened.ok()) {
      view_ = std::move(*opened);
      return;
    }
    DropView(opened.status());
  }
}

void Recovery::DropView(const Status& why) {
  folds_.clear();
  view_.reset();
  parts_.logger->Warning(parts_.view.directory + ": " + why.message() +
                         "; removed, rows are made again from the log");
  const Status removed = View::Remove(*parts_.files, parts_.view.directory);
  if (!removed.ok()) parts_.logger->Error(removed.message());
}

// The first that failed.
Status Recovery::ViewStatus() const {
  for (const auto& fold : folds_) {
    if (!fold->view_status().ok()) return fold->view_status();
  }
  return OkStatus();
}

void Recovery::SetHorizons(const replication::LogMark& mark) {
  for (StorageThread* thread : parts_.threads) {
    thread->rows().SetHorizons({mark.horizons_us.begin(), mark.horizons_us.end()});
  }
}

Status Recovery::AddBase() {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::LogBase> base,
                          replication::LogBase::Open(*parts_.files, parts_.log_directory));
  if (base == nullptr) return OkStatus();
  SetHorizons(base->mark());
  TOKURA_RETURN_IF_ERROR(
      base->ForEach([this](ShardId shard, std::string_view key, std::string_view packed) {
        return folds_[ThreadOfShard(shard, folds_.size())]->AddBaseRow(shard, key, packed);
      }));
  for (const auto& fold : folds_) TOKURA_RETURN_IF_ERROR(fold->EndBase());
  return OkStatus();
}

runtime::Task<Result<replication::RecoveredLog>> Recovery::Fold(const replication::LogMark* mark) {
  folds_.clear();
  for (StorageThread* thread : parts_.threads) {
    thread->store().Reset();
    if (mark != nullptr) thread->rows().SetIncomplete();
    folds_.push_back(std::make_unique<RowFold>(thread->rows(), thread->store().memory_bytes_max(),
                                               view_.get(), *parts_.definitions));
  }
  if (mark != nullptr) {
    SetHorizons(*mark);
  } else {
    Status base;
    co_await runtime::RunBlocking(*parts_.blocking, *parts_.home,
                                  [this, &base] { base = AddBase(); });
    if (!base.ok()) co_return base;
  }
  replication::RecoverOptions options;
  options.from = mark;
  options.lanes = folds_.size();
  co_return co_await replication::RecoverLogInParallel(
      *parts_.home, *parts_.blocking, *parts_.files, parts_.log_directory, options,
      [this](const replication::LogRecord& record) {
        return folds_[ThreadOfShard(record.dot.shard, folds_.size())]->AddRecord(record.body);
      });
}

}  // namespace tokura::node
