// Files as a stream of their bytes, whatever their size.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::runtime {

// Gives `take` all bytes of the file in order, at most 1 MiB at once; its first error ends this.
Status ForEachChunk(FileSystem& files, const std::string& path,
                    const std::function<Status(std::string_view)>& take);
// The CRC-32C of all bytes.
Result<uint32_t> ChecksumOf(FileSystem& files, const std::string& path);

}  // namespace tokura::runtime
