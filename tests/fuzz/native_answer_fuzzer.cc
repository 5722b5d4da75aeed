// Decoding what a router answers never crashes, and what is accepted encodes to bytes that decode
// to the same. The first byte chooses the message.
#include "catalog/definitions.h"
#include "client/wire.h"

namespace {

using namespace tokura;
using namespace tokura::client;

template <typename Response>
void DecodeAndBack(std::string_view body) {
  const Result<Response> response = wire::Decode<Response>(body);
  if (!response.ok()) return;
  const std::string encoded = wire::Encode(*response);
  const Result<Response> again = wire::Decode<Response>(encoded);
  TOKURA_CHECK(again.ok());
  TOKURA_CHECK(wire::Encode(*again) == encoded);
}

// Beyond decoding: callers index statuses and values by row.
void CheckShape(std::string_view body) {
  const Result<GetFeaturesResponse> response = wire::Decode<GetFeaturesResponse>(body);
  if (!response.ok()) return;
  for (const FeatureAnswer& answer : response->features) {
    TOKURA_CHECK(answer.statuses.size() == response->rows);
    TOKURA_CHECK(answer.values.size() == response->rows);
    TOKURA_CHECK(answer.has_value.size() == response->rows);
    TOKURA_CHECK(answer.event_times_us.empty() || answer.event_times_us.size() == response->rows);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 9) {
    case 0:
      DecodeAndBack<GetFeaturesResponse>(body);
      CheckShape(body);
      break;
    case 1:
      DecodeAndBack<PutRecordsResponse>(body);
      break;
    case 2:
      DecodeAndBack<DeleteRecordsResponse>(body);
      break;
    case 3:
      DecodeAndBack<ScanPrefixResponse>(body);
      break;
    case 4:
      DecodeAndBack<Api::Applied>(body);
      break;
    case 5:
      DecodeAndBack<Api::Definitions>(body);
      break;
    case 6:
      DecodeAndBack<wire::OfflineStatusResponse>(body);
      break;
    case 7:
      DecodeAndBack<ClusterStatus>(body);
      break;
    default:
      DecodeAndBack<DigestReport>(body);
  }
  return 0;
}
