// Bytes of an HTTP connection. However they are cut into pieces, the same requests come out and the
// same refusal ends them. What came out, printed as a request, is read as the same again. The first
// byte chooses the cuts.
#include <algorithm>
#include <string>
#include <vector>

#include "router/http_parser.h"

namespace {

using tokura::router::HttpParser;
using tokura::router::HttpRequest;

constexpr size_t kHeaderBytesMax = 1024;
constexpr size_t kBodyBytesMax = 4096;

struct Conversation {
  std::vector<HttpRequest> requests;
  bool bad = false;
  int status = 0;  // of the refusal
};

Conversation Read(std::string_view bytes, size_t piece) {
  HttpParser parser(kHeaderBytesMax, kBodyBytesMax);
  Conversation read;
  while (!bytes.empty() && !read.bad) {
    const size_t n = std::min(piece, bytes.size());
    parser.Append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    while (parser.Advance() == HttpParser::State::kRequest) {
      TOKURA_CHECK(parser.body_bytes() <= kBodyBytesMax);
      (void)parser.keeps_alive();
      (void)parser.expects_continue();
      (void)parser.is_head();
      read.requests.push_back(parser.Take());
    }
    read.bad = parser.state() == HttpParser::State::kBad;
  }
  if (read.bad) {
    read.status = parser.error().status;
    TOKURA_CHECK(read.status == 400 || read.status == 413);
    TOKURA_CHECK(!SerializeResponse(parser.error(), false, false).empty());
  }
  return read;
}

bool Same(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.target == b.target && a.headers == b.headers && a.body == b.body;
}

// The request with a length of its own instead of whatever framed it.
std::string Print(const HttpRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name == "content-length" || name == "transfer-encoding") continue;
    if (name == "connection" || name == "upgrade" || name == "proxy-connection") continue;
    text += name + ": " + value + "\r\n";
  }
  text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
  return text + request.body;
}

void CheckPrints(const HttpRequest& request) {
  const std::string text = Print(request);
  if (text.size() - request.body.size() > kHeaderBytesMax) return;
  const Conversation again = Read(text, text.size());
  TOKURA_CHECK(!again.bad && again.requests.size() == 1);
  TOKURA_CHECK(again.requests[0].method == request.method);
  TOKURA_CHECK(again.requests[0].target == request.target);
  TOKURA_CHECK(again.requests[0].body == request.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Conversation whole = Read(bytes, std::max<size_t>(bytes.size(), 1));
  for (const size_t piece : {size_t{1}, size_t{data[0]} % 32 + 2}) {
    const Conversation pieces = Read(bytes, piece);
    TOKURA_CHECK(pieces.requests.size() == whole.requests.size());
    for (size_t i = 0; i < pieces.requests.size(); ++i) {
      TOKURA_CHECK(Same(pieces.requests[i], whole.requests[i]));
    }
    // A fault may be seen only when the end of the line has come; it is the same fault then.
    TOKURA_CHECK(!pieces.bad || !whole.bad || pieces.status == whole.status);
  }
  for (const HttpRequest& request : whole.requests) CheckPrints(request);
  return 0;
}
