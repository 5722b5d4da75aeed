#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/up/up.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura up\n"
    "tokura up --data-dir /var/lib/tokura --definitions features.yaml --ready-file "
    "/run/tokura.json\n"
    "TOKURA_DATA_DIR=/var/lib/tokura tokura up --config tokura.yaml --print-config";

}  // namespace

void RegisterUp(CommandLine& line, Context& context) {
  auto flags = std::make_shared<UpFlags>();  // joint owners: the parser's options and the action
  CLI::App& app = line.AddVerb(
      line.root(),
      {"up", "run a feature store: node, router and compactor in one process", kRunSection,
       "[--data-dir DIR] [--listen HOST:PORT] [--http HOST:PORT] [--definitions FILE...]",
       kExamples},
      [flags, &context] { return RunUp(*flags, context.console); });
  app.add_option("--data-dir", flags->data_dir, "where everything is kept; made if it is not there")
      ->type_name("DIR");
  AddAddress(app, "--listen", &flags->listen, "native protocol; port 0 takes a free one");
  AddAddress(app, "--http", &flags->http, "HTTP and JSON; port 0 takes a free one");
  app.add_option("--definitions", flags->definitions,
                 "YAML files applied before anything is served; what would lose data is refused")
      ->type_name("FILE...");
  AddCount(app, "--nodes", &flags->nodes, "nodes; more than one comes with a later release", 64);
  AddCount(app, "--threads", &flags->threads, "storage threads; 0: processors - 1, at least 1",
           kStorageThreadsMax);
  app.add_option("--ready-file", flags->ready_file,
                 "a JSON file that is there as long as requests are served")
      ->type_name("FILE");
  app.add_option("--offline", flags->offline,
                 "the offline tables: a directory, or s3://BUCKET/PREFIX; default DATA_DIR/offline")
      ->type_name("URI");
  AddDuration(app, "--compact-interval", &flags->compact_interval,
              "how often new records reach the offline tables");
  AddChoice(app, "--durability", &flags->durability,
            "a write is acknowledged when synced to disk, or when handed to the operating system",
            {"fsync", "flushed"});
  AddStorageFlags(app, &flags->storage);
  app.add_flag(
      "--spin", flags->spin,
      "an idle thread polls a while before it sleeps, as long as requests come often: quicker "
      "answers for a busy core");
  app.add_flag("--insecure", flags->insecure, "listen beyond loopback without TLS");
  AddServingFlags(app, &flags->serving, /*has_node=*/true, /*has_router=*/true);
}

}  // namespace tokura::cli
