#include "tests/faults/injecting_files.h"

#include <atomic>
#include <utility>

namespace tokura::runtime {
namespace {

// What the process would be told if it lived on: it learns nothing more.
Status Gone() { return Unavailable("the process ended at an earlier call"); }
Status Broken(const std::string& what) { return Unavailable(what + ": I/O error"); }
Status Full(const std::string& what) { return ResourceExhausted(what + ": no space left"); }

}  // namespace

const char* NameOf(DiskFault fault) {
  switch (fault) {
    case DiskFault::kNone:
      return "None";
    case DiskFault::kCrash:
      return "Crash";
    case DiskFault::kIoError:
      return "IoError";
    case DiskFault::kIoErrorForever:
      return "IoErrorForever";
    case DiskFault::kFull:
      return "Full";
    case DiskFault::kShortWrite:
      return "ShortWrite";
    case DiskFault::kBrokenWrite:
      return "BrokenWrite";
    case DiskFault::kSyncFails:
      return "SyncFails";
    case DiskFault::kFlipOnRead:
      return "FlipOnRead";
    case DiskFault::kSyncsLie:
      return "SyncsLie";
  }
  return "?";
}

void InjectingFiles::Inject(DiskFault fault, uint64_t call, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  left_ = call;
  random_ = seed;
  reached_ = crashed_ = false;
  full_for_ = 0;
  what_.clear();
}

void InjectingFiles::Heal() {
  const std::lock_guard lock(mutex_);
  fault_ = DiskFault::kNone;
  full_for_ = 0;
  crashed_ = false;
}

bool InjectingFiles::reached() const {
  const std::lock_guard lock(mutex_);
  return reached_;
}
bool InjectingFiles::crashed() const {
  const std::lock_guard lock(mutex_);
  return crashed_;
}
std::string InjectingFiles::what() const {
  const std::lock_guard lock(mutex_);
  return what_;
}
uint64_t InjectingFiles::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

bool InjectingFiles::Befalls(Kind kind) const {
  switch (fault_) {
    case DiskFault::kNone:
      return false;
    case DiskFault::kCrash:
      return kind != kLook && kind != kRead;  // between changes nothing differs
    case DiskFault::kIoError:
    case DiskFault::kIoErrorForever:
      return true;
    case DiskFault::kFull:
      return kind == kGrow || kind == kAppend;
    case DiskFault::kShortWrite:
    case DiskFault::kBrokenWrite:
      return kind == kAppend;
    case DiskFault::kSyncFails:
    case DiskFault::kSyncsLie:
      return kind == kSync;
    case DiskFault::kFlipOnRead:
      return kind == kRead;
  }
  return false;
}

uint64_t InjectingFiles::Draw() {  // SplitMix64
  uint64_t z = random_ += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

InjectingFiles::Outcome InjectingFiles::Take(Kind kind, const std::string& what) {
  const std::lock_guard lock(mutex_);
  ++calls_;
  if (crashed_) return {Gone(), Effect::kNone};
  if (full_for_ > 0 && (kind == kGrow || kind == kAppend)) {
    --full_for_;
    return {Full(what), kind == kAppend ? Effect::kHalf : Effect::kNone};
  }
  if (!Befalls(kind)) return {};
  const bool lasting =
      (fault_ == DiskFault::kIoErrorForever || fault_ == DiskFault::kSyncsLie) && reached_;
  if (!lasting && (reached_ || left_-- > 0)) return {};
  if (!reached_) what_ = what;
  reached_ = true;
  switch (fault_) {
    case DiskFault::kCrash:
      crashed_ = true;
      return {Gone(), static_cast<Effect>(Draw() % 3)};
    case DiskFault::kFull:
      full_for_ = Draw() % 12;
      return {Full(what), kind == kAppend ? Effect::kHalf : Effect::kNone};
    case DiskFault::kShortWrite:
      return {Full(what), Effect::kHalf};
    case DiskFault::kBrokenWrite:
      return {Broken(what), static_cast<Effect>(Draw() % 3)};
    case DiskFault::kSyncFails:
      return {Broken(what), Effect::kNone, false, true};
    case DiskFault::kFlipOnRead:
      return {OkStatus(), Effect::kWhole, true};
    case DiskFault::kSyncsLie:
      return {OkStatus(), Effect::kNone};
    default:
      return {Broken(what), kind == kAppend ? Effect::kHalf : Effect::kNone};
  }
}

template <typename Call>
auto InjectingFiles::Run(Kind kind, const std::string& what, Call call) -> decltype(call()) {
  const Outcome outcome = Take(kind, what);
  if (outcome.status.ok()) return call();
  if (outcome.effect == Effect::kWhole) (void)call();
  return outcome.status;
}

class InjectingFiles::Writer final : public WritableFile {
 public:
  Writer(InjectingFiles& owner, std::string path, std::unique_ptr<WritableFile> under)
      : owner_(owner), path_(std::move(path)), under_(std::move(under)) {}

  Status Append(std::string_view bytes) override {
    if (broken_) return Broken("append to " + path_);
    const Outcome outcome =
        owner_.Take(kAppend, "append of " + std::to_string(bytes.size()) + " bytes to " + path_);
    if (outcome.status.ok()) return under_->Append(bytes);
    if (outcome.effect == Effect::kHalf && !bytes.empty()) {
      bytes = bytes.substr(0, owner_.Locked([&] { return owner_.Draw(); }) % bytes.size());
    }
    if (outcome.effect != Effect::kNone) (void)under_->Append(bytes);
    broken_ = outcome.status.code() != Code::kResourceExhausted;
    return outcome.status;
  }
  Status Sync() override {
    if (broken_) return Broken("sync of " + path_);
    const Outcome outcome = owner_.Take(kSync, "sync of " + path_);
    if (outcome.pretend) pretend_ = true;
    const bool nothing = pretend_ || outcome.effect == Effect::kNone;
    if (outcome.status.ok()) return nothing ? OkStatus() : under_->Sync();
    if (outcome.effect == Effect::kWhole) (void)under_->Sync();
    return outcome.status;
  }
  Status Close() override {
    return owner_.Run(kLook, "close of " + path_, [&] { return under_->Close(); });
  }
  uint64_t size() const override { return under_->size(); }

 private:
  InjectingFiles& owner_;
  const std::string path_;
  std::unique_ptr<WritableFile> under_;
  bool broken_ = false;
  std::atomic<bool> pretend_ = false;
};

class InjectingFiles::Reader final : public ReadableFile {
 public:
  Reader(InjectingFiles& owner, std::string path, std::unique_ptr<ReadableFile> under)
      : owner_(owner), path_(std::move(path)), under_(std::move(under)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    const std::string what = "read of " + path_ + " at " + std::to_string(offset);
    const Outcome outcome = owner_.Take(kRead, what);
    if (!outcome.status.ok()) return outcome.status;
    Result<size_t> read = under_->ReadAt(offset, buffer);
    if (outcome.flip && read.ok() && *read > 0) {
      const uint64_t draw = owner_.Locked([&] { return owner_.Draw(); });
      buffer[draw / 8 % *read] ^= static_cast<char>(1 << draw % 8);
    }
    return read;
  }
  Result<uint64_t> Size() const override {
    return owner_.Run(kLook, "size of " + path_, [&] { return under_->Size(); });
  }

 private:
  InjectingFiles& owner_;
  const std::string path_;
  std::unique_ptr<ReadableFile> under_;
};

Result<std::unique_ptr<WritableFile>> InjectingFiles::Create(const std::string& path) {
  return Run(kGrow, "create of " + path, [&]() -> Result<std::unique_ptr<WritableFile>> {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, under_.Create(path));
    return std::unique_ptr<WritableFile>(std::make_unique<Writer>(*this, path, std::move(file)));
  });
}
Result<std::unique_ptr<ReadableFile>> InjectingFiles::Open(const std::string& path) {
  return Run(kLook, "open of " + path, [&]() -> Result<std::unique_ptr<ReadableFile>> {
    TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, under_.Open(path));
    return std::unique_ptr<ReadableFile>(std::make_unique<Reader>(*this, path, std::move(file)));
  });
}
Status InjectingFiles::Truncate(const std::string& path, uint64_t size) {
  return Run(kSync, "truncate of " + path, [&] { return under_.Truncate(path, size); });
}
Status InjectingFiles::Rename(const std::string& from, const std::string& to) {
  return Run(kChange, "rename to " + to, [&] { return under_.Rename(from, to); });
}
Status InjectingFiles::Link(const std::string& from, const std::string& to) {
  return Run(kGrow, "link of " + to, [&] { return under_.Link(from, to); });
}
Status InjectingFiles::Remove(const std::string& path) {
  return Run(kChange, "remove of " + path, [&] { return under_.Remove(path); });
}
Status InjectingFiles::RemoveAll(const std::string& path) {
  return Run(kChange, "remove of all of " + path, [&] { return under_.RemoveAll(path); });
}
Status InjectingFiles::CreateDirectories(const std::string& path) {
  return Run(kGrow, "create of directory " + path, [&] { return under_.CreateDirectories(path); });
}
Status InjectingFiles::SyncDirectory(const std::string& path) {
  const Outcome outcome = Take(kSync, "sync of directory " + path);
  if (outcome.effect == Effect::kNone) return outcome.status;
  const Status synced = under_.SyncDirectory(path);
  return outcome.status.ok() ? synced : outcome.status;
}
Result<std::vector<std::string>> InjectingFiles::List(const std::string& path) {
  return Run(kLook, "list of " + path, [&] { return under_.List(path); });
}
Result<bool> InjectingFiles::Exists(const std::string& path) {
  return Run(kLook, "look for " + path, [&] { return under_.Exists(path); });
}
Result<bool> InjectingFiles::IsDirectory(const std::string& path) {
  return Run(kLook, "look at " + path, [&] { return under_.IsDirectory(path); });
}
Result<uint64_t> InjectingFiles::FreeBytes(const std::string& path) {
  return Run(kLook, "free space of " + path, [&] { return under_.FreeBytes(path); });
}
Result<std::unique_ptr<FileLock>> InjectingFiles::Lock(const std::string& path) {
  return Run(kLook, "lock of " + path, [&] { return under_.Lock(path); });
}

}  // namespace tokura::runtime
