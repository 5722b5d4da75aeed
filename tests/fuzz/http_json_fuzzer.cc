// Reading a JSON body never crashes; what parses prints as JSON that parses to the same text again;
// and the HTTP parser survives any bytes in any pieces.
#include "client/json_value.h"
#include "router/http_json.h"
#include "router/http_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  router::HttpParser parser(1024, 4096);
  for (size_t begin = 0; begin < text.size(); begin += 7) {
    parser.Append(text.substr(begin, 7));
    if (parser.Advance() == router::HttpParser::State::kRequest) parser.Take();
  }
  const Result<client::Json> json = router::ParseBody(text);
  if (!json.ok()) return 0;
  std::string printed;
  client::JsonWriter writer(&printed);
  client::AppendJson(*json, &writer);
  const Result<client::Json> again = client::ParseJson(printed, 1 << 20);
  TOKURA_CHECK(again.ok());
  std::string reprinted;
  client::JsonWriter second(&reprinted);
  client::AppendJson(*again, &second);
  TOKURA_CHECK(printed == reprinted);
  client::JsonStyle style;
  size_t over_limit = 0;
  (void)router::ReadPutRecords(*json, &over_limit);
  (void)router::ReadGetFeatures(*json, &style);
  (void)router::ReadDeleteRecords(*json);
  (void)router::ReadScanPrefix(*json, &style);
  (void)router::ReadWait(*json);
  return 0;
}
