// Sender: writes the rows of one reader through a router: batches, several requests in flight,
// retries with the same write ids, a rate limit, counts. Of two rows with equal key and event time
// the later wins, whatever order the requests end in, because write ids count up in file order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/ingest/counts.h"
#include "cli/ingest/pace.h"
#include "cli/ingest/progress.h"
#include "client/api.h"
#include "offline/user_files/row_file.h"
#include "runtime/executor.h"
#include "runtime/sync.h"

namespace tokura::cli {

struct SenderOptions {
  std::string group;
  std::optional<Stores> stores;
  uint64_t rows_per_second = 0;  // 0: as fast as it goes
  std::chrono::nanoseconds call_timeout = std::chrono::seconds(30);
  // How long a batch is retried after its first failure.
  std::chrono::nanoseconds retry_limit = std::chrono::seconds(30);
  size_t in_flight_max = 8;
};

class Sender {
 public:
  // The id of row `ordinal` (from 1), for rows that bring none.
  using WriteIds = std::function<WriteId(uint64_t ordinal)>;
  using OnReject = std::function<Status(const offline::ImportRow& row, const Status& why)>;

  // All outlive the sender, which lives on `executor`. A failing `on_reject` ends the sending.
  Sender(client::Api& api, runtime::Executor& executor, runtime::Clock& clock,
         SenderOptions options, WriteIds write_ids, OnReject on_reject, Progress* progress);

  // Sends all rows. An error: the file cannot be read further, the request itself is refused, or
  // the server is out of reach; counts() then tells how far it came.
  runtime::Task<Status> Send(offline::ImportReader& reader);
  const Counts& counts() const { return counts_; }

 private:
  struct Batch {
    std::vector<offline::ImportRow> rows;
    size_t bytes = 0;
  };
  Status FillBatch(offline::ImportReader& reader, Batch* batch);
  runtime::Task<void> SendBatch(Batch batch);
  // What one answer says of the rows `pending`; those to try again stay in it.
  void TakeAnswer(const Batch& batch, const client::PutRecordsResponse& answer,
                  std::vector<size_t>* pending);
  void Settle(const offline::ImportRow& row, const Status& result);
  void Fail(const Status& why);

  client::Api& api_;
  runtime::Executor& executor_;
  runtime::Clock& clock_;
  SenderOptions options_;
  WriteIds write_ids_;
  OnReject on_reject_;
  Progress* progress_;
  Counts counts_;
  Status failure_;
  bool at_end_ = false;
  uint64_t ordinal_ = 0;
  uint64_t sent_ = 0;
  size_t in_flight_ = 0;
  runtime::Signal batch_done_;
  runtime::TaskGroup tasks_;
};

}  // namespace tokura::cli
