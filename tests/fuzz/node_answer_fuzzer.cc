// A node that answers anything: the router's requests to it end in an answer that has the shape
// that was asked for, or in an error. The first byte chooses the request; the rest is what the node
// says, to each method the part up to the next 0xFE 0xFD.
#include <string>
#include <string_view>

#include "client/wire.h"
#include "proto/api.pb.h"
#include "router/http_json.h"
#include "runtime/rpc/frame.h"
#include "tests/fuzz/gateway_world.h"

namespace {

using namespace tokura;
using client::CallOptions;

constexpr std::string_view kSeparator = "\xFE\xFD";
std::string_view answers;  // of the run under way

Result<std::string> Answer(uint8_t) {
  const std::string_view one = answers.substr(0, answers.find(kSeparator));
  if (one.size() < answers.size()) answers.remove_prefix(one.size() + kSeparator.size());
  if (one.starts_with("E")) return runtime::rpc::DecodeError(one.substr(1));
  return std::string(one);
}

std::vector<client::KeyColumnValues> Users() { return {{"id", {"a", "b", "a"}}}; }

void Get(router::Handlers& handlers, fuzz::GatewayWorld& world, bool in_order) {
  client::GetFeaturesRequest request;
  request.features = {"shop/profile:*", "shop/profile:name"};
  request.keys = Users();
  if (in_order) request.keys[0].values.pop_back();
  request.want_event_time = true;
  const auto answer = world.Run(handlers.GetFeatures(request, CallOptions()));
  if (!answer.ok()) return;
  const size_t rows = request.keys[0].values.size();
  TOKURA_CHECK(answer->rows == rows && answer->features.size() == 10);
  for (const client::FeatureAnswer& feature : answer->features) {
    TOKURA_CHECK(feature.statuses.size() == rows && feature.values.size() == rows);
    TOKURA_CHECK(feature.has_value.size() == rows && feature.event_times_us.size() == rows);
  }
  TOKURA_CHECK(!router::WriteJson(*answer, client::JsonStyle()).empty());
  const std::string encoded = client::wire::Encode(*answer);
  const auto again = client::wire::Decode<client::GetFeaturesResponse>(encoded);
  TOKURA_CHECK(again.ok() && client::wire::Encode(*again) == encoded);
}

void Put(router::Handlers& handlers, fuzz::GatewayWorld& world) {
  client::PutRecordsRequest request;
  request.group = "shop/visits";
  for (int64_t n = 0; n < 3; ++n) {
    client::PutRecord record;
    record.key = {{"id", "a"}, {"n", n}};
    record.values = {{"ms", n}};
    request.records.push_back(record);
  }
  const auto answer = world.Run(handlers.PutRecords(request, CallOptions()));
  if (answer.ok()) TOKURA_CHECK(answer->results.size() == 3);
}

void Scan(router::Handlers& handlers, fuzz::GatewayWorld& world) {
  client::ScanPrefixRequest request;
  request.group = "shop/visits";
  request.prefix = {{"id", "a"}};
  const auto answer = world.Run(handlers.ScanPrefix(request, CallOptions()));
  if (!answer.ok()) return;
  TOKURA_CHECK(!router::WriteJson(*answer, client::JsonStyle()).empty());
  const std::string encoded = client::wire::Encode(*answer);
  const auto again = client::wire::Decode<client::ScanPrefixResponse>(encoded);
  TOKURA_CHECK(again.ok() && client::wire::Encode(*again) == encoded);
}

void Delete(router::Handlers& handlers, fuzz::GatewayWorld& world) {
  client::DeleteRecordsRequest request;
  request.group = "shop/visits";
  request.prefix = {{"id", "a"}};
  (void)world.Run(handlers.DeleteRecords(request, CallOptions())).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::GatewayWorld world(Answer);
  if (size == 0) return 0;
  answers = {reinterpret_cast<const char*>(data) + 1, size - 1};
  router::Handlers& handlers = world.handlers();
  switch (data[0] % 8) {
    case 0:
      Get(handlers, world, false);
      break;
    case 1:
      Get(handlers, world, true);
      break;
    case 2:
      Put(handlers, world);
      break;
    case 3:
      Scan(handlers, world);
      break;
    case 4:
      Delete(handlers, world);
      break;
    case 5: {
      const auto report = world.Run(handlers.GetDigest({}, CallOptions()));
      if (report.ok()) TOKURA_CHECK(!client::wire::Encode(*report).empty() || size < 8);
      break;
    }
    case 6: {
      const auto status = world.Run(handlers.GetClusterStatus(CallOptions()));
      if (status.ok()) TOKURA_CHECK(!router::WriteJson(*status).empty());
      break;
    }
    default: {
      client::WaitRequest wait;
      wait.stores = Stores::kOnline;
      wait.timeout = std::chrono::milliseconds(50);
      CallOptions options;
      options.timeout = std::chrono::milliseconds(100);
      (void)world.Run(handlers.Wait(wait, options)).ok();
    }
  }
  return 0;
}
