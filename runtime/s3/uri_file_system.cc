#include "runtime/s3/uri_file_system.h"

#include <utility>

#include "runtime/s3/s3_file_system.h"
#include "runtime/s3/uri.h"

namespace tokura::runtime::s3 {
Result<FileSystem*> UriFileSystem::Of(const std::string& path) {
  if (!path.starts_with(kScheme)) return local_.get();
  const std::lock_guard guard(mutex_);
  if (remote_ == nullptr) {
    auto opened = open_remote_(*local_);
    if (!opened.ok()) return opened.status().WithContext(path);
    remote_ = *std::move(opened);
  }
  return remote_.get();
}

Result<FileSystem*> UriFileSystem::OfBoth(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const source, Of(from));
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const target, Of(to));
  if (source != target) {
    return FailedPrecondition(from + " and " + to + " are not on one file system");
  }
  return source;
}

Result<std::unique_ptr<WritableFile>> UriFileSystem::Create(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->Create(path);
}

Result<std::unique_ptr<ReadableFile>> UriFileSystem::Open(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->Open(path);
}

Status UriFileSystem::Truncate(const std::string& path, uint64_t size) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->Truncate(path, size);
}

Status UriFileSystem::Rename(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, OfBoth(from, to));
  return files->Rename(from, to);
}

Status UriFileSystem::Link(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, OfBoth(from, to));
  return files->Link(from, to);
}

Status UriFileSystem::Remove(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->Remove(path);
}

Status UriFileSystem::RemoveAll(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->RemoveAll(path);
}

Status UriFileSystem::CreateDirectories(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->CreateDirectories(path);
}

Status UriFileSystem::SyncDirectory(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->SyncDirectory(path);
}

Result<std::vector<std::string>> UriFileSystem::List(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->List(path);
}

Result<bool> UriFileSystem::Exists(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->Exists(path);
}

Result<bool> UriFileSystem::IsDirectory(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->IsDirectory(path);
}

Result<std::chrono::seconds> UriFileSystem::Age(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  auto* const ages = dynamic_cast<FileAges*>(files);
  if (ages == nullptr) return FailedPrecondition(path + ": locks tell who is at it, not its age");
  return ages->Age(path);
}

Result<uint64_t> UriFileSystem::FreeBytes(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->FreeBytes(path);
}

Result<uint64_t> UriFileSystem::TotalBytes(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->TotalBytes(path);
}

Result<std::unique_ptr<FileLock>> UriFileSystem::Lock(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(FileSystem* const files, Of(path));
  return files->Lock(path);
}

std::unique_ptr<FileSystem> MakeUriFileSystem(std::unique_ptr<FileSystem> local, Clock& clock,
                                              Random& random, ObjectStore::Pause pause,
                                              std::string scratch) {
  auto open = [&clock, &random, pause = std::move(pause), scratch = std::move(scratch)](
                  FileSystem& files) -> Result<std::unique_ptr<FileSystem>> {
    TOKURA_ASSIGN_OR_RETURN(Connection connection, ConnectionFromEnvironment());
    return std::unique_ptr<FileSystem>(std::make_unique<S3FileSystem>(
        MakeCurlClient(std::move(connection)), clock, random, pause, files, scratch));
  };
  return std::make_unique<UriFileSystem>(std::move(local), std::move(open));
}

}  // namespace tokura::runtime::s3
