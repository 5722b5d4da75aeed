#include "bench/load/library_loop.h"

#include <algorithm>
#include <random>

#include "bench/load/cpu_time.h"
#include "bench/load/dialect.h"
#include "client/remote_api.h"
#include "runtime/real/real_runtime.h"

namespace tokura::bench {
namespace {

using Clock = std::chrono::steady_clock;

client::GetFeaturesRequest RequestFor(const std::string& service,
                                      const std::vector<uint64_t>& entities) {
  client::GetFeaturesRequest request;
  request.service = service;
  request.keys = {{"id", {}}};
  for (const uint64_t entity : entities) request.keys[0].values.emplace_back(KeyOf(entity));
  return request;
}

Status Check(const RowShape& shape, const client::GetFeaturesResponse& response,
             const std::vector<uint64_t>& entities, const LoopOptions& options) {
  if (response.features.size() != options.features) return Corrupt("another number of features");
  for (size_t f = 0; f < options.features; ++f) {
    const client::FeatureAnswer& answer = response.features[f];
    if (answer.values.size() != entities.size()) {
      return WrongValue(entities.front(), f, "a column of another length");
    }
    for (size_t i = 0; i < entities.size(); ++i) {
      if (answer.statuses[i] != ReadStatus::kPresent) {
        return WrongValue(entities[i], f, ReadStatusName(answer.statuses[i]));
      }
      if (answer.values.At(i) != ValueOf(shape, entities[i], f, options.generation)) {
        return WrongValue(entities[i], f, "not the value written");
      }
    }
  }
  return OkStatus();
}

runtime::Task<Result<LoopReport>> Read(client::RemoteApi& api, const RowShape& shape,
                                       const std::string& service, const LoopOptions& options) {
  std::mt19937_64 random(options.seed);
  std::uniform_int_distribution<uint64_t> draw(0, options.entities - 1);
  std::vector<uint64_t> entities(options.batch);
  LoopReport report;
  bool measuring = false;
  double server_cpu = 0;
  double client_cpu = 0;
  const Clock::time_point begin = Clock::now();
  Clock::time_point measured_from = begin;
  for (Clock::time_point now = begin; now - begin < options.warm_up + options.duration;
       now = Clock::now()) {
    if (!measuring && now - begin >= options.warm_up) {
      TOKURA_CO_ASSIGN_OR_RETURN(server_cpu, CpuSecondsOf(options.server_pids));
      client_cpu = OwnCpuSeconds();
      measured_from = Clock::now();
      measuring = true;
    }
    for (uint64_t& entity : entities) entity = draw(random);
    const Clock::time_point asked = Clock::now();
    client::GetFeaturesRequest request = RequestFor(service, entities);
    const Result<client::GetFeaturesResponse> response =
        co_await api.GetFeatures(std::move(request), {});
    const std::chrono::duration<double, std::micro> took = Clock::now() - asked;
    if (!response.ok()) co_return response.status();
    const Status right = Check(shape, *response, entities, options);
    if (!right.ok()) co_return right;
    if (!measuring) continue;
    ++report.requests;
    report.rows += entities.size();
    report.latencies_us.push_back(took.count());
  }
  report.seconds = std::chrono::duration<double>(Clock::now() - measured_from).count();
  TOKURA_CO_ASSIGN_OR_RETURN(const double server_cpu_after, CpuSecondsOf(options.server_pids));
  report.server_cpu_seconds = server_cpu_after - server_cpu;
  report.client_cpu_seconds = OwnCpuSeconds() - client_cpu;
  std::sort(report.latencies_us.begin(), report.latencies_us.end());
  co_return report;
}

}  // namespace

Result<LoopReport> RunLibraryReads(const RowShape& shape, const std::string& service,
                                   const LoopOptions& options) {
  runtime::real::EventLoop loop("bench");
  client::RemoteApi api(loop.executor(), loop.transport(), options.address);
  Result<LoopReport> report =
      runtime::real::RunToCompletion(loop, Read(api, shape, service, options));
  loop.RunUntilDone(api.Stop());
  return report;
}

}  // namespace tokura::bench
