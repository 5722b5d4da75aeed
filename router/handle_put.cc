#include "core/limits.h"
#include "router/handlers.h"
#include "router/record_builder.h"
#include "router/write_batch.h"

namespace tokura::router {

using runtime::Task;

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
  RecordBuilder builder({group, stores, request.syntax, now_us},
                        [this, now_us] { return NextWriteId(now_us); });
  WriteBatch batch(*runtime_.executor, *group, nodes_, "records");
  for (size_t i = 0; i < request.records.size(); ++i) {
    batch.Add(builder.Put(request.records[i], "records[" + std::to_string(i) + "]"));
  }
  Status sent = co_await batch.Send(deadline);
  if (!sent.ok()) co_return sent;
  client::PutRecordsResponse response;
  TOKURA_CO_ASSIGN_OR_RETURN(response.token, batch.Token());
  metrics_.AddRows(Method::kPutRecords, batch.accepted());
  response.results = std::move(batch.results());
  co_return response;
}

}  // namespace tokura::router
