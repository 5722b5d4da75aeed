#include "tests/s3/fake_s3.h"

#include <algorithm>
#include <charconv>

#include "core/digest.h"

namespace tokura::runtime::s3 {
namespace {

HttpAnswer Error(int status, const std::string& code) {
  return {status, {}, "<?xml version=\"1.0\"?>\n<Error><Code>" + code + "</Code></Error>"};
}

std::string EtagOf(const std::string& bytes) { return "\"" + DigestBytes(bytes).ToHex() + "\""; }

std::string ValueOr(const std::map<std::string, std::string>& map, const std::string& name,
                    const std::string& otherwise) {
  const auto found = map.find(name);
  return found == map.end() ? otherwise : found->second;
}

std::string HttpDate(std::time_t time) {
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&time));
  return text;
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  return out;
}

class Forwarding final : public HttpClient {
 public:
  explicit Forwarding(FakeS3& store) : store_(store) {}
  Result<HttpAnswer> Send(const HttpRequest& request) override { return store_.Answer(request); }

 private:
  FakeS3& store_;
};

}  // namespace

std::unique_ptr<HttpClient> FakeS3::Client() { return std::make_unique<Forwarding>(*this); }

Result<HttpAnswer> FakeS3::Answer(const HttpRequest& request) {
  const std::lock_guard guard(mutex_);
  requests.push_back(request.method + " " + request.bucket + "/" + request.key);
  const Fault what = fault(request);
  const Status unknown(Code::kUnknownOutcome, "the connection was cut");
  if (what == Fault::kBusy) return Error(503, "SlowDown");
  if (what == Fault::kCut) return unknown;
  HttpAnswer answer = Do(request);
  if (what == Fault::kLost) return unknown;
  if (what == Fault::kFailedLate) return Error(500, "InternalError");
  return answer;
}

HttpAnswer FakeS3::Do(const HttpRequest& request) {
  if (request.bucket == "missing") return Error(404, "NoSuchBucket");
  const std::string name = request.bucket + "/" + request.key;
  if (request.query.contains("list-type")) return List(request);
  if (request.query.contains("uploads")) {
    const std::string id = std::to_string(next_upload_++);
    uploads[id];
    return {200,
            {},
            "<InitiateMultipartUploadResult><UploadId>" + id +
                "</UploadId></InitiateMultipartUploadResult>"};
  }
  if (request.query.contains("uploadId")) {
    const auto upload = uploads.find(request.query.at("uploadId"));
    if (upload == uploads.end()) return Error(404, "NoSuchUpload");
    if (request.method == "PUT") {
      upload->second[std::stoull(request.query.at("partNumber"))] = request.body;
      return {200, {{"etag", "\"part\""}}, ""};
    }
    std::string bytes;
    for (const auto& [number, part] : upload->second) bytes += part;
    HttpAnswer answer{204, {}, ""};
    if (request.method == "POST") answer = Put(request, name, std::move(bytes));
    if (answer.status / 100 == 2) uploads.erase(upload);
    return answer;
  }
  if (request.method == "PUT") {
    const std::string source = ValueOr(request.headers, "x-amz-copy-source", "");
    if (source.empty()) return Put(request, name, std::string(request.body));
    const auto from = objects.find(source.substr(1));
    if (from == objects.end()) return Error(404, "NoSuchKey");
    return Put(request, name, from->second);
  }
  if (request.method == "DELETE") {
    objects.erase(name);
    return {204, {}, ""};
  }
  return Get(request, name);
}

HttpAnswer FakeS3::Put(const HttpRequest& request, const std::string& name, std::string bytes) {
  if (request.headers.contains("If-None-Match") && honours_conditions && objects.contains(name)) {
    return Error(412, "PreconditionFailed");
  }
  objects[name] = std::move(bytes);
  modified[name] = now;
  return {200, {{"etag", EtagOf(objects[name])}}, ""};
}

HttpAnswer FakeS3::Get(const HttpRequest& request, const std::string& name) const {
  const auto found = objects.find(name);
  if (found == objects.end()) {
    return request.method == "HEAD" ? HttpAnswer{404, {}, ""} : Error(404, "NoSuchKey");
  }
  const std::string etag = EtagOf(found->second);
  if (ValueOr(request.headers, "If-Match", etag) != etag) return Error(412, "PreconditionFailed");
  if (request.method == "HEAD") {
    const auto since = modified.find(name);
    return {200, {{"date", HttpDate(now)}, {"last-modified", HttpDate(since->second)}}, ""};
  }
  const std::string range = ValueOr(request.headers, "Range", "");
  if (range.empty()) return {200, {{"etag", etag}}, found->second};
  const size_t begin = std::stoull(range.substr(6));
  const size_t end = std::stoull(range.substr(range.find('-') + 1)) + 1;
  if (begin >= found->second.size()) return Error(416, "InvalidRange");
  const std::string total = std::to_string(found->second.size());
  return {
      206,
      {{"etag", etag}, {"content-range", range.substr(0, 5) + " " + range.substr(6) + "/" + total}},
      found->second.substr(begin, end - begin)};
}

HttpAnswer FakeS3::List(const HttpRequest& request) const {
  const std::string prefix = request.bucket + "/" + request.query.at("prefix");
  const bool flat = request.query.contains("delimiter");
  const std::string after = ValueOr(request.query, "continuation-token", "");
  const size_t most =
      std::min(page_keys, size_t(std::stoull(ValueOr(request.query, "max-keys", "1000"))));
  std::string xml = "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"urn:s3\">";
  std::string last;
  size_t keys = 0;
  for (auto at = objects.lower_bound(prefix); at != objects.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    std::string key = at->first.substr(request.bucket.size() + 1);
    const size_t slash = flat ? at->first.find('/', prefix.size()) : std::string::npos;
    const bool folder = slash != std::string::npos;
    if (folder) key = at->first.substr(request.bucket.size() + 1, slash - request.bucket.size());
    if (key <= after || key == last) continue;
    if (keys++ == most) {
      xml += "<NextContinuationToken>" + Escaped(last) + "</NextContinuationToken>";
      break;
    }
    last = key;
    xml += folder ? "<CommonPrefixes><Prefix>" + Escaped(key) + "</Prefix></CommonPrefixes>"
                  : "<Contents><Key>" + Escaped(key) + "</Key></Contents>";
  }
  return {200, {}, xml + "</ListBucketResult>"};
}

}  // namespace tokura::runtime::s3
