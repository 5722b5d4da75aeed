// HttpClient: one HTTP request at a time to an object store, signed. The real one is libcurl
// (curl_client.cc); tests bring a store of their own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace tokura::runtime::s3 {

struct HttpRequest {
  std::string method;  // GET, HEAD, PUT, POST, DELETE
  std::string bucket;
  std::string key;                             // as it is, not encoded; may be empty
  std::map<std::string, std::string> query;    // likewise
  std::map<std::string, std::string> headers;  // of the request itself; not those of the signature
  std::string_view body;                       // outlives the call
  uint64_t answer_bytes_max = 16 << 20;
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// Thread-safe; blocks.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // An answer, whatever its status. UNAVAILABLE: the request never left. UNKNOWN_OUTCOME: it may
  // have been carried out, but no whole answer came. RESOURCE_EXHAUSTED: the answer is too large.
  virtual Result<HttpAnswer> Send(const HttpRequest& request) = 0;
};

// Where the store is and who asks.
struct Connection {
  std::string endpoint;  // "http://127.0.0.1:5000"; empty: Amazon's of the region
  std::string region = "us-east-1";
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // of temporary credentials; empty: none
};

// What the environment says: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
// AWS_REGION or AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL. FAILED_PRECONDITION
// names what is missing.
Result<Connection> ConnectionFromEnvironment();

std::unique_ptr<HttpClient> MakeCurlClient(Connection connection);

}  // namespace tokura::runtime::s3
