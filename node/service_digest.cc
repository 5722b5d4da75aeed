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

runtime::Task<Result<std::string>> NodeService::Digest(runtime::Executor& home,
                                                       const runtime::rpc::Call& call) {
  TOKURA_CO_ASSIGN_OR_RETURN(v1::DigestRequest request, ParseRequest<v1::DigestRequest>(call.body));
  // One revision for both folds; shared with the blocking pool.
  const std::shared_ptr<const catalog::Definitions> definitions = parts_.definitions->Current();
  TOKURA_CO_ASSIGN_OR_RETURN(std::set<GroupId> groups, AskedGroups(request, *definitions));
  const int64_t now_us = request.now_us();

  std::vector<ThreadDigest> threads(parts_.threads.size());
  std::vector<FanOutPart> fan_out;
  for (size_t i = 0; i < threads.size(); ++i) {
    StorageThread& thread = *parts_.threads[i];
    fan_out.push_back(
        {&thread.executor(), DigestThread(thread, *definitions, groups, now_us, &threads[i])});
  }
  co_await FanOut(home, std::move(fan_out));
  PositionVector vector;
  std::map<GroupId, RowsDigest> live;
  for (const ThreadDigest& thread : threads) {
    if (!thread.rows.ok()) co_return thread.rows.status();
    vector.JoinWith(thread.held);
    for (const auto& [group, rows] : *thread.rows) {
      live[group].rows += rows.rows;
      live[group].digest += rows.digest;
    }
  }

  // joint owners: this request and the blocking pool
  auto fold = std::make_shared<Result<LogFold>>(LogFold());
  auto work = [fold, definitions, groups, vector, now_us, files = parts_.files,
               directory = parts_.log_directory] {
    *fold = FoldLog(*files, directory, vector, *definitions, groups, now_us);
  };
  co_await runtime::RunBlocking(*parts_.blocking, home, std::move(work));
  if (!fold->ok()) co_return fold->status();
  v1::DigestResponse response = ToResponse(live, **fold);
  response.set_vector(vector.Encode());
  co_return response.SerializeAsString();
}

}  // namespace tokura::node
