#include <algorithm>

#include "runtime/s3/errors.h"
#include "runtime/s3/object_store.h"
#include "runtime/s3/xml.h"

namespace tokura::runtime::s3 {
namespace {

constexpr uint64_t kCompareBytes = 4 << 20;
constexpr uint64_t kPartsMax = 10'000;

Result<std::string> ReadPart(const ReadableFile& content, uint64_t offset, uint64_t size) {
  std::string bytes(size, '\0');
  TOKURA_ASSIGN_OR_RETURN(const size_t read, content.ReadAt(offset, bytes));
  if (read != size) return Unavailable("the file to send ended early");
  return bytes;
}

void SetCondition(ObjectStore::IfThere if_there, HttpRequest* request) {
  if (if_there == ObjectStore::IfThere::kRefuse) request->headers["If-None-Match"] = "*";
}

}  // namespace

Status ObjectStore::Write(const std::string& path, const ReadableFile& content, IfThere if_there) {
  TOKURA_ASSIGN_OR_RETURN(const uint64_t size, content.Size());
  return size <= kPartBytes ? WriteWhole(path, content, size, if_there)
                            : WriteInParts(path, content, size, if_there);
}

Status ObjectStore::WriteWhole(const std::string& path, const ReadableFile& content, uint64_t size,
                               IfThere if_there) {
  TOKURA_ASSIGN_OR_RETURN(const std::string bytes, ReadPart(content, 0, size));
  TOKURA_ASSIGN_OR_RETURN(HttpRequest request, RequestFor("PUT", path));
  request.body = bytes;
  SetCondition(if_there, &request);
  bool doubtful = false;
  const Result<HttpAnswer> answer = Send(request, &doubtful);
  return Settle(request, path, content, answer, doubtful);
}

Status ObjectStore::WriteInParts(const std::string& path, const ReadableFile& content,
                                 uint64_t size, IfThere if_there) {
  if ((size - 1) / kPartBytes >= kPartsMax) {
    return ResourceExhausted(path + ": " + std::to_string(size) + " bytes are too many for S3");
  }
  TOKURA_ASSIGN_OR_RETURN(HttpRequest begin, RequestFor("POST", path));
  begin.query["uploads"] = "";
  TOKURA_ASSIGN_OR_RETURN(const HttpAnswer begun, Call(begin));
  const auto leaves = ReadXml(begun.body);
  if (!leaves.ok()) return leaves.status().WithContext(Describe(begin));
  const std::string upload = FindXml(*leaves, "InitiateMultipartUploadResult/UploadId");
  if (upload.empty()) return Unavailable(Describe(begin) + ": an upload without an id");

  TOKURA_ASSIGN_OR_RETURN(HttpRequest abort, RequestFor("DELETE", path));
  abort.query["uploadId"] = upload;
  std::string parts = "<CompleteMultipartUpload>";
  for (uint64_t offset = 0; offset < size; offset += kPartBytes) {
    const uint64_t number = offset / kPartBytes + 1;
    const Result<std::string> bytes =
        ReadPart(content, offset, std::min(kPartBytes, size - offset));
    const Result<std::string> etag =
        bytes.ok() ? SendPart(path, upload, number, *bytes) : bytes.status();
    if (!etag.ok()) {
      // What cannot be given up now is left to the lifecycle rule of the bucket.
      (void)Send(abort);
      return etag.status();
    }
    parts += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + *etag +
             "</ETag></Part>";
  }
  parts += "</CompleteMultipartUpload>";

  TOKURA_ASSIGN_OR_RETURN(HttpRequest complete, RequestFor("POST", path));
  complete.query["uploadId"] = upload;
  complete.body = parts;
  SetCondition(if_there, &complete);
  bool doubtful = false;
  const Result<HttpAnswer> answer = Send(complete, &doubtful);
  const Status settled = Settle(complete, path, content, answer, doubtful);
  if (!settled.ok()) (void)Send(abort);
  return settled;
}

Result<std::string> ObjectStore::SendPart(const std::string& path, const std::string& upload,
                                          uint64_t number, std::string_view bytes) {
  TOKURA_ASSIGN_OR_RETURN(HttpRequest request, RequestFor("PUT", path));
  request.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
  request.body = bytes;
  TOKURA_ASSIGN_OR_RETURN(const HttpAnswer answer, Call(request));
  const auto etag = answer.headers.find("etag");
  if (etag == answer.headers.end()) return Unavailable(Describe(request) + ": no ETag");
  return etag->second;
}

Status ObjectStore::Settle(const HttpRequest& request, const std::string& path,
                           const ReadableFile& content, const Result<HttpAnswer>& answer,
                           bool doubtful) {
  // The end of an upload in parts may fail after the status was sent.
  const bool success = answer.ok() && IsSuccess(*answer);
  const bool failed_late = success && !ErrorCodeOf(*answer).empty();
  if (success && !failed_late) return OkStatus();
  const Status error = answer.ok() ? ErrorOf(request, *answer) : answer.status();
  if (!doubtful && !failed_late) return error;
  // An attempt before the last may have done it, or may still: only what is there counts.
  const Result<bool> holds = Holds(path, content);
  if (holds.ok() && *holds) return OkStatus();
  if (error.code() == Code::kAlreadyExists && holds.ok()) return error;
  return {Code::kUnknownOutcome, error.message()};
}

Result<bool> ObjectStore::Holds(const std::string& path, const ReadableFile& content) {
  TOKURA_ASSIGN_OR_RETURN(const uint64_t size, content.Size());
  std::string etag;
  for (uint64_t offset = 0;; offset += kCompareBytes) {
    const Result<Piece> piece = Get(path, offset, kCompareBytes, etag);
    if (!piece.ok() && piece.status().code() == Code::kNotFound) return false;
    if (!piece.ok()) return piece.status();
    if (piece->object_bytes != size) return false;
    etag = piece->etag;
    const uint64_t expected = std::min(kCompareBytes, size - offset);
    TOKURA_ASSIGN_OR_RETURN(const std::string ours, ReadPart(content, offset, expected));
    if (piece->bytes != ours) return false;
    if (offset + expected == size) return true;
  }
}

}  // namespace tokura::runtime::s3
