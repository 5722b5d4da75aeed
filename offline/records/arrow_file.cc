#include "offline/records/arrow_file.h"

#include <algorithm>
#include <span>

#include <arrow/buffer.h>
#include <arrow/util/future.h>

#include "core/bytes.h"

namespace tokura::offline {
namespace {

// Carries one of our statuses through Arrow's.
class TokuraStatusDetail final : public arrow::StatusDetail {
 public:
  explicit TokuraStatusDetail(Status status) : status_(std::move(status)) {}
  const char* type_id() const override { return "tokura::Status"; }
  std::string ToString() const override { return status_.ToString(); }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

}  // namespace

arrow::Status ToArrow(const Status& status) {
  if (status.ok()) return arrow::Status::OK();
  // joint owners: every copy of the arrow::Status
  return arrow::Status(arrow::StatusCode::IOError, status.message(),
                       std::make_shared<TokuraStatusDetail>(status));
}

Status FromArrow(const arrow::Status& status, Code fallback, const std::string& context) {
  if (status.ok()) return OkStatus();
  if (status.detail() != nullptr &&
      std::string_view(status.detail()->type_id()) == "tokura::Status") {
    return static_cast<const TokuraStatusDetail&>(*status.detail()).status().WithContext(context);
  }
  if (status.IsOutOfMemory()) return ResourceExhausted(context + ": out of memory");
  return Status(fallback, context + ": " + status.message());
}

arrow::Status FileOutputStream::Write(const void* data, int64_t nbytes) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(nbytes));
  crc32c_ = Crc32c(bytes, crc32c_);
  return ToArrow(file_.Append(bytes));
}

Result<std::shared_ptr<FileInputStream>> FileInputStream::Open(runtime::FileSystem& files,
                                                               const std::string& path,
                                                               bool hold_open) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files.Open(path));
  std::shared_ptr<FileInputStream> stream(new FileInputStream(files, path));
  TOKURA_ASSIGN_OR_RETURN(stream->size_, file->Size());
  if (hold_open) stream->file_ = std::move(file);
  return stream;
}

arrow::Result<int64_t> FileInputStream::ReadAt(int64_t position, int64_t nbytes, void* out) {
  if (position < 0 || nbytes < 0) return arrow::Status::Invalid("negative offset or length");
  std::unique_ptr<runtime::ReadableFile> opened;
  const runtime::ReadableFile* file = file_.get();
  if (file == nullptr) {
    Result<std::unique_ptr<runtime::ReadableFile>> result = files_.Open(path_);
    if (!result.ok()) return ToArrow(result.status());
    opened = std::move(result).value();
    file = opened.get();
  }
  Result<size_t> n = file->ReadAt(static_cast<uint64_t>(position),
                                  std::span<char>(static_cast<char*>(out), nbytes));
  if (!n.ok()) return ToArrow(n.status());
  return static_cast<int64_t>(*n);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> FileInputStream::ReadAt(int64_t position,
                                                                      int64_t nbytes) {
  // A damaged footer may ask for any length; there is never more than the file holds.
  const int64_t left = std::max<int64_t>(0, static_cast<int64_t>(size_) - position);
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(std::min(nbytes, left)));
  ARROW_ASSIGN_OR_RAISE(int64_t n, ReadAt(position, buffer->size(), buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(n, false));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<int64_t> FileInputStream::Read(int64_t nbytes, void* out) {
  ARROW_ASSIGN_OR_RAISE(int64_t n, ReadAt(position_, nbytes, out));
  position_ += n;
  return n;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> FileInputStream::Read(int64_t nbytes) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, ReadAt(position_, nbytes));
  position_ += buffer->size();
  return buffer;
}

arrow::Status FileInputStream::Seek(int64_t position) {
  if (position < 0) return arrow::Status::Invalid("negative offset");
  position_ = position;
  return arrow::Status::OK();
}

arrow::Status FileInputStream::Close() {
  file_.reset();
  closed_ = true;
  return arrow::Status::OK();
}

}  // namespace tokura::offline
