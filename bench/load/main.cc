// tokura-bench: the load generator that bench/run starts. Asks one store for rows, or gives it
// rows, checks every answer, and prints one line of JSON. Not meant to be called by hand, but
// --help says how.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "bench/load/closed_loop.h"
#include "bench/load/library_loop.h"
#include "bench/load/memcached_dialect.h"
#include "bench/load/open_loop.h"
#include "bench/load/resp_dialect.h"
#include "bench/load/tokura_dialect.h"
#include "catalog/definitions.h"
#include "client/remote_api.h"
#include "runtime/real/real_runtime.h"

namespace tokura::bench {
namespace {

struct Flags {
  std::string store;
  std::string action;
  std::string address;
  std::string router;
  std::string shape = "f64x20";
  TokuraNames names{"bench/s", "bench/all"};
  double seconds = 2;
  double warm_up = 0.3;
  double rate = 0;
  double deadline = 30;
  LoopOptions loop;
};

std::chrono::nanoseconds FromSeconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
}

// The ids of the group at the router, for talking to its node.
Result<TokuraIds> LookUpIds(const std::string& router, const std::string& group_name) {
  TOKURA_ASSIGN_OR_RETURN(const runtime::Address address, runtime::Address::Parse(router));
  runtime::real::EventLoop loop("bench");
  client::RemoteApi api(loop.executor(), loop.transport(), address);
  const Result<client::Api::Definitions> definitions =
      runtime::real::RunToCompletion(loop, api.GetDefinitions({}));
  loop.RunUntilDone(api.Stop());
  if (!definitions.ok()) return definitions.status();
  TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* group, (*definitions)->ResolveGroup(group_name));
  TokuraIds ids{group->id, {}};
  for (const Feature& feature : group->features) ids.features.push_back(feature.id);
  return ids;
}

Result<std::unique_ptr<Dialect>> MakeDialect(const Flags& flags, const RowShape& shape) {
  if (flags.store == "tokura") {
    return MakeTokuraRouter(
        shape, flags.names,
        std::chrono::duration_cast<std::chrono::microseconds>(FromSeconds(flags.deadline)));
  }
  if (flags.store == "redis-hashes") return MakeRedisHashes(shape);
  if (flags.store == "redis-packed") return MakeRedisPacked(shape);
  if (flags.store == "memcached") return MakeMemcached(shape);
  TOKURA_ASSIGN_OR_RETURN(TokuraIds ids, LookUpIds(flags.router, flags.names.group));
  return MakeTokuraNode(shape, std::move(ids));
}

double Percentile(const std::vector<double>& ascending, double part) {
  if (ascending.empty()) return 0;
  return ascending[static_cast<size_t>(part * static_cast<double>(ascending.size() - 1))];
}

void Print(const LoopReport& report) {
  std::printf(
      "{\"requests\": %llu, \"rows\": %llu, \"retries\": %llu, \"seconds\": %.6f, "
      "\"server_cpu_seconds\": %.6f, \"client_cpu_seconds\": %.6f, \"p50_us\": %.2f, "
      "\"p99_us\": %.2f, \"max_us\": %.2f}\n",
      static_cast<unsigned long long>(report.requests),
      static_cast<unsigned long long>(report.rows), static_cast<unsigned long long>(report.retries),
      report.seconds, report.server_cpu_seconds, report.client_cpu_seconds,
      Percentile(report.latencies_us, 0.5), Percentile(report.latencies_us, 0.99),
      Percentile(report.latencies_us, 1));
}

void Print(const CrowdReport& report) {
  const std::pair<const char*, uint64_t> counts[] = {
      {"due", report.due},         {"in_time", report.in_time}, {"late", report.late},
      {"refused", report.refused}, {"unknown", report.unknown}, {"failed", report.failed},
      {"unsent", report.unsent},   {"silent", report.silent}};
  for (const auto& [name, count] : counts) {
    std::printf("%s\"%s\": %llu", name == counts[0].first ? "{" : ", ", name,
                static_cast<unsigned long long>(count));
  }
  std::printf(", \"seconds\": %.6f, \"client_cpu_seconds\": %.6f}\n", report.seconds,
              report.client_cpu_seconds);
}

Result<LoopReport> RunLoop(const Flags& flags, const RowShape& shape) {
  if (flags.store == "tokura-library") {
    return RunLibraryReads(shape, flags.names.service, flags.loop);
  }
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Dialect> dialect, MakeDialect(flags, shape));
  return flags.action == "write" ? RunWrites(*dialect, flags.loop) : RunReads(*dialect, flags.loop);
}

Status Run(Flags* flags) {
  if (flags->store == "tokura-library" && flags->action != "read") {
    return InvalidArgument("tokura-library only reads");
  }
  if (flags->action == "crowd" && (flags->store != "tokura" || flags->rate <= 0)) {
    return InvalidArgument("a crowd asks tokura, at a --rate above 0");
  }
  TOKURA_ASSIGN_OR_RETURN(const RowShape shape, ShapeNamed(flags->shape));
  TOKURA_ASSIGN_OR_RETURN(flags->loop.address, runtime::Address::Parse(flags->address));
  flags->loop.duration = FromSeconds(flags->seconds);
  flags->loop.warm_up = FromSeconds(flags->warm_up);
  if (flags->action == "crowd") {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<Dialect> dialect, MakeDialect(*flags, shape));
    TOKURA_ASSIGN_OR_RETURN(const CrowdReport report, RunCrowd(*dialect, flags->loop, flags->rate,
                                                               FromSeconds(flags->deadline)));
    Print(report);
    return OkStatus();
  }
  TOKURA_ASSIGN_OR_RETURN(const LoopReport report, RunLoop(*flags, shape));
  Print(report);
  return OkStatus();
}

void Define(CLI::App* app, Flags* flags) {
  LoopOptions& loop = flags->loop;
  app->add_option("store", flags->store)
      ->required()
      ->check(CLI::IsMember({"tokura", "tokura-node", "tokura-library", "redis-hashes",
                             "redis-packed", "memcached"}));
  app->add_option("action", flags->action)
      ->required()
      ->check(CLI::IsMember({"read", "write", "crowd"}));
  app->add_option("--address", flags->address, "of the store")->required();
  app->add_option("--router", flags->router, "tokura-node: where the definitions are");
  app->add_option("--shape", flags->shape, "f64x20, f32x20, str16x5, vec128x1");
  app->add_option("--group", flags->names.group, "tokura: written to");
  app->add_option("--service", flags->names.service, "tokura: read");
  app->add_option("--entities", loop.entities)->required()->check(CLI::PositiveNumber);
  app->add_option("--batch", loop.batch, "entities in a request")->check(CLI::Range(1, 1000));
  app->add_option("--features", loop.features, "of a read: the first so many");
  app->add_option("--connections", loop.connections)->check(CLI::PositiveNumber);
  app->add_option("--depth", loop.depth, "requests in flight on each connection")
      ->check(CLI::PositiveNumber);
  app->add_option("--generation", loop.generation, "which values: written, or expected");
  app->add_option("--seed", loop.seed, "of the entities read");
  app->add_option("--seconds", flags->seconds, "of a read measurement");
  app->add_option("--warm-up", flags->warm_up, "seconds before it");
  app->add_option("--rate", flags->rate, "crowd: requests a second, answered or not");
  app->add_option("--deadline", flags->deadline, "seconds that a caller of tokura waits");
  app->add_option("--server-pid", loop.server_pids, "whose CPU time is counted");
  app->add_flag("--spin", loop.spin, "never sleep while waiting for an answer");
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Load for one store, every answer checked.");
  Define(&app, &flags);
  CLI11_PARSE(app, argc, argv);
  const Status status = Run(&flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "tokura-bench: %s: %s\n", flags.store.c_str(), status.ToString().c_str());
  return status.code() == Code::kCorrupt ? 4 : 1;
}

}  // namespace
}  // namespace tokura::bench

int main(int argc, char** argv) { return tokura::bench::Main(argc, argv); }
