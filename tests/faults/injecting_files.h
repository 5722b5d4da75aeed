// A file system over another one that counts its calls and lets the k-th one go wrong in one of the
// ways that disks do. A matrix of faults runs a workload for every k; FaultyFiles is for tests that
// script one fault.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/file_system.h"

namespace tokura::runtime {

enum class DiskFault : uint8_t {
  kNone,
  kCrash,           // the process ends at the call, which had no effect, half of it, or all of it
  kIoError,         // the call fails
  kIoErrorForever,  // so does every call after it
  kFull,            // a call that needs space fails, and so do the next few
  kShortWrite,      // an append writes part of its bytes and fails for want of space, once
  kBrokenWrite,     // the same with an I/O error
  kSyncFails,       // a sync fails, and syncs of that file only pretend from then on
  kFlipOnRead,      // a read returns one bit wrong, once
  kSyncsLie,        // from then on syncs return OK and do nothing: no program survives this one
};
const char* NameOf(DiskFault fault);

// Thread-safe.
class InjectingFiles final : public FileSystem {
 public:
  explicit InjectingFiles(FileSystem& under) : under_(under) {}

  // The `call`-th call, from 0, of those that `fault` can befall goes wrong; `seed` draws how.
  void Inject(DiskFault fault, uint64_t call, uint64_t seed);
  // The fault is over; a crash too, once the process has gone.
  void Heal();
  bool reached() const;  // whether the fault happened
  bool crashed() const;  // no call has an effect until Heal
  // What went wrong: "append to /data/n1/log/...seg: 13 of 27 bytes".
  std::string what() const;
  uint64_t calls() const;

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> Open(const std::string& path) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<bool> IsDirectory(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  class Writer;
  class Reader;

  // What a call is, as far as faults tell calls apart.
  enum Kind : uint8_t { kLook, kRead, kChange, kGrow, kAppend, kSync };
  enum class Effect : uint8_t { kWhole, kHalf, kNone };
  struct Outcome {
    Status status;                   // not OK: what the caller is told
    Effect effect = Effect::kWhole;  // of the call on the disk
    bool flip = false;               // one bit of what is read
    bool pretend = false;            // this and later syncs of the file do nothing
  };
  bool Befalls(Kind kind) const;
  Outcome Take(Kind kind, const std::string& what);
  uint64_t Draw();  // with mutex_ held
  template <typename Call>
  auto Locked(Call call) {
    const std::lock_guard lock(mutex_);
    return call();
  }
  // Runs `call` on the disk below as far as the outcome lets it.
  template <typename Call>
  auto Run(Kind kind, const std::string& what, Call call) -> decltype(call());

  FileSystem& under_;
  mutable std::mutex mutex_;
  DiskFault fault_ = DiskFault::kNone;
  uint64_t left_ = 0;
  uint64_t random_ = 0;
  uint64_t calls_ = 0;
  uint64_t full_for_ = 0;  // so many more calls that need space fail
  bool reached_ = false;
  bool crashed_ = false;
  std::string what_;
};

}  // namespace tokura::runtime
