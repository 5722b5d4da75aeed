// What the operating system tells about other processes and about files, for `tokura doctor`. All
// of it is a best effort: what this user may not see is left out, never an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tokura::runtime::real {

struct ProcessName {
  int64_t pid = 0;
  std::string program;  // "postgres"
};

// Whether a socket of this machine listens on TCP `port`.
bool IsListening(uint16_t port);
// The process behind it, if it is this user's or this user may look.
std::optional<ProcessName> FindListener(uint16_t port);
bool IsRunning(int64_t pid);
// How many files `pid` may have open.
std::optional<uint64_t> OpenFilesLimit(int64_t pid);
// The first file under `root` that belongs to somebody else than `root` itself, with both owners:
// "DIR/nodes (of root; DIR is of tokura)". Looks at no more than `files_max`.
std::optional<std::string> FindForeignFile(const std::string& root, size_t files_max);

}  // namespace tokura::runtime::real
