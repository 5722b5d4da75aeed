#include "runtime/file_chunks.h"

#include "core/bytes.h"

namespace tokura::runtime {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

}  // namespace

Status ForEachChunk(FileSystem& files, const std::string& path,
                    const std::function<Status(std::string_view)>& take) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files.Open(path));
  std::string chunk(kChunkBytes, '\0');
  for (uint64_t offset = 0;;) {
    TOKURA_ASSIGN_OR_RETURN(const size_t bytes, file->ReadAt(offset, chunk));
    if (bytes == 0) return OkStatus();
    TOKURA_RETURN_IF_ERROR(take(std::string_view(chunk).substr(0, bytes)));
    offset += bytes;
  }
}

Result<uint32_t> ChecksumOf(FileSystem& files, const std::string& path) {
  uint32_t checksum = 0;
  TOKURA_RETURN_IF_ERROR(ForEachChunk(files, path, [&checksum](std::string_view bytes) {
    checksum = Crc32c(bytes, checksum);
    return OkStatus();
  }));
  return checksum;
}

}  // namespace tokura::runtime
