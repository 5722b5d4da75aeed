// Context: what every verb of `tokura` gets: the console, files, clock, and the flags that all
// verbs share. Outlives the verbs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "cli/program/command_line.h"
#include "cli/program/console.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"

namespace tokura::cli {

struct Context {
  Console& console;
  runtime::FileSystem& files;
  runtime::Clock& clock;
  runtime::Random& random;
  std::string endpoint = "127.0.0.1:7400";
  std::string timeout = "30s";
  bool json = false;
};

// The sections of `tokura --help`.
inline constexpr char kRunSection[] = "Run";
inline constexpr char kDefineSection[] = "Define";
inline constexpr char kOnlineSection[] = "Write and read";
inline constexpr char kOfflineSection[] = "Train";
inline constexpr char kOperateSection[] = "Operate";

}  // namespace tokura::cli
