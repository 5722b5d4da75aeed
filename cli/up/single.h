// What the single programs (tokura-node, tokura-router, tokura-compactor) share: a catalog
// directory that several processes use, and a life from the first part to a signal.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "cli/program/command_line.h"
#include "cli/up/catalog_follower.h"
#include "cli/up/lifetime.h"
#include "cli/up/machine.h"
#include "cli/up/ready_file.h"

namespace tokura::cli {

// file://DIR (or a path). INVALID_ARGUMENT for etcd://, which comes with clusters.
Result<std::string> CatalogDirectory(const std::string& uri);

// One part of one process. Start and Stop run on the main loop.
class Part {
 public:
  virtual ~Part() = default;
  // Fills in what of `ready` this part serves.
  virtual runtime::Task<Status> Start(runtime::Executor& main, ReadyState* ready) = 0;
  virtual runtime::Task<void> Stop(runtime::Executor& main) = 0;
  // A part that does its work in Start (--once) needs no signal to end.
  virtual bool runs_on() const { return true; }
};

struct Surroundings {
  Machine& machine;
  catalog::FileCatalog& catalog;
  Lifetime& lifetime;
};

// Opens the catalog, follows it, runs the part that `make` makes until a signal or a failure, and
// drains.
Result<Exit> RunSingle(
    const std::string& catalog_uri, const std::string& ready_file, const ServingFlags& serving,
    const std::function<Result<std::unique_ptr<Part>>(const Surroundings&)>& make);

// The single node that is registered in the catalog. UNAVAILABLE if there is none yet;
// FAILED_PRECONDITION if there are several, which takes a cluster.
Result<router::NodeEndpoint> OnlyNode(runtime::FileSystem& files, const std::string& catalog_uri);

// Runs one program: its command line, console and files.
int RunProgram(int argc, char** argv, VerbText text,
               const std::function<Action(CommandLine& line, Console& console)>& define);

}  // namespace tokura::cli
