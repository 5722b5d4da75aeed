// Byte sources: a file, standard input or a compressed stream of either, read from front to back.
// What is compressed tells itself by its first bytes (gzip, zstd), whatever the name says.
//
//   TOKURA_ASSIGN_OR_RETURN(auto file, OpenFileSource(files, "labels.csv.gz"));
//   TOKURA_ASSIGN_OR_RETURN(auto bytes, Decompress(std::move(file), Compression::kGzip, "labels"));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Not thread-safe. After an error it must not be read again.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the front of `buffer` (not empty) and returns how much; 0 only at the end. Errors name
  // the source and say what to do.
  virtual Result<size_t> Read(std::span<char> buffer) = 0;
  // How much of the file as it lies on disk has been consumed.
  virtual uint64_t raw_bytes_read() const = 0;
  virtual uint64_t raw_bytes_total() const = 0;  // 0 if unknown
};

// NOT_FOUND if it is not there; INVALID_ARGUMENT if it is a directory.
Result<std::unique_ptr<ByteSource>> OpenFileSource(runtime::FileSystem& files,
                                                   const std::string& path);
// `read` has the contract of ByteSource::Read.
std::unique_ptr<ByteSource> MakeFunctionSource(std::function<Result<size_t>(std::span<char>)> read);

// `source` again, with its first bytes (at most 16) shown in `head`.
Result<std::unique_ptr<ByteSource>> PeekHead(std::unique_ptr<ByteSource> source, std::string* head);

enum class Compression : uint8_t { kNone, kGzip, kZstd };
Compression CompressionOf(std::string_view head);

// The decompressed bytes: all members of a gzip file, all frames of a zstd file. A stream that is
// cut off or damaged ends in INVALID_ARGUMENT, after the bytes before the fault were handed out.
// `name` is for messages. Memory is bounded whatever the input claims (zstd windows: 128 MiB).
Result<std::unique_ptr<ByteSource>> Decompress(std::unique_ptr<ByteSource> source,
                                               Compression compression, std::string name);

}  // namespace tokura::offline
