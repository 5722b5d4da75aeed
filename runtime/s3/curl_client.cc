#include <curl/curl.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "runtime/s3/http_client.h"
#include "runtime/s3/uri.h"

namespace tokura::runtime::s3 {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
// A transfer that moves less than this for so long is given up; large ones may take their time.
constexpr long kSlowestBytesPerSecond = 1'024;
constexpr long kSlowSeconds = 15;
constexpr long kRequestTimeoutMs = 300'000;

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlDeleter>;
using HeaderList = std::unique_ptr<curl_slist, CurlDeleter>;

// What an answer is gathered in.
struct Gathering {
  HttpAnswer* answer;
  uint64_t bytes_max;
  bool too_large = false;
};

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  char digits[3];
  for (const unsigned char byte : digest) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  return hex;
}

size_t TakeBody(char* bytes, size_t size, size_t count, void* to) {
  auto* gathering = static_cast<Gathering*>(to);
  const size_t length = size * count;
  if (gathering->answer->body.size() + length > gathering->bytes_max) {
    gathering->too_large = true;
    return 0;
  }
  gathering->answer->body.append(bytes, length);
  return length;
}

size_t TakeHeader(char* bytes, size_t size, size_t count, void* to) {
  constexpr size_t kHeadersMax = 200;
  auto* gathering = static_cast<Gathering*>(to);
  std::string_view line(bytes, size * count);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || gathering->answer->headers.size() >= kHeadersMax) {
    return line.size();
  }
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) {
    value.remove_prefix(1);
  }
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) {
    value.remove_suffix(1);
  }
  gathering->answer->headers[std::move(name)] = value;
  return line.size();
}

// libcurl sends a request again by itself where a connection that it kept turns out to be dead, and
// tells nobody. Who writes has to know, so the second time ends the transfer.
int AllowOnce(void* sent, char*, char*, int, int) {
  const bool again = std::exchange(*static_cast<bool*>(sent), true);
  return again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(Connection connection) : connection_(std::move(connection)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    TOKURA_CHECK(initialised == CURLE_OK);
  }

  Result<HttpAnswer> Send(const HttpRequest& request) override {
    Handle handle = Take();
    Result<HttpAnswer> answer = SendBy(handle.get(), request);
    GiveBack(std::move(handle));
    return answer;
  }

 private:
  // Handles keep their connections; there are as many as there ever were calls at one time.
  Handle Take() {
    const std::lock_guard guard(mutex_);
    if (idle_.empty()) return Handle(curl_easy_init());
    Handle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  void GiveBack(Handle handle) {
    const std::lock_guard guard(mutex_);
    idle_.push_back(std::move(handle));
  }

  // Amazon wants the bucket in the name of the host, where certificates allow it; stores at an
  // endpoint of their own have it in the path.
  std::string UrlOf(const HttpRequest& request) const {
    std::string url = connection_.endpoint;
    std::string path = "/" + request.bucket;
    if (url.empty()) {
      const bool in_host = request.bucket.find('.') == std::string::npos;
      url = "https://" + (in_host ? request.bucket + "." : "") + "s3." + connection_.region +
            ".amazonaws.com";
      if (in_host) path.clear();
    }
    while (url.ends_with('/')) url.pop_back();
    url += path + "/" + PercentEncode(request.key, "/");
    char separator = '?';
    for (const auto& [name, value] : request.query) {
      url += separator + PercentEncode(name) + "=" + PercentEncode(value);
      separator = '&';
    }
    return url;
  }

  HeaderList HeadersOf(const HttpRequest& request) const {
    HeaderList list;
    const auto add = [&list](const std::string& line) {
      curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
      TOKURA_CHECK(longer != nullptr);
      (void)list.release();
      list.reset(longer);
    };
    for (const auto& [name, value] : request.headers) add(name + ": " + value);
    // Part of the signature, so that a body that changed on the way is refused.
    add("x-amz-content-sha256: " + Sha256Hex(request.body));
    if (!connection_.session_token.empty()) {
      add("x-amz-security-token: " + connection_.session_token);
    }
    if (request.method == "PUT" || request.method == "POST") {
      add("Content-Type: application/octet-stream");
    }
    return list;
  }

  Result<HttpAnswer> SendBy(CURL* handle, const HttpRequest& request) const {
    curl_easy_reset(handle);
    HttpAnswer answer;
    Gathering gathering{&answer, request.answer_bytes_max};
    const std::string url = UrlOf(request);
    const HeaderList headers = HeadersOf(request);
    char why[CURL_ERROR_SIZE] = "";
    bool sent = false;
    const auto set = [&](CURLoption option, auto value) {
      TOKURA_CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK);
    };
    set(CURLOPT_ERRORBUFFER, why);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "tokura");
    set(CURLOPT_PREREQFUNCTION, AllowOnce);
    set(CURLOPT_PREREQDATA, &sent);
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    set(CURLOPT_LOW_SPEED_LIMIT, kSlowestBytesPerSecond);
    set(CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
    set(CURLOPT_TIMEOUT_MS, kRequestTimeoutMs);
    set(CURLOPT_WRITEFUNCTION, TakeBody);
    set(CURLOPT_WRITEDATA, &gathering);
    set(CURLOPT_HEADERFUNCTION, TakeHeader);
    set(CURLOPT_HEADERDATA, &gathering);
    const std::string signing = "aws:amz:" + connection_.region + ":s3";
    set(CURLOPT_AWS_SIGV4, signing.c_str());
    set(CURLOPT_USERNAME, connection_.access_key_id.c_str());
    set(CURLOPT_PASSWORD, connection_.secret_access_key.c_str());
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else {
      if (request.method == "PUT" || request.method == "POST") {
        // As a POST, so that the signature is over the body.
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.data() == nullptr ? "" : request.body.data());
      }
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    const CURLcode code = curl_easy_perform(handle);
    if (gathering.too_large) {
      return ResourceExhausted("the answer is over the limit of " +
                               std::to_string(request.answer_bytes_max) + " bytes");
    }
    if (code != CURLE_OK) {
      const std::string message = why[0] != '\0' ? why : curl_easy_strerror(code);
      return Status(sent ? Code::kUnknownOutcome : Code::kUnavailable, message);
    }
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    return answer;
  }

  const Connection connection_;
  std::mutex mutex_;
  std::vector<Handle> idle_;
};

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<Connection> ConnectionFromEnvironment() {
  Connection connection;
  connection.access_key_id = Environment("AWS_ACCESS_KEY_ID");
  connection.secret_access_key = Environment("AWS_SECRET_ACCESS_KEY");
  connection.session_token = Environment("AWS_SESSION_TOKEN");
  for (const char* name : {"AWS_DEFAULT_REGION", "AWS_REGION"}) {
    if (std::string region = Environment(name); !region.empty()) {
      connection.region = std::move(region);
    }
  }
  for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}) {
    if (std::string url = Environment(name); !url.empty()) connection.endpoint = std::move(url);
  }
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
    if (Environment(name).empty()) {
      return FailedPrecondition(std::string("the environment has no ") + name +
                                ", which s3:// needs; see docs/operations.md, 'Tables in S3'");
    }
  }
  const std::string& endpoint = connection.endpoint;
  if (!endpoint.empty() && !endpoint.starts_with("http://") && !endpoint.starts_with("https://")) {
    return FailedPrecondition("AWS_ENDPOINT_URL: '" + endpoint + "' is no http:// or https:// URL");
  }
  return connection;
}

std::unique_ptr<HttpClient> MakeCurlClient(Connection connection) {
  return std::make_unique<CurlClient>(std::move(connection));
}

}  // namespace tokura::runtime::s3
