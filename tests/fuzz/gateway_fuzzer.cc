// The whole HTTP gateway, from the body of each endpoint to the answer, on a real catalog and node.
// Whatever is sent, there is an answer, it is the contract's JSON, it blames the request and not
// the server, and what one put accepted the next get and scan give. The first byte chooses the
// endpoint; a zero byte separates bodies sent one after the other.
#include <array>
#include <set>
#include <string>
#include <string_view>

#include "client/json_value.h"
#include "core/limits.h"
#include "tests/fuzz/gateway_world.h"

namespace {

using namespace tokura;

struct Endpoint {
  const char* method;
  const char* path;
};
constexpr std::array<Endpoint, 12> kEndpoints = {{
    {"POST", "/v1/features:get"},
    {"POST", "/v1/records:put"},
    {"POST", "/v1/records:delete"},
    {"POST", "/v1/records:scan"},
    {"POST", "/v1/definitions:plan"},
    {"POST", "/v1/definitions:apply"},
    {"GET", "/v1/definitions"},
    {"POST", "/v1/tokens:wait"},
    {"GET", "/v1/offline"},
    {"GET", "/v1/cluster"},
    {"GET", "/readyz"},
    {"POST", "/v1/definitions:apply?allow_destroy=true"},
}};

void CheckAnswer(const router::HttpResponse& response) {
  static const std::set<int> kStatuses = {200, 400, 403, 404, 405, 409, 412, 413, 429, 503, 504};
  if (!kStatuses.contains(response.status)) {
    std::fprintf(stderr, "%d %s\n", response.status, response.body.c_str());
  }
  TOKURA_CHECK(kStatuses.contains(response.status));
  if (response.content_type != "application/json") return;
  const Result<client::Json> json = client::ParseJson(response.body, kFrameBytesMax);
  TOKURA_CHECK(json.ok());
  if (response.status == 200) return;
  const client::Json* error = json->Find("error");
  TOKURA_CHECK(error != nullptr && error->Find("code") != nullptr);
  TOKURA_CHECK(error->Find("code")->string() != nullptr);
  TOKURA_CHECK(*error->Find("code")->string() != "INTERNAL");
  TOKURA_CHECK(error->Find("message") != nullptr && error->Find("details") != nullptr);
}

// Endpoints that write, or read what was written; those need a world of their own.
bool Changes(size_t endpoint) {
  return endpoint == 1 || endpoint == 2 || endpoint == 5 || endpoint == 11;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<fuzz::GatewayWorld> world;
  if (size == 0) return 0;
  if (world == nullptr) world = std::make_unique<fuzz::GatewayWorld>();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  bool changed = false;
  for (int requests = 0; requests < 4 && !rest.empty(); ++requests) {
    const auto choice = static_cast<uint8_t>(rest.front());
    rest.remove_prefix(1);
    const std::string_view body = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(body.size() + 1, rest.size()));
    if (choice >= 64 && choice < 96) {  // the body is the target
      CheckAnswer(world->Send(choice % 2 == 0 ? "GET" : "POST", std::string(body), "{}"));
      changed = true;
      continue;
    }
    const size_t endpoint = choice % kEndpoints.size();
    changed |= Changes(endpoint);
    CheckAnswer(
        world->Send(kEndpoints[endpoint].method, kEndpoints[endpoint].path, std::string(body)));
  }
  if (changed) world.reset();
  return 0;
}
