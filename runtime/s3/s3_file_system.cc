#include "runtime/s3/s3_file_system.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/digest.h"
#include "runtime/s3/uri.h"

namespace tokura::runtime::s3 {
namespace {

// Opening a file brings so much of its beginning along; most files of a table's metadata are
// smaller.
constexpr uint64_t kHeadBytes = 256 << 10;
constexpr uint64_t kCopyBytes = 4 << 20;
constexpr int kDraftNamesMax = 1'000;

using Draft = S3FileSystem::Draft;
using IfThere = ObjectStore::IfThere;

class DraftWriter final : public WritableFile {
 public:
  // `store` null: nothing is sent.
  DraftWriter(ObjectStore* store, std::string path, std::shared_ptr<Draft> draft)
      : store_(store), path_(std::move(path)), draft_(std::move(draft)) {}

  Status Append(std::string_view bytes) override {
    TOKURA_RETURN_IF_ERROR(CheckOpen());
    sent_ = false;
    return draft_->writer->Append(bytes);
  }
  Status Sync() override {
    TOKURA_RETURN_IF_ERROR(CheckOpen());
    return Send();
  }
  Status Close() override {
    if (!open_) return OkStatus();
    const Status sent = Send();
    open_ = false;
    return sent;
  }
  uint64_t size() const override { return draft_->writer->size(); }

 private:
  Status CheckOpen() const {
    return open_ ? OkStatus() : FailedPrecondition(path_ + ": the file is closed");
  }
  Status Send() {
    if (store_ == nullptr || sent_) return OkStatus();
    TOKURA_RETURN_IF_ERROR(store_->Write(path_, *draft_->reader, IfThere::kReplace));
    sent_ = true;
    return OkStatus();
  }

  ObjectStore* const store_;
  const std::string path_;
  const std::shared_ptr<Draft> draft_;
  bool open_ = true;
  bool sent_ = false;
};

class DraftReader final : public ReadableFile {
 public:
  explicit DraftReader(std::shared_ptr<Draft> draft) : draft_(std::move(draft)) {}
  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    return draft_->reader->ReadAt(offset, buffer);
  }
  Result<uint64_t> Size() const override { return draft_->reader->Size(); }

 private:
  const std::shared_ptr<Draft> draft_;
};

class ObjectReader final : public ReadableFile {
 public:
  ObjectReader(ObjectStore& store, std::string path, Piece head)
      : store_(store), path_(std::move(path)), head_(std::move(head)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    if (offset >= head_.object_bytes || buffer.empty()) return size_t{0};
    const auto wanted = std::min<uint64_t>(buffer.size(), head_.object_bytes - offset);
    if (offset + wanted <= head_.bytes.size()) {
      std::copy_n(head_.bytes.data() + offset, wanted, buffer.data());
      return static_cast<size_t>(wanted);
    }
    TOKURA_ASSIGN_OR_RETURN(const Piece piece, store_.Get(path_, offset, wanted, head_.etag));
    if (piece.bytes.size() != wanted) return Unavailable(path_ + ": a part came back short");
    std::copy(piece.bytes.begin(), piece.bytes.end(), buffer.data());
    return static_cast<size_t>(wanted);
  }
  Result<uint64_t> Size() const override { return head_.object_bytes; }

 private:
  ObjectStore& store_;
  const std::string path_;
  const Piece head_;
};

class HeldContent final : public ReadableFile {
 public:
  explicit HeldContent(std::string_view bytes) : bytes_(bytes) {}
  Result<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    const std::string_view rest = bytes_.substr(std::min<uint64_t>(offset, bytes_.size()));
    return rest.copy(buffer.data(), buffer.size());
  }
  Result<uint64_t> Size() const override { return bytes_.size(); }

 private:
  const std::string_view bytes_;
};

}  // namespace

S3FileSystem::S3FileSystem(std::unique_ptr<HttpClient> http, Clock& clock, Random& random,
                           ObjectStore::Pause pause, FileSystem& local, std::string scratch)
    : http_(std::move(http)),
      store_(*http_, clock, random, std::move(pause)),
      local_(local),
      scratch_(std::move(scratch)) {}
S3FileSystem::~S3FileSystem() = default;

Result<std::shared_ptr<Draft>> S3FileSystem::NewDraft() {
  const std::lock_guard guard(mutex_);
  for (int i = 0; i < kDraftNamesMax; ++i) {
    const std::string name = scratch_ + "/tokura-draft-" + std::to_string(next_draft_++);
    auto draft = std::make_shared<Draft>();
    auto writer = local_.Create(name);
    if (!writer.ok() && writer.status().code() == Code::kAlreadyExists) continue;
    if (!writer.ok()) return writer.status();
    draft->writer = *std::move(writer);
    auto reader = local_.Open(name);
    const Status removed = local_.Remove(name);
    TOKURA_RETURN_IF_ERROR(reader.status());
    TOKURA_RETURN_IF_ERROR(removed);
    draft->reader = *std::move(reader);
    return draft;
  }
  return ResourceExhausted(scratch_ + ": too many files named tokura-draft-*; remove them");
}

std::shared_ptr<Draft> S3FileSystem::FindDraft(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const auto found = drafts_.find(path);
  return found == drafts_.end() ? nullptr : found->second;
}

void S3FileSystem::ForgetDraft(const std::string& path) {
  const std::lock_guard guard(mutex_);
  drafts_.erase(path);
}

Result<std::unique_ptr<WritableFile>> S3FileSystem::Create(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(ParseUri(path).status());
  const bool temporary = IsTemporaryName(path);
  bool there = FindDraft(path) != nullptr;
  if (!there && !temporary) {
    TOKURA_ASSIGN_OR_RETURN(there, store_.Exists(path));
  }
  if (there) return AlreadyExists(path + " already exists");
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<Draft> draft, NewDraft());
  if (temporary) {
    const std::lock_guard guard(mutex_);
    if (!drafts_.try_emplace(path, draft).second) return AlreadyExists(path + " already exists");
  }
  return std::unique_ptr<WritableFile>(
      std::make_unique<DraftWriter>(temporary ? nullptr : &store_, path, std::move(draft)));
}

Result<std::unique_ptr<ReadableFile>> S3FileSystem::Open(const std::string& path) {
  if (std::shared_ptr<Draft> draft = FindDraft(path)) {
    return std::unique_ptr<ReadableFile>(std::make_unique<DraftReader>(std::move(draft)));
  }
  TOKURA_ASSIGN_OR_RETURN(Piece head, store_.Get(path, 0, kHeadBytes));
  return std::unique_ptr<ReadableFile>(
      std::make_unique<ObjectReader>(store_, path, std::move(head)));
}

Status S3FileSystem::Truncate(const std::string& path, uint64_t) {
  return FailedPrecondition(path + ": an object is never changed");
}

// The bytes of an object in scratch space.
Result<std::shared_ptr<Draft>> S3FileSystem::Fetch(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, Open(path));
  TOKURA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<Draft> draft, NewDraft());
  std::string bytes;
  for (uint64_t offset = 0; offset < size; offset += bytes.size()) {
    bytes.resize(std::min(kCopyBytes, size - offset));
    TOKURA_ASSIGN_OR_RETURN(const size_t read, file->ReadAt(offset, bytes));
    if (read != bytes.size()) return Unavailable(path + ": ended early");
    TOKURA_RETURN_IF_ERROR(draft->writer->Append(bytes));
  }
  return draft;
}

Status S3FileSystem::Link(const std::string& from, const std::string& to) {
  std::shared_ptr<Draft> draft = FindDraft(from);
  if (draft == nullptr) {
    TOKURA_ASSIGN_OR_RETURN(draft, Fetch(from));
  }
  return store_.Write(to, *draft->reader, IfThere::kRefuse);
}

Status S3FileSystem::Rename(const std::string& from, const std::string& to) {
  if (const std::shared_ptr<Draft> draft = FindDraft(from)) {
    TOKURA_RETURN_IF_ERROR(store_.Write(to, *draft->reader, IfThere::kReplace));
    ForgetDraft(from);
    return OkStatus();
  }
  TOKURA_ASSIGN_OR_RETURN(const bool is_object, store_.Exists(from));
  if (!is_object) return RenameObjects(from, to);
  TOKURA_RETURN_IF_ERROR(store_.Copy(from, to));
  return store_.Remove(from);
}

Status S3FileSystem::RenameObjects(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> objects,
                          store_.List(from, /*flat=*/false));
  if (objects.empty()) return NotFound(from + ": no such object or folder");
  for (const std::string& object : objects) {
    TOKURA_RETURN_IF_ERROR(store_.Copy(object, to + object.substr(from.size())));
    TOKURA_RETURN_IF_ERROR(store_.Remove(object));
  }
  return OkStatus();
}

Status S3FileSystem::Remove(const std::string& path) {
  if (FindDraft(path) != nullptr) {
    ForgetDraft(path);
    return OkStatus();
  }
  TOKURA_ASSIGN_OR_RETURN(const bool there, store_.Exists(path));
  if (!there) return NotFound(path + ": no such object");
  return store_.Remove(path);
}

Status S3FileSystem::RemoveAll(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> objects,
                          store_.List(path, /*flat=*/false));
  for (const std::string& object : objects) TOKURA_RETURN_IF_ERROR(store_.Remove(object));
  TOKURA_ASSIGN_OR_RETURN(const Uri uri, ParseUri(path));
  return uri.key.empty() ? OkStatus() : store_.Remove(path);
}

Status S3FileSystem::CreateDirectories(const std::string& path) { return ParseUri(path).status(); }

Status S3FileSystem::SyncDirectory(const std::string& path) { return ParseUri(path).status(); }

Result<std::vector<std::string>> S3FileSystem::List(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> listed, store_.List(path, /*flat=*/true));
  std::set<std::string> names;
  for (const std::string& path_of : listed) {
    std::string_view name = path_of;
    if (name.ends_with('/')) name.remove_suffix(1);
    names.emplace(name.substr(name.rfind('/') + 1));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<bool> S3FileSystem::Exists(const std::string& path) {
  if (IsTemporaryName(path)) return FindDraft(path) != nullptr;
  TOKURA_ASSIGN_OR_RETURN(const Uri uri, ParseUri(path));
  if (!uri.key.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const bool there, store_.Exists(path));
    if (there) return true;
  }
  return IsDirectory(path);
}

Result<bool> S3FileSystem::IsDirectory(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> listed,
                          store_.List(path, /*flat=*/false, /*at_most=*/1));
  return !listed.empty();
}

Result<std::chrono::seconds> S3FileSystem::Age(const std::string& path) { return store_.Age(path); }

Result<uint64_t> S3FileSystem::FreeBytes(const std::string&) {
  return std::numeric_limits<uint64_t>::max();
}

Result<std::unique_ptr<FileLock>> S3FileSystem::Lock(const std::string& path) {
  const std::string name = scratch_ + "/tokura-lock-" + DigestBytes(path).ToHex();
  Result<std::unique_ptr<FileLock>> lock = local_.Lock(name);
  if (!lock.ok() && lock.status().code() == Code::kFailedPrecondition) {
    return FailedPrecondition(path + " is locked by another process");
  }
  if (!lock.ok()) return lock.status().WithContext(path);
  TOKURA_RETURN_IF_ERROR(CheckConditionalWrites(path));
  return lock;
}

// Some stores pass over conditions that they do not know, and two writers would both win.
Status S3FileSystem::CheckConditionalWrites(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const Uri uri, ParseUri(path));
  {
    const std::lock_guard guard(mutex_);
    if (checked_buckets_.contains(uri.bucket)) return OkStatus();
  }
  const std::string probe = path + ".conditional-writes";
  const HeldContent content("Tokura asked here whether the store refuses to replace an object.\n");
  const HeldContent other("This must not be here.\n");
  const Status first = store_.Write(probe, content, IfThere::kRefuse);
  if (!first.ok() && first.code() != Code::kAlreadyExists) return first;
  const Status second = store_.Write(probe, other, IfThere::kRefuse);
  if (second.ok()) {
    return FailedPrecondition(path +
                              ": the store replaces objects although it is told not to "
                              "(If-None-Match), so two writers of a table could both win; use a "
                              "store with conditional writes");
  }
  if (second.code() != Code::kAlreadyExists) return second;
  TOKURA_RETURN_IF_ERROR(store_.Remove(probe));
  const std::lock_guard guard(mutex_);
  checked_buckets_.insert(uri.bucket);
  return OkStatus();
}

}  // namespace tokura::runtime::s3
