#include "runtime/s3/errors.h"

#include "runtime/s3/uri.h"
#include "runtime/s3/xml.h"

namespace tokura::runtime::s3 {
namespace {

constexpr size_t kMessageBytesMax = 300;

struct Meaning {
  Code code;
  std::string advice;
};

Meaning MeaningOf(const HttpAnswer& answer, const std::string& s3_code) {
  if (s3_code == "NoSuchBucket") {
    return {Code::kFailedPrecondition, "make the bucket first, or mend its name"};
  }
  const auto region = answer.headers.find("x-amz-bucket-region");
  if (answer.status == 301 || answer.status == 307 || s3_code == "AuthorizationHeaderMalformed") {
    return {Code::kFailedPrecondition,
            region == answer.headers.end()
                ? "the bucket is in another region; set AWS_REGION, or AWS_ENDPOINT_URL"
                : "the bucket is in another region; set AWS_REGION=" + region->second};
  }
  if (s3_code == "RequestTimeTooSkewed") {
    return {Code::kFailedPrecondition, "set the clock of this machine"};
  }
  switch (answer.status) {
    case 401:
    case 403:
      return {Code::kDenied,
              "see the AWS_* variables of this process, and what its policy allows "
              "(s3:GetObject, PutObject, DeleteObject, ListBucket, AbortMultipartUpload)"};
    case 404:
      return {Code::kNotFound, ""};
    case 412:
      return {Code::kAlreadyExists, ""};
    case 501:
      return {Code::kFailedPrecondition,
              "tables need a store with conditional writes (If-None-Match)"};
    default:
      break;
  }
  if (IsPassing(answer)) return {Code::kUnavailable, "tried several times; try again later"};
  return {Code::kUnavailable, ""};
}

}  // namespace

bool IsPassing(const HttpAnswer& answer) {
  if (answer.status == 408 || answer.status == 429) return true;
  if (answer.status >= 500) return answer.status != 501;
  if (answer.status != 400 && answer.status != 409) return false;
  const std::string code = ErrorCodeOf(answer);
  return code == "RequestTimeout" || code == "ConditionalRequestConflict" ||
         code == "OperationAborted";
}

std::string ErrorCodeOf(const HttpAnswer& answer) {
  const auto leaves = ReadXml(answer.body);
  return leaves.ok() ? FindXml(*leaves, "Error/Code") : "";
}

std::string Describe(const HttpRequest& request) {
  std::string path(kScheme);
  path += request.bucket;
  const auto prefix = request.query.find("prefix");
  const std::string& key =
      request.key.empty() && prefix != request.query.end() ? prefix->second : request.key;
  if (!key.empty()) path += "/" + key;
  return path + ": " + request.method;
}

Status ErrorOf(const HttpRequest& request, const HttpAnswer& answer) {
  std::string message = Describe(request) + ": HTTP " + std::to_string(answer.status);
  std::string s3_code;
  if (const auto leaves = ReadXml(answer.body); leaves.ok()) {
    s3_code = FindXml(*leaves, "Error/Code");
    const std::string why = FindXml(*leaves, "Error/Message");
    if (!s3_code.empty()) message += " " + s3_code;
    if (!why.empty()) message += " (" + why.substr(0, kMessageBytesMax) + ")";
  }
  const Meaning meaning = MeaningOf(answer, s3_code);
  if (!meaning.advice.empty()) message += "; " + meaning.advice;
  return {meaning.code, message};
}

}  // namespace tokura::runtime::s3
