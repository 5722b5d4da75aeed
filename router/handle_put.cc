#include "client/wire.h"
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

std::vector<WriteId> Handlers::NextWriteIds(size_t count, int64_t now_us) {
  std::vector<WriteId> ids(count);
  for (WriteId& id : ids) id = NextWriteId(now_us);
  return ids;
}

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
  // Made here, for their maker is of this executor.
  const std::vector<WriteId> write_ids = NextWriteIds(request.records.size(), now_us);
  size_t next = 0;
  RecordBuilder builder({group, stores, request.syntax, now_us}, [&] { return write_ids[next]; });
  WriteBatch batch(*runtime_.executor, *group, nodes_, "records");
  TOKURA_CO_RETURN_IF_ERROR(co_await RunSized(BytesOf(request), [&] {
    for (; next < request.records.size(); ++next) {
      batch.Add(builder.Put(request.records[next], "records[" + std::to_string(next) + "]"));
    }
  }));
  co_return co_await SendPut(batch, deadline, options);
}

Task<Result<client::PutRecordsResponse>> Handlers::SendPut(WriteBatch& batch, Deadline deadline,
                                                           CallOptions options) {
  MarkPlanned(options, batch.results().size(), 0);
  Status sent = co_await batch.Send(deadline);
  MarkGathered(options);
  if (!sent.ok()) co_return sent;
  client::PutRecordsResponse response;
  TOKURA_CO_ASSIGN_OR_RETURN(response.token, batch.Token());
  metrics_.AddRows(Method::kPutRecords, batch.accepted());
  response.results = std::move(batch.results());
  co_return response;
}

Task<Result<std::string>> Handlers::PutBytes(std::string body, CallOptions options) {
  const Deadline deadline(*runtime_.clock, options.timeout);
  if (const auto put = byte_put_planner_.Plan(catalog_.Current(), body); put.has_value()) {
    const int64_t now_us = runtime_.clock->NowUs();
    const std::vector<WriteId> write_ids = NextWriteIds(put->records.size(), now_us);
    WriteBatch batch(*runtime_.executor, *put->selection->group, nodes_, "records");
    bool plain = false;
    TOKURA_CO_RETURN_IF_ERROR(co_await RunSized(body.size(), [&] {
      plain = put->Build(now_us, write_ids,
                         [&batch](const auto&... record) { batch.AddBytes(record...); });
    }));
    if (plain) {
      Result<client::PutRecordsResponse> response = co_await SendPut(batch, deadline, options);
      if (!response.ok()) co_return response.status();
      co_return client::wire::Encode(*response);
    }
  }
  Result<client::PutRecordsRequest> request = Internal("the body was not read");
  TOKURA_CO_RETURN_IF_ERROR(co_await RunSized(
      body.size(), [&] { request = client::wire::Decode<client::PutRecordsRequest>(body); }));
  if (!request.ok()) co_return request.status();
  options.timeout = deadline.Left();
  Result<client::PutRecordsResponse> response = co_await Put(std::move(*request), options);
  if (!response.ok()) co_return response.status();
  co_return client::wire::Encode(*response);
}

}  // namespace tokura::router
