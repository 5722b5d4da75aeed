#include "offline/table/writer_lock.h"

#include <algorithm>
#include <utility>

#include "offline/table/location.h"

namespace tokura::offline {
namespace {

constexpr int kWritersMax = 1'000;
constexpr std::string_view kLockPrefix = "_";
constexpr std::string_view kLockSuffix = ".lock";

bool IsWriterName(std::string_view text) {
  return text.size() > 1 && text[0] == 'w' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string LockPath(const std::string& folder, std::string_view writer) {
  return std::string(folder).append("/").append(kLockPrefix).append(writer).append(kLockSuffix);
}

}  // namespace

WriterLock::WriterLock(runtime::FileSystem& files, std::string folder, std::string name,
                       std::unique_ptr<runtime::FileLock> lock)
    : files_(files), folder_(std::move(folder)), name_(std::move(name)), lock_(std::move(lock)) {}

Result<std::unique_ptr<WriterLock>> WriterLock::Take(runtime::FileSystem& files,
                                                     std::string folder) {
  for (int i = 0; i < kWritersMax; ++i) {
    std::string name = "w" + std::to_string(i);
    Result<std::unique_ptr<runtime::FileLock>> lock = LockFile(files, LockPath(folder, name));
    if (lock.ok()) {
      return std::unique_ptr<WriterLock>(
          new WriterLock(files, std::move(folder), std::move(name), *std::move(lock)));
    }
    if (lock.status().code() != Code::kFailedPrecondition) return lock.status();
  }
  return ResourceExhausted(folder + ": " + std::to_string(kWritersMax) +
                           " writers are at work on this table");
}

Result<GoneWriters> WriterLock::Gone() const {
  GoneWriters gone;
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> entries, files_.List(folder_));
  for (std::string_view entry : entries) {
    if (!entry.starts_with(kLockPrefix) || !entry.ends_with(kLockSuffix)) continue;
    entry.remove_prefix(kLockPrefix.size());
    entry.remove_suffix(kLockSuffix.size());
    if (!IsWriterName(entry) || entry == name_) continue;
    Result<std::unique_ptr<runtime::FileLock>> lock = files_.Lock(LockPath(folder_, entry));
    if (lock.ok()) {
      gone.names.emplace(entry);
      gone.locks.push_back(*std::move(lock));
    } else if (lock.status().code() == Code::kFailedPrecondition) {
      gone.everyone = false;
    } else {
      return lock.status();
    }
  }
  return gone;
}

Result<std::unique_ptr<runtime::FileLock>> LockFile(runtime::FileSystem& files,
                                                    const std::string& path) {
  // What is locked in an object store is no object.
  if (!IsRemote(path)) {
    const Status made =
        runtime::CreateFileAtomically(files, path, "Locked by a program that is at work here.\n");
    if (!made.ok() && made.code() != Code::kAlreadyExists) return made;
  }
  return files.Lock(path);
}

std::string_view WriterOf(std::string_view file_name) {
  while (!file_name.empty()) {
    const size_t end = file_name.find_first_of("-.");
    const std::string_view part = file_name.substr(0, end);
    if (IsWriterName(part)) return part;
    if (end == std::string_view::npos) break;
    file_name.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace tokura::offline
