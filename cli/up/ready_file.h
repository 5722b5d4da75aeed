// The ready file (--ready-file): it appears, whole, when requests are served, says where, and goes
// when they are not any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "router/router.h"
#include "runtime/file_system.h"

namespace tokura::cli {

struct ReadyState {
  int64_t pid = 0;
  std::optional<runtime::Address> router;
  std::optional<runtime::Address> http;
  std::vector<router::NodeEndpoint> nodes;
};

// {"pid":1,"router":"127.0.0.1:7400","http":"…","nodes":[{"id":"n1","pid":1,"listen":"…"}]}; what a
// program does not have is left out.
std::string ReadyJson(const ReadyState& state);

// Removes the file at destruction. An empty path: there is none, and nothing happens.
class ReadyFile {
 public:
  // Removes what an earlier process left there. `files` outlives it. Errors: the directory is
  // missing or not writable.
  static Result<ReadyFile> Claim(runtime::FileSystem& files, const std::string& path);
  ~ReadyFile();
  ReadyFile(ReadyFile&& other) noexcept : files_(other.files_), path_(std::move(other.path_)) {
    other.path_.clear();
  }
  Status Publish(const ReadyState& state);
  // Takes it away before the end.
  void Withdraw();

 private:
  ReadyFile(runtime::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  runtime::FileSystem& files_;
  std::string path_;
};

// How a node tells routers and compactors of its catalog where it is: CATALOG/nodes/<id>.json.
Status RegisterNode(runtime::FileSystem& files, const std::string& catalog_directory,
                    const router::NodeEndpoint& node, const std::string& rack);
// By id; empty if none is registered. CORRUPT names the file.
Result<std::vector<router::NodeEndpoint>> ReadRegisteredNodes(runtime::FileSystem& files,
                                                              const std::string& catalog_directory);

}  // namespace tokura::cli
