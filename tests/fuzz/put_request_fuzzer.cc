// A put's bytes become the records that the way of values makes of them, or are left to it.
#include <optional>
#include <string>
#include <vector>

#include "catalog/plan.h"
#include "client/wire.h"
#include "router/byte_put.h"
#include "router/record_builder.h"
#include "tests/fuzz/gateway_world.h"

namespace {

using namespace tokura;

constexpr int64_t kNowUs = 1'700'000'000'000'000;
const WriteId kMadeId{{1, 2, 3, 4, 5, 6, 7, 8, 9}};

std::shared_ptr<const catalog::Definitions> MakeDefinitions() {
  auto specs = catalog::ParseDefinitions({{"shop.yaml", fuzz::kDefinitions}});
  TOKURA_CHECK(specs.ok());
  return catalog::MakePlan(catalog::Definitions(), *specs)->next;
}

// nullopt: some record is refused.
std::optional<std::vector<std::string>> ByValues(std::string_view body,
                                                 const catalog::Definitions& definitions) {
  const auto request = client::wire::Decode<client::PutRecordsRequest>(body);
  if (!request.ok()) return std::nullopt;
  const auto group = definitions.ResolveGroup(request->group);
  if (!group.ok()) return std::nullopt;
  const Result<Stores> stores = router::ResolveStores(**group, request->stores);
  if (!stores.ok()) return std::nullopt;
  router::RecordBuilder builder({*group, *stores, request->syntax, kNowUs}, [] { return kMadeId; });
  std::vector<std::string> records;
  for (const client::PutRecord& put : request->records) {
    const Result<Record> record = builder.Put(put, "record");
    if (!record.ok()) return std::nullopt;
    EncodeRecord(*record, &records.emplace_back());
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto definitions = MakeDefinitions();
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  router::BytePutPlanner planner;
  const std::optional<router::BytePut> put = planner.Plan(definitions, body);
  if (!put.has_value()) return 0;
  const std::vector<WriteId> ids(put->records.size(), kMadeId);
  std::vector<std::string> records;
  const bool plain = put->Build(kNowUs, ids, [&](std::string_view record, auto&&...) {
    TOKURA_CHECK(DecodeRecord(record).ok());
    records.emplace_back(record);
  });
  if (plain) TOKURA_CHECK(ByValues(body, *definitions) == records);
  return 0;
}
