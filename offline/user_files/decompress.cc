#include "offline/user_files/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace tokura::offline {
namespace {

constexpr size_t kChunkBytes = 64 << 10;
constexpr size_t kHeadBytes = 16;

class FileSource : public ByteSource {
 public:
  FileSource(std::unique_ptr<runtime::ReadableFile> file, uint64_t size)
      : file_(std::move(file)), size_(size) {}

  Result<size_t> Read(std::span<char> buffer) override {
    TOKURA_ASSIGN_OR_RETURN(const size_t n, file_->ReadAt(offset_, buffer));
    offset_ += n;
    return n;
  }
  uint64_t raw_bytes_read() const override { return offset_; }
  uint64_t raw_bytes_total() const override { return size_; }

 private:
  std::unique_ptr<runtime::ReadableFile> file_;
  uint64_t size_;
  uint64_t offset_ = 0;
};

class FunctionSource : public ByteSource {
 public:
  explicit FunctionSource(std::function<Result<size_t>(std::span<char>)> read)
      : read_(std::move(read)) {}

  Result<size_t> Read(std::span<char> buffer) override {
    TOKURA_ASSIGN_OR_RETURN(const size_t n, read_(buffer));
    total_ += n;
    return n;
  }
  uint64_t raw_bytes_read() const override { return total_; }
  uint64_t raw_bytes_total() const override { return 0; }

 private:
  std::function<Result<size_t>(std::span<char>)> read_;
  uint64_t total_ = 0;
};

// Hands out `head` again before the rest of `inner`.
class HeadedSource : public ByteSource {
 public:
  HeadedSource(std::string head, std::unique_ptr<ByteSource> inner)
      : head_(std::move(head)), inner_(std::move(inner)) {}

  Result<size_t> Read(std::span<char> buffer) override {
    if (given_ == head_.size()) return inner_->Read(buffer);
    const size_t n = std::min(buffer.size(), head_.size() - given_);
    std::memcpy(buffer.data(), head_.data() + given_, n);
    given_ += n;
    return n;
  }
  uint64_t raw_bytes_read() const override { return inner_->raw_bytes_read(); }
  uint64_t raw_bytes_total() const override { return inner_->raw_bytes_total(); }

 private:
  std::string head_;
  size_t given_ = 0;
  std::unique_ptr<ByteSource> inner_;
};

// The part that gzip and zstd share: compressed bytes come in chunks from `source`.
class DecompressingSource : public ByteSource {
 public:
  DecompressingSource(std::unique_ptr<ByteSource> source, std::string name)
      : source_(std::move(source)), name_(std::move(name)), chunk_(kChunkBytes) {}
  uint64_t raw_bytes_read() const override { return source_->raw_bytes_read(); }
  uint64_t raw_bytes_total() const override { return source_->raw_bytes_total(); }

 protected:
  // Makes `input` not empty unless the file ends here.
  Status Refill() {
    if (!input_.empty()) return OkStatus();
    TOKURA_ASSIGN_OR_RETURN(const size_t n, source_->Read(chunk_));
    input_ = std::string_view(chunk_.data(), n);
    return OkStatus();
  }
  Status Fault(const std::string& what) const {
    return InvalidArgument(name_ + ": " + what + "; copy or compress the file again");
  }
  Status CutOff(const std::string& format) const {
    return Fault("the " + format + " data ends in the middle");
  }

  std::string_view input_;

 private:
  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> chunk_;
};

class GzipSource : public DecompressingSource {
 public:
  using DecompressingSource::DecompressingSource;
  ~GzipSource() override { inflateEnd(&stream_); }
  bool Init() { return inflateInit2(&stream_, 15 + 16) == Z_OK; }

  Result<size_t> Read(std::span<char> buffer) override {
    for (;;) {
      TOKURA_RETURN_IF_ERROR(Refill());
      if (input_.empty()) {
        if (inside_) return CutOff("gzip");
        return size_t{0};
      }
      if (!inside_ && inflateReset(&stream_) != Z_OK) return Fault("zlib failed");
      inside_ = true;
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
      stream_.avail_in = static_cast<uInt>(input_.size());
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      const auto room = static_cast<uInt>(std::min<size_t>(buffer.size(), 1 << 30));
      stream_.avail_out = room;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      input_.remove_prefix(input_.size() - stream_.avail_in);
      if (code == Z_STREAM_END) {
        inside_ = false;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return Fault("the gzip data is damaged");
      }
      if (stream_.avail_out < room) return room - stream_.avail_out;
    }
  }

 private:
  z_stream stream_{};
  bool inside_ = false;  // of a member
};

class ZstdSource : public DecompressingSource {
 public:
  using DecompressingSource::DecompressingSource;
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }
  bool Init() { return (stream_ = ZSTD_createDStream()) != nullptr; }

  Result<size_t> Read(std::span<char> buffer) override {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    for (;;) {
      // Output that a full buffer held back comes first, also when no input is left.
      TOKURA_RETURN_IF_ERROR(Refill());
      ZSTD_inBuffer in{input_.data(), input_.size(), 0};
      const size_t code = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(code) != 0) return Fault("the zstd data is damaged");
      const bool at_end = input_.empty();
      input_.remove_prefix(in.pos);
      if (in.pos > 0 || out.pos > 0) inside_ = code != 0;
      if (out.pos > 0) return out.pos;
      if (at_end && inside_) return CutOff("zstd");
      if (at_end) return size_t{0};
    }
  }

 private:
  ZSTD_DStream* stream_ = nullptr;
  bool inside_ = false;  // of a frame
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenFileSource(runtime::FileSystem& files,
                                                   const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const bool exists, files.Exists(path));
  if (!exists) return NotFound(path + ": there is no such file");
  TOKURA_ASSIGN_OR_RETURN(const bool is_directory, files.IsDirectory(path));
  if (is_directory) return InvalidArgument(path + " is a directory; name the files in it");
  TOKURA_ASSIGN_OR_RETURN(auto file, files.Open(path));
  TOKURA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(file), size));
}

std::unique_ptr<ByteSource> MakeFunctionSource(
    std::function<Result<size_t>(std::span<char>)> read) {
  return std::make_unique<FunctionSource>(std::move(read));
}

Result<std::unique_ptr<ByteSource>> PeekHead(std::unique_ptr<ByteSource> source,
                                             std::string* head) {
  head->clear();
  char buffer[kHeadBytes];
  while (head->size() < kHeadBytes) {
    TOKURA_ASSIGN_OR_RETURN(const size_t n,
                            source->Read(std::span(buffer, kHeadBytes - head->size())));
    if (n == 0) break;
    head->append(buffer, n);
  }
  return std::unique_ptr<ByteSource>(std::make_unique<HeadedSource>(*head, std::move(source)));
}

Compression CompressionOf(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return Compression::kGzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  return Compression::kNone;
}

Result<std::unique_ptr<ByteSource>> Decompress(std::unique_ptr<ByteSource> source,
                                               Compression compression, std::string name) {
  if (compression == Compression::kGzip) {
    auto gzip = std::make_unique<GzipSource>(std::move(source), std::move(name));
    if (!gzip->Init()) return ResourceExhausted("no memory to read gzip");
    return std::unique_ptr<ByteSource>(std::move(gzip));
  }
  if (compression == Compression::kZstd) {
    auto zstd = std::make_unique<ZstdSource>(std::move(source), std::move(name));
    if (!zstd->Init()) return ResourceExhausted("no memory to read zstd");
    return std::unique_ptr<ByteSource>(std::move(zstd));
  }
  return source;
}

}  // namespace tokura::offline
