// WriterLock: how the writers of a table know of each other. Each holds a lock of its own in the
// metadata folder for as long as it lives, and the files it makes bear its name, so that what no
// snapshot names is left alone while whoever made it may still publish it.
//
//   metadata/_w3.lock                          held by the writer "w3"
//   data/event_day=2026-01-01/0000000012-w3-00-<digest>-<checksum>.parquet
//   metadata/m-<content>-w3.avro
//
// The lock of a process that ends is free at once, and its name is taken by the next writer. Names
// begin with '_', which programs that look for stray files pass over.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Writers of a folder that are gone. As long as this lives, nobody takes their names.
struct GoneWriters {
  std::set<std::string, std::less<>> names;
  bool everyone = true;  // nobody else was at work
  std::vector<std::unique_ptr<runtime::FileLock>> locks;
};

class WriterLock {
 public:
  // Takes the first name that is free. `folder`: the table's metadata/, which is there. `files`
  // outlives the lock.
  static Result<std::unique_ptr<WriterLock>> Take(runtime::FileSystem& files, std::string folder);

  const std::string& name() const { return name_; }
  // The writers that are not there any more, but for the one who had this name.
  Result<GoneWriters> Gone() const;

 private:
  WriterLock(runtime::FileSystem& files, std::string folder, std::string name,
             std::unique_ptr<runtime::FileLock> lock);

  runtime::FileSystem& files_;
  const std::string folder_;
  const std::string name_;
  const std::unique_ptr<runtime::FileLock> lock_;
};

// FileSystem::Lock with a file that is not empty: some warehouses refuse a folder that has one.
Result<std::unique_ptr<runtime::FileLock>> LockFile(runtime::FileSystem& files,
                                                    const std::string& path);

// "w3" for a file that the writer w3 made; empty for a name that bears none.
std::string_view WriterOf(std::string_view file_name);

}  // namespace tokura::offline
