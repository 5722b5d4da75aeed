#include "runtime/s3/object_store.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "runtime/s3/errors.h"
#include "runtime/s3/uri.h"
#include "runtime/s3/xml.h"

namespace tokura::runtime::s3 {
namespace {

using namespace std::chrono_literals;

constexpr int kAttemptsMax = 10;
constexpr auto kAttemptsTime = 60s;  // no attempt begins later
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 5'000ms;
constexpr uint64_t kErrorBytesMax = 64 << 10;
constexpr size_t kListedMax = 10'000'000;

// Between half and all of it, so that those who failed together do not come back together.
std::chrono::milliseconds PauseAfter(int attempt, Random& random) {
  const auto longest =
      std::min<std::chrono::milliseconds>(kFirstPause * (1 << attempt), kLongestPause);
  const auto half = static_cast<uint64_t>(longest.count() / 2);
  return std::chrono::milliseconds(half + random.Next() % (half + 1));
}

std::string HeaderOf(const HttpAnswer& answer, const std::string& name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? "" : found->second;
}

// The total in "bytes 0-99/1234".
Result<uint64_t> TotalOf(const HttpRequest& request, const HttpAnswer& answer) {
  const std::string range = HeaderOf(answer, "content-range");
  const size_t slash = range.find('/');
  uint64_t total = 0;
  if (slash != std::string::npos) {
    const auto [end, error] =
        std::from_chars(range.data() + slash + 1, range.data() + range.size(), total);
    if (error == std::errc() && end == range.data() + range.size()) return total;
  }
  return Unavailable(Describe(request) + ": an answer of part of the object without its size");
}

// "Sat, 21 Nov 2026 21:48:36 GMT"
std::optional<std::time_t> ParseHttpDate(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

}  // namespace

Result<HttpRequest> ObjectStore::RequestFor(const std::string& method,
                                            const std::string& path) const {
  TOKURA_ASSIGN_OR_RETURN(Uri uri, ParseUri(path));
  HttpRequest request;
  request.method = method;
  request.bucket = std::move(uri.bucket);
  request.key = std::move(uri.key);
  return request;
}

Result<HttpAnswer> ObjectStore::Send(const HttpRequest& request, bool* doubtful) {
  const std::chrono::nanoseconds started = clock_.Monotonic();
  for (int attempt = 0;; ++attempt) {
    Result<HttpAnswer> answer = http_.Send(request);
    if (answer.ok() && !IsPassing(*answer)) return answer;
    const Code code = answer.ok() ? Code::kOk : answer.status().code();
    if (doubtful != nullptr) {
      *doubtful |= code == Code::kUnknownOutcome || (answer.ok() && answer->status >= 500);
    }
    const bool again = answer.ok() || code == Code::kUnknownOutcome || code == Code::kUnavailable;
    if (!again || attempt + 1 == kAttemptsMax || clock_.Monotonic() - started >= kAttemptsTime) {
      if (answer.ok()) return answer;
      return answer.status().WithContext(Describe(request));
    }
    pause_(PauseAfter(attempt, random_));
  }
}

Result<HttpAnswer> ObjectStore::Call(const HttpRequest& request) {
  Result<HttpAnswer> answer = Send(request);
  // What only reads has no unknown outcome.
  if (!answer.ok() && answer.status().code() == Code::kUnknownOutcome && request.method == "GET") {
    return Unavailable(answer.status().message());
  }
  if (answer.ok() && !IsSuccess(*answer)) return ErrorOf(request, *answer);
  return answer;
}

Result<bool> ObjectStore::Exists(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const HttpRequest request, RequestFor("HEAD", path));
  TOKURA_ASSIGN_OR_RETURN(const HttpAnswer answer, Send(request));
  if (IsSuccess(answer)) return true;
  if (answer.status == 404) return false;
  return ErrorOf(request, answer);
}

Result<std::chrono::seconds> ObjectStore::Age(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const HttpRequest request, RequestFor("HEAD", path));
  TOKURA_ASSIGN_OR_RETURN(const HttpAnswer answer, Call(request));
  const std::optional<std::time_t> now = ParseHttpDate(HeaderOf(answer, "date"));
  const std::optional<std::time_t> modified = ParseHttpDate(HeaderOf(answer, "last-modified"));
  if (!now || !modified) return FailedPrecondition(Describe(request) + ": an answer without dates");
  return std::chrono::seconds(*now - *modified);
}

Result<Piece> ObjectStore::Get(const std::string& path, uint64_t offset, uint64_t size,
                               const std::string& etag) {
  TOKURA_CHECK(size > 0);
  TOKURA_ASSIGN_OR_RETURN(HttpRequest request, RequestFor("GET", path));
  request.headers["Range"] =
      "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1);
  if (!etag.empty()) request.headers["If-Match"] = etag;
  request.answer_bytes_max = std::max(size, kErrorBytesMax);
  Result<HttpAnswer> answer = Send(request);
  if (!answer.ok()) return Unavailable(answer.status().message());
  Piece piece;
  if (answer->status == 416) return piece;  // an empty object has no first byte
  if (answer->status == 412) {
    return Unavailable(Describe(request) + ": was replaced while it was read");
  }
  if (!IsSuccess(*answer)) return ErrorOf(request, *answer);
  piece.etag = HeaderOf(*answer, "etag");
  if (answer->status == 206) {
    TOKURA_ASSIGN_OR_RETURN(piece.object_bytes, TotalOf(request, *answer));
  } else if (offset == 0) {
    piece.object_bytes = answer->body.size();
  } else {
    return Unavailable(Describe(request) + ": the store does not answer with parts of objects");
  }
  piece.bytes = std::move(answer->body);
  return piece;
}

Status ObjectStore::Copy(const std::string& from, const std::string& to) {
  TOKURA_ASSIGN_OR_RETURN(const Uri source, ParseUri(from));
  TOKURA_ASSIGN_OR_RETURN(HttpRequest request, RequestFor("PUT", to));
  request.headers["x-amz-copy-source"] = "/" + source.bucket + "/" + PercentEncode(source.key, "/");
  TOKURA_ASSIGN_OR_RETURN(const HttpAnswer answer, Call(request));
  // A copy that fails half-way does so after the status was sent.
  if (!ErrorCodeOf(answer).empty()) return ErrorOf(request, answer);
  return OkStatus();
}

Status ObjectStore::Remove(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const HttpRequest request, RequestFor("DELETE", path));
  TOKURA_ASSIGN_OR_RETURN(const HttpAnswer answer, Send(request));
  return IsSuccess(answer) || ErrorCodeOf(answer) == "NoSuchKey" ? OkStatus()
                                                                 : ErrorOf(request, answer);
}

Result<std::vector<std::string>> ObjectStore::List(const std::string& path, bool flat,
                                                   size_t at_most) {
  TOKURA_ASSIGN_OR_RETURN(HttpRequest request, RequestFor("GET", path));
  const std::string prefix = request.key.empty() ? "" : request.key + "/";
  request.key.clear();
  request.query = {{"list-type", "2"}, {"prefix", prefix}};
  if (flat) request.query["delimiter"] = "/";
  if (at_most > 0) request.query["max-keys"] = std::to_string(at_most);
  const std::string root = std::string(kScheme) + request.bucket + "/";
  std::vector<std::string> listed;
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const HttpAnswer answer, Call(request));
    auto leaves = ReadXml(answer.body);
    if (!leaves.ok()) return leaves.status().WithContext(Describe(request));
    for (auto& [name, text] : *leaves) {
      if (name == "ListBucketResult/Contents/Key" ||
          name == "ListBucketResult/CommonPrefixes/Prefix") {
        // An object named like the folder itself: made by consoles to show an empty folder.
        if (text != prefix) listed.push_back(root + text);
      }
    }
    const std::string next = FindXml(*leaves, "ListBucketResult/NextContinuationToken");
    if (next.empty() || (at_most > 0 && listed.size() >= at_most)) break;
    if (listed.size() > kListedMax) {
      return ResourceExhausted(Describe(request) + ": more than " + std::to_string(kListedMax) +
                               " objects");
    }
    request.query["continuation-token"] = next;
  }
  std::sort(listed.begin(), listed.end());
  return listed;
}

}  // namespace tokura::runtime::s3
