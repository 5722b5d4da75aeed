#include "runtime/file_system.h"

#include <limits>

namespace tokura::runtime {

Result<uint64_t> FileSystem::TotalBytes(const std::string&) {
  return std::numeric_limits<uint64_t>::max();
}

namespace {

constexpr int kTemporaryNamesMax = 1'000;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Writes and syncs `bytes` under a fresh name beside `path`. Names are probed, not drawn: another
// writer of the same path, or a crash, may have left one.
Result<std::string> WriteTemporary(FileSystem& files, const std::string& path,
                                   std::string_view bytes, std::string_view mark) {
  const std::string stem = std::string(path).append(mark) + ".tmp.";
  for (int i = 0; i < kTemporaryNamesMax; ++i) {
    const std::string name = stem + std::to_string(i);
    Result<std::unique_ptr<WritableFile>> file = files.Create(name);
    if (!file.ok() && file.status().code() == Code::kAlreadyExists) continue;
    if (!file.ok()) return file.status();
    Status status = (*file)->Append(bytes);
    if (status.ok()) status = (*file)->Sync();
    if (status.ok()) status = (*file)->Close();
    if (status.ok()) return name;
    (void)files.Remove(name);  // the first error is the one to tell
    return status;
  }
  return ResourceExhausted(path + ": " + std::to_string(kTemporaryNamesMax) +
                           " temporary files of earlier crashes are there; remove " + stem + "*");
}

}  // namespace

Result<std::string> ReadFile(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files.Open(path));
  TOKURA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > bytes_max) {
    return ResourceExhausted(path + ": " + std::to_string(size) + " bytes are over the limit of " +
                             std::to_string(bytes_max));
  }
  std::string bytes(size, '\0');
  TOKURA_ASSIGN_OR_RETURN(const size_t read, file->ReadAt(0, bytes));
  bytes.resize(read);
  return bytes;
}

Status WriteFileAtomically(FileSystem& files, const std::string& path, std::string_view bytes,
                           std::string_view mark) {
  TOKURA_ASSIGN_OR_RETURN(const std::string temporary, WriteTemporary(files, path, bytes, mark));
  if (Status status = files.Rename(temporary, path); !status.ok()) {
    (void)files.Remove(temporary);  // the first error is the one to tell
    return status;
  }
  return files.SyncDirectory(ParentOf(path));
}

Status CreateFileAtomically(FileSystem& files, const std::string& path, std::string_view bytes,
                            std::string_view mark) {
  TOKURA_ASSIGN_OR_RETURN(const bool there, files.Exists(path));
  if (there) return AlreadyExists(path + " already exists");
  TOKURA_ASSIGN_OR_RETURN(const std::string temporary, WriteTemporary(files, path, bytes, mark));
  const Status linked = files.Link(temporary, path);
  const Status removed = files.Remove(temporary);
  TOKURA_RETURN_IF_ERROR(linked);
  TOKURA_RETURN_IF_ERROR(files.SyncDirectory(ParentOf(path)));
  return removed;
}

}  // namespace tokura::runtime
