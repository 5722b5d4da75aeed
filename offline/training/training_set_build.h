// BuildFolder: where a training set is while it is being built, so that a build that was killed can
// be taken up, and what is left of it cleared away.
//
//   OFFLINE/_datasets/_building/<key>/      (beside the output if the tables are in an object
//   store)
//     lock        held by the process that builds
//     plan.json   what it was decided to build from: written once
//     join/       what the join spills and has finished
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/status.h"
#include "offline/training/dataset.h"
#include "runtime/file_system.h"

namespace tokura::offline {

struct BuildPlan {
  DatasetInputs inputs;
  int64_t began_us = 0;
  std::string temporary;  // the output until it is whole
};

class BuildFolder {
 public:
  // Plans older than this are not taken up but cleared away.
  static constexpr int64_t kKeptUs = 24ll * 3'600'000'000;

  // `key` stands for the request, whose output is `out`. FAILED_PRECONDITION: another process
  // builds it.
  static Result<BuildFolder> Open(runtime::FileSystem& files, const std::string& offline_root,
                                  const std::string& out, const std::string& key);

  // What an earlier run decided; nullopt: none did.
  Result<std::optional<BuildPlan>> ReadPlan() const;
  Status WritePlan(const BuildPlan& plan);
  // Forgets what an earlier run left.
  Status Clear();
  std::string work_folder() const { return folder_ + "/join"; }
  // When it is done: nothing is left.
  Status Remove();

  // Removes the folders of builds that ended long ago without success. `abandon` is told what each
  // had planned, to take back what it did elsewhere.
  static Status RemoveStale(runtime::FileSystem& files, const std::string& offline_root,
                            const std::string& out, int64_t now_us,
                            const std::function<Status(const BuildPlan&)>& abandon);

 private:
  BuildFolder(runtime::FileSystem& files, std::string folder);

  runtime::FileSystem* files_;
  std::string folder_;
  std::unique_ptr<runtime::FileLock> lock_;
};

}  // namespace tokura::offline
