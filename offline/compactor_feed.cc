#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "offline/compactor_impl.h"

namespace tokura::offline {
namespace {

using runtime::Task;
using namespace std::chrono_literals;

constexpr uint32_t kPageBytesMax = 4 << 20;
constexpr auto kPageWait = 1s;
constexpr auto kPageTimeout = 30s;
constexpr auto kRetryAfter = 500ms;
// Between two looks at a feed that had nothing, should the node not make us wait itself.
constexpr auto kIdlePause = 10ms;

}  // namespace

Task<void> Compactor::Impl::Follow(Feed* feed) {
  while (!stopping_) {
    if (buffer_.bytes() >= options_.buffer_bytes_max) {
      wake_.NotifyAll();
      co_await progress_.WaitFor(kRetryAfter);
      continue;
    }
    const uint64_t generation = generation_;
    Status begun;
    if (feed->cursor.empty()) begun = co_await BeginFeed(feed);
    if (stopping_) break;
    if (generation != generation_) continue;  // of a feed that was begun again since
    Result<client::FeedPage> page = begun.ok() ? Unavailable("not asked") : begun;
    const uint64_t committed = committed_version_;
    if (begun.ok()) {
      client::NodeClient::WatchArgs args{.cursor = feed->cursor,
                                         .vector = start_.Encode(),
                                         .bytes_max = kPageBytesMax,
                                         .wait = kPageWait,
                                         .passed_groups = PassGroups()};
      if (feed->committed_told != committed) {
        args.committed = committed_;
        args.committed_paused = committed_paused_;
      }
      page = co_await feed->client->Watch(std::move(args), kPageTimeout);
    }
    if (stopping_) break;
    if (page.ok()) feed->committed_told = committed;
    if (generation != generation_) continue;
    if (!page.ok()) {
      FeedFailed(feed, page.status());
      co_await progress_.WaitFor(kRetryAfter);
      continue;
    }
    const bool idle = page->records.empty() && page->at_end;
    TakePage(feed, std::move(page).value());
    if (!feed->failing.ok()) co_await progress_.WaitFor(kRetryAfter);
    if (idle) co_await runtime::Sleep(*runtime_.executor, kIdlePause);
  }
}

// Where the node's log was cut a table that is new, or was paused, goes on behind the cut: what is
// gone was in all tables of its time.
Task<Status> Compactor::Impl::BeginFeed(Feed* feed) {
  const uint64_t generation = generation_;
  Result<client::NodeInfo> info = co_await feed->client->GetStatus(kPageTimeout, /*want_cut=*/true);
  if (!info.ok()) co_return info.status();
  if (info->cut.empty()) co_return OkStatus();
  TOKURA_CO_ASSIGN_OR_RETURN(const PositionVector cut, PositionVector::Decode(info->cut));
  if (!stopping_ && generation == generation_ && !cut.empty()) TakeCut(cut);
  co_return OkStatus();
}

void Compactor::Impl::TakeCut(const PositionVector& cut) {
  bool all_cover = true;
  for (auto& [id, table] : tables_) {
    if (table.writer == nullptr || table.covered.Covers(cut)) continue;
    if (table.may_skip_cut) {
      table.incomplete_before_us = runtime_.clock->NowUs();
      table.covered.JoinWith(cut);
      buffer_.Skip(id, cut);
    } else {
      all_cover = false;  // the node refuses, and says why
    }
  }
  if (!all_cover) return;
  start_.JoinWith(cut);
  PositionVector read = buffer_.read();
  read.JoinWith(cut);
  buffer_.Restart(std::move(read));
}

std::vector<GroupId> Compactor::Impl::PassGroups() {
  std::vector<GroupId> passed;
  for (const FeatureGroup& group : definitions_.Current()->groups) {
    if (group.offline || tables_.contains(group.id)) continue;
    passed.push_back(group.id);
    missed_.insert(group.id);
  }
  return passed;
}

void Compactor::Impl::TakePage(Feed* feed, client::FeedPage page) {
  for (const client::FeedRecord& record : page.records) {
    if (Status added = buffer_.Add(record); !added.ok()) {
      // Nothing may be left out, so the feed stays where it is.
      FeedFailed(feed, added.WithContext("record " + OriginOf(record.dot) + ":" +
                                         std::to_string(record.dot.seq.value)));
      return;
    }
  }
  if (!feed->failing.ok()) {
    runtime_.logger->Info("compactor: reads from " + feed->client->address().ToString() + " again");
    feed->failing = OkStatus();
  }
  feed->cursor = std::move(page.cursor);
  feed->at_end = page.at_end;
  if (page.at_end) feed->watermark_us = std::max(feed->watermark_us, page.watermark_us);
  buffer_.Pass(page.passed, page.passed_records);
  buffer_bytes_.Set(static_cast<double>(buffer_.bytes()));
  if (page.records.empty() && page.passed_records == 0) return;
  ++progress_count_;
  progress_.NotifyAll();
}

void Compactor::Impl::FeedFailed(Feed* feed, const Status& status) {
  feed->at_end = false;
  feed->committed_told = 0;  // the node may have begun anew
  const bool known = feed->failing.code() == status.code();
  feed->failing = status;
  ++feed->failures;
  if (status.code() == Code::kInvalidArgument || status.code() == Code::kFailedPrecondition ||
      status.code() == Code::kNotFound) {
    // The node may not know the cursor any more; the position is enough to go on.
    start_ = buffer_.read();
    feed->cursor.clear();
  }
  if (known) return;
  runtime_.logger->Warning("compactor: cannot read the change feed of " +
                           feed->client->address().ToString() + ": " + status.ToString() +
                           "; offline tables fall behind until it answers");
}

// Begins the feeds again where the tables that missed records need it; all others skip what was
// read for them already.
void Compactor::Impl::RestartFeeds() {
  std::optional<PositionVector> from;
  for (const auto& [id, table] : tables_) {
    if (!missed_.contains(id)) continue;
    if (from) {
      from->MeetWith(table.covered);
    } else {
      from = table.covered;
    }
  }
  if (!from) return;
  for (const auto& [id, table] : tables_) {
    if (missed_.contains(id)) {
      buffer_.Discard(id);  // it comes again, and would be taken for repeats
    } else {
      buffer_.Skip(id, buffer_.read());
    }
  }
  for (const GroupId id : buffer_.groups()) {
    if (!missed_.contains(id)) buffer_.Skip(id, buffer_.read());
  }
  std::erase_if(missed_, [this](GroupId id) { return tables_.contains(id); });
  ++generation_;
  start_ = *from;
  buffer_.Restart(*std::move(from));
  for (const std::unique_ptr<Feed>& feed : feeds_) {
    feed->cursor.clear();
    feed->at_end = false;
    feed->watermark_us = 0;  // below it nothing is missing: not so until all is read again
  }
}

int64_t Compactor::Impl::Watermark() const {
  if (feeds_.empty()) return 0;
  int64_t watermark = feeds_.front()->watermark_us;
  for (const std::unique_ptr<Feed>& feed : feeds_) {
    watermark = std::min(watermark, feed->watermark_us);
  }
  return watermark;
}

bool Compactor::Impl::AllRead() const {
  return std::all_of(feeds_.begin(), feeds_.end(), [](const std::unique_ptr<Feed>& feed) {
    return feed->at_end && feed->failing.ok();
  });
}

}  // namespace tokura::offline
