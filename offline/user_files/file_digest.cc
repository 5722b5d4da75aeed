#include "offline/user_files/file_digest.h"

#include <functional>

#include <xxhash.h>

#include "core/digest.h"

namespace tokura::offline {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

Status ForEachChunk(runtime::FileSystem& files, const std::string& path,
                    const std::function<Status(std::string_view)>& take) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::ReadableFile> file, files.Open(path));
  std::string chunk(kChunkBytes, '\0');
  for (uint64_t offset = 0;;) {
    TOKURA_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(offset, chunk));
    if (n == 0) return OkStatus();
    TOKURA_RETURN_IF_ERROR(take(std::string_view(chunk).substr(0, n)));
    offset += n;
  }
}

}  // namespace

struct FileDigest::State {
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> xxh{XXH3_createState(), &XXH3_freeState};
};

FileDigest::FileDigest() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(state_->xxh.get());
}

FileDigest::~FileDigest() = default;

void FileDigest::Update(std::string_view bytes) {
  XXH3_128bits_update(state_->xxh.get(), bytes.data(), bytes.size());
}

std::string FileDigest::ToHex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh.get());
  return Digest{hash.high64, hash.low64}.ToHex();
}

Result<std::string> DigestOfFile(runtime::FileSystem& files, const std::string& path) {
  FileDigest digest;
  TOKURA_RETURN_IF_ERROR(ForEachChunk(files, path, [&](std::string_view bytes) {
    digest.Update(bytes);
    return OkStatus();
  }));
  return digest.ToHex();
}

Result<std::string> CopyFile(runtime::FileSystem& files, const std::string& from,
                             const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::WritableFile> file, files.Create(to));
  FileDigest digest;
  TOKURA_RETURN_IF_ERROR(ForEachChunk(files, from, [&](std::string_view bytes) {
    digest.Update(bytes);
    return file->Append(bytes);
  }));
  TOKURA_RETURN_IF_ERROR(file->Sync());
  TOKURA_RETURN_IF_ERROR(file->Close());
  return digest.ToHex();
}

}  // namespace tokura::offline
