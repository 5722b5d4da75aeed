// Decoding a native request never crashes, and what it accepts encodes to bytes that decode again.
// The first byte chooses the message.
#include "client/wire.h"

namespace {

template <typename Request>
void DecodeAndBack(std::string_view body) {
  using namespace tokura;
  const Result<Request> request = client::wire::Decode<Request>(body);
  if (!request.ok()) return;
  TOKURA_CHECK(client::wire::Decode<Request>(client::wire::Encode(*request)).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura::client;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 10) {
    case 0:
      DecodeAndBack<GetFeaturesRequest>(body);
      break;
    case 1:
      DecodeAndBack<PutRecordsRequest>(body);
      break;
    case 2:
      DecodeAndBack<DeleteRecordsRequest>(body);
      break;
    case 3:
      DecodeAndBack<ScanPrefixRequest>(body);
      break;
    case 4:
      DecodeAndBack<wire::ApplyRequest>(body);
      break;
    case 5:
      DecodeAndBack<WaitRequest>(body);
      break;
    case 6:
      DecodeAndBack<wire::DigestRequest>(body);
      break;
    case 7:
      DecodeAndBack<GetFeaturesResponse>(body);
      break;
    case 8:
      DecodeAndBack<ScanPrefixResponse>(body);
      break;
    default:
      DecodeAndBack<DigestReport>(body);
  }
  return 0;
}
