// FileDigest: the XXH3-128 of a file's bytes, by which spines and training sets are known.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

class FileDigest {
 public:
  FileDigest();
  ~FileDigest();
  void Update(std::string_view bytes);
  std::string ToHex() const;  // 32 digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Result<std::string> DigestOfFile(runtime::FileSystem& files, const std::string& path);
// Copies `from` to the new file `to`, synced, and returns the digest of what was copied.
Result<std::string> CopyFile(runtime::FileSystem& files, const std::string& from,
                             const std::string& to);

}  // namespace tokura::offline
