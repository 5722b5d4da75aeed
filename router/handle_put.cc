#include "core/limits.h"
#include "router/handlers.h"
#include "router/record_builder.h"
#include "router/write_batch.h"

namespace tokura::router {
namespace {

using runtime::Task;

// About what the values of a request weigh.
size_t BytesOf(const client::PutRecordsRequest& request) {
  constexpr size_t kBytesOfOne = 16;
  size_t bytes = 0;
  for (const client::PutRecord& record : request.records) {
    bytes += (record.values.size() + record.key.size()) * kBytesOfOne;
    for (const auto& [name, value] : record.values) {
      if (const auto* list = value.get_if<List>()) bytes += list->size() * kBytesOfOne;
      if (const auto* text = value.get_if<std::string>()) bytes += text->size();
    }
  }
  return bytes;
}

}  // namespace

Task<Result<client::PutRecordsResponse>> Handlers::Put(client::PutRecordsRequest request,
                                                       CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  if (request.records.size() > kRequestRecordsMax) {
    co_return ResourceExhausted("records: " + std::to_string(request.records.size()) +
                                " are over the limit of " + std::to_string(kRequestRecordsMax));
  }
  const Definitions definitions = catalog_.Current();
  TOKURA_CO_ASSIGN_OR_RETURN(const FeatureGroup* group, definitions->ResolveGroup(request.group));
  TOKURA_CO_ASSIGN_OR_RETURN(const Stores stores, ResolveStores(*group, request.stores));

  const int64_t now_us = runtime_.clock->NowUs();
  std::vector<WriteId> write_ids;  // made here, for their maker is of this executor
  for (const client::PutRecord& record : request.records) {
    write_ids.push_back(record.write_id.has_value() ? *record.write_id : NextWriteId(now_us));
  }
  size_t next = 0;
  RecordBuilder builder({group, stores, request.syntax, now_us}, [&] { return write_ids[next]; });
  WriteBatch batch(*runtime_.executor, *group, nodes_, "records");
  TOKURA_CO_RETURN_IF_ERROR(co_await RunSized(BytesOf(request), [&] {
    for (; next < request.records.size(); ++next) {
      batch.Add(builder.Put(request.records[next], "records[" + std::to_string(next) + "]"));
    }
  }));
  MarkPlanned(options, request.records.size(), 0);
  Status sent = co_await batch.Send(deadline);
  MarkGathered(options);
  if (!sent.ok()) co_return sent;
  client::PutRecordsResponse response;
  TOKURA_CO_ASSIGN_OR_RETURN(response.token, batch.Token());
  metrics_.AddRows(Method::kPutRecords, batch.accepted());
  response.results = std::move(batch.results());
  co_return response;
}

}  // namespace tokura::router
