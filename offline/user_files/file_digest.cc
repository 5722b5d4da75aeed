#include "offline/user_files/file_digest.h"

#include <xxhash.h>

#include "core/digest.h"
#include "runtime/file_chunks.h"

namespace tokura::offline {

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
  TOKURA_RETURN_IF_ERROR(runtime::ForEachChunk(files, path, [&](std::string_view bytes) {
    digest.Update(bytes);
    return OkStatus();
  }));
  return digest.ToHex();
}

Result<std::string> CopyFile(runtime::FileSystem& files, const std::string& from,
                             const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<runtime::WritableFile> file, files.Create(to));
  FileDigest digest;
  TOKURA_RETURN_IF_ERROR(runtime::ForEachChunk(files, from, [&](std::string_view bytes) {
    digest.Update(bytes);
    return file->Append(bytes);
  }));
  TOKURA_RETURN_IF_ERROR(file->Sync());
  TOKURA_RETURN_IF_ERROR(file->Close());
  return digest.ToHex();
}

}  // namespace tokura::offline
