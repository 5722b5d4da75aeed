// NODE_DIGEST: what `verify` compares. The live rows of each thread at one point of its log, and
// the log, read again from disk, up to exactly these points.
#include <memory>
#include <utility>

#include "node/fan_out.h"
#include "node/log_fold.h"
#include "node/requests.h"
#include "node/row_walk.h"
#include "node/service.h"
#include "runtime/sync.h"

namespace tokura::node {
namespace {

constexpr int kAttempts = 3;  // while the log is cut again and again

// What one request shares with the blocking pool.
struct FoldJob {
  LogFoldRequest request;
  std::unique_ptr<replication::LogBase> base;
  Status status;
  LogFold fold;
};

struct ThreadDigest {
  PositionVector held;
  Result<std::map<GroupId, RowsDigest>> rows = std::map<GroupId, RowsDigest>();
};

// Rows and vector belong together, in however many slices the rows are looked at.
runtime::Task<void> DigestThread(StorageThread& thread, const catalog::Definitions& definitions,
                                 const std::set<GroupId>& groups, int64_t now_us,
                                 ThreadDigest* digest) {
  digest->held = thread.held();
  RowDigester digester(definitions, groups, now_us);
  const auto add = [&digester](std::string_view key, std::string_view packed) {
    return digester.Add(key, packed);
  };
  const Status walked = co_await WalkRows(thread, definitions, add);
  digest->rows = walked.ok() ? digester.Sums() : walked;
}

Result<std::set<GroupId>> AskedGroups(const v1::DigestRequest& request,
                                      const catalog::Definitions& definitions) {
  std::set<GroupId> groups;
  for (const std::string& name : request.groups()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* group, definitions.ResolveGroup(name));
    groups.insert(group->id);
  }
  if (request.groups().empty()) {
    for (const FeatureGroup& group : definitions.groups) groups.insert(group.id);
  }
  return groups;
}

Result<std::map<GroupId, PositionVector>> AskedPositions(const v1::DigestRequest& request) {
  std::map<GroupId, PositionVector> positions;
  for (const v1::DigestRequest::Position& position : request.positions()) {
    TOKURA_ASSIGN_OR_RETURN(positions[GroupId(position.group())],
                            PositionVector::Decode(position.vector()));
  }
  return positions;
}

// 16 bytes in the order of Digest::ToHex.
std::string DigestBytesOf(const Digest& digest) {
  std::string bytes;
  for (uint64_t half : {digest.high, digest.low}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(half >> shift));
  }
  return bytes;
}

v1::DigestResponse ToResponse(const std::map<GroupId, RowsDigest>& live, const LogFold& fold) {
  v1::DigestResponse response;
  for (const auto& [place, day] : fold.days) {
    v1::DigestResponse::Day* out = response.add_log_days();
    out->set_group(place.first.value);
    out->set_day(place.second);
    out->set_records(day.records);
    out->set_digest(DigestBytesOf(day.digest));
  }
  for (const auto& [group, rows] : live) {
    v1::DigestResponse::Rows* out = response.add_rows();
    out->set_group(group.value);
    out->set_rows(rows.rows);
    out->set_digest(DigestBytesOf(rows.digest));
    out->set_log_digest(DigestBytesOf(fold.rows.at(group).digest));
  }
  return response;
}

}  // namespace

// One attempt: the log may be cut while it is read.
runtime::Task<Result<std::string>> NodeService::DigestOnce(runtime::Executor& home,
                                                           const v1::DigestRequest& request) {
  // One revision for both folds; shared with the blocking pool.
  const std::shared_ptr<const catalog::Definitions> definitions = parts_.definitions->Current();
  auto job = std::make_shared<FoldJob>();  // joint owners: this request and the blocking pool
  TOKURA_CO_ASSIGN_OR_RETURN(job->request.groups, AskedGroups(request, *definitions));
  TOKURA_CO_ASSIGN_OR_RETURN(job->request.positions, AskedPositions(request));
  job->request.node = parts_.node_id;
  job->request.now_us = request.now_us();
  // Its rows may be ahead of its mark, but not of rows that are looked at later.
  auto open = [job, files = parts_.files, directory = parts_.log_directory] {
    auto base = replication::LogBase::Open(*files, directory);
    job->status = base.status();
    if (base.ok()) job->base = std::move(*base);
  };
  co_await runtime::RunBlocking(*parts_.blocking, home, std::move(open));
  if (!job->status.ok()) co_return job->status;

  std::vector<ThreadDigest> threads(parts_.threads.size());
  std::vector<FanOutPart> fan_out;
  for (size_t i = 0; i < threads.size(); ++i) {
    StorageThread& thread = *parts_.threads[i];
    fan_out.push_back({&thread.executor(), DigestThread(thread, *definitions, job->request.groups,
                                                        request.now_us(), &threads[i])});
  }
  co_await FanOut(home, std::move(fan_out));
  std::map<GroupId, RowsDigest> live;
  for (const ThreadDigest& thread : threads) {
    if (!thread.rows.ok()) co_return thread.rows.status();
    job->request.vector.JoinWith(thread.held);
    for (const auto& [group, rows] : *thread.rows) {
      live[group].rows += rows.rows;
      live[group].digest += rows.digest;
    }
  }
  auto work = [job, definitions, files = parts_.files, directory = parts_.log_directory] {
    Result<LogFold> fold = FoldLog(*files, directory, job->base.get(), *definitions, job->request);
    job->status = fold.status();
    if (fold.ok()) job->fold = std::move(*fold);
  };
  co_await runtime::RunBlocking(*parts_.blocking, home, std::move(work));
  if (!job->status.ok()) co_return job->status;
  v1::DigestResponse response = ToResponse(live, job->fold);
  response.set_vector(job->request.vector.Encode());
  co_return response.SerializeAsString();
}

runtime::Task<Result<std::string>> NodeService::Digest(runtime::Executor& home,
                                                       const runtime::rpc::Call& call) {
  TOKURA_CO_ASSIGN_OR_RETURN(v1::DigestRequest request, ParseRequest<v1::DigestRequest>(call.body));
  Result<std::string> answer = co_await DigestOnce(home, request);
  for (int attempt = 1; attempt < kAttempts; ++attempt) {
    if (answer.status().code() != Code::kFailedPrecondition) break;
    answer = co_await DigestOnce(home, request);
  }
  if (answer.status().code() == Code::kCorrupt) feed_.alarm().Note(answer.status());
  co_return answer;
}

}  // namespace tokura::node
