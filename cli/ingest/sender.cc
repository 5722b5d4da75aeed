#include "cli/ingest/sender.h"

#include <algorithm>
#include <numeric>

#include "core/limits.h"

namespace tokura::cli {
namespace {

constexpr size_t kBatchBytes = 1 << 20;
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::seconds kLongestPause{2};

// About what a value takes on the wire.
size_t SizeOf(const Value& value) {
  if (const std::string* text = value.get_if<std::string>()) return text->size() + 8;
  if (const Bytes* bytes = value.get_if<Bytes>()) return bytes->data.size() + 8;
  if (const FloatVector* floats = value.get_if<FloatVector>()) return floats->size() * 4 + 8;
  if (const List* list = value.get_if<List>()) {
    return std::accumulate(list->begin(), list->end(), size_t{8},
                           [](size_t sum, const Value& v) { return sum + SizeOf(v); });
  }
  return 12;
}

size_t SizeOf(const client::PutRecord& record) {
  size_t size = 48;
  for (const auto& [name, value] : record.key) size += name.size() + SizeOf(value);
  for (const auto& [name, value] : record.values) size += name.size() + SizeOf(value);
  return size;
}

// Whether the same write may be tried again: it may not have happened, or not yet.
bool IsTransient(const Status& status) {
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kDeadline:
    case Code::kUnknownOutcome:
      return true;
    case Code::kResourceExhausted:
      return status.retry_after().has_value();
    default:
      return false;
  }
}

}  // namespace

Sender::Sender(client::Api& api, runtime::Executor& executor, runtime::Clock& clock,
               SenderOptions options, WriteIds write_ids, OnReject on_reject, Progress* progress)
    : api_(api),
      executor_(executor),
      clock_(clock),
      options_(std::move(options)),
      write_ids_(std::move(write_ids)),
      on_reject_(std::move(on_reject)),
      progress_(progress),
      batch_done_(executor),
      tasks_(executor) {}

runtime::Task<Status> Sender::Send(offline::ImportReader& reader) {
  const Pace pace(clock_, options_.rows_per_second);
  while (failure_.ok() && !at_end_) {
    Batch batch;
    const Status filled = FillBatch(reader, &batch);
    if (!filled.ok()) Fail(filled);
    progress_->Update(ordinal_, reader.bytes_read(), reader.bytes_total());
    if (!failure_.ok() || batch.rows.empty()) continue;
    while (in_flight_ >= options_.in_flight_max) co_await batch_done_.Wait();
    if (const auto early = pace.Early(sent_); early.count() > 0) {
      co_await runtime::Sleep(executor_, early);
    }
    sent_ += batch.rows.size();
    ++in_flight_;
    tasks_.Spawn(SendBatch(std::move(batch)));
  }
  co_await tasks_.Join();
  co_return failure_;
}

Status Sender::FillBatch(offline::ImportReader& reader, Batch* batch) {
  while (batch->rows.size() < kRequestRecordsMax && batch->bytes < kBatchBytes) {
    TOKURA_ASSIGN_OR_RETURN(std::optional<offline::ImportRow> row, reader.Next());
    if (!row.has_value()) {
      at_end_ = true;
      return OkStatus();
    }
    ++ordinal_;
    if (!row->record.malformed.ok()) {
      Settle(*row, row->record.malformed);
      if (!failure_.ok()) return OkStatus();
      continue;
    }
    if (!row->record.write_id.has_value()) row->record.write_id = write_ids_(ordinal_);
    batch->bytes += SizeOf(row->record);
    batch->rows.push_back(std::move(*row));
  }
  return OkStatus();
}

runtime::Task<void> Sender::SendBatch(Batch batch) {
  std::vector<size_t> pending(batch.rows.size());
  std::iota(pending.begin(), pending.end(), size_t{0});
  std::optional<std::chrono::nanoseconds> first_failure;
  std::chrono::nanoseconds pause = kFirstPause;
  bool maybe_written = false;
  while (failure_.ok()) {
    client::PutRecordsRequest request;
    request.group = options_.group;
    request.stores = options_.stores;
    for (const size_t i : pending) request.records.push_back(batch.rows[i].record);
    client::CallOptions call;
    call.timeout = options_.call_timeout;
    const Result<client::PutRecordsResponse> answer =
        co_await api_.PutRecords(std::move(request), call);
    if (answer.ok()) {
      TakeAnswer(batch, *answer, &pending);
      if (pending.empty()) break;
      maybe_written = true;
    } else if (!IsTransient(answer.status())) {
      Fail(answer.status());
      break;
    } else {
      maybe_written = maybe_written || answer.status().code() != Code::kUnavailable;
    }
    const std::chrono::nanoseconds now = clock_.Monotonic();
    if (!first_failure.has_value()) first_failure = now;
    if (now - *first_failure >= options_.retry_limit) {
      // Nobody answers: more batches would fare no better.
      if (!answer.ok()) Fail(answer.status());
      break;
    }
    co_await runtime::Sleep(executor_, pause);
    pause = std::min<std::chrono::nanoseconds>(pause * 2, kLongestPause);
  }
  if (maybe_written) {
    const Status unknown(Code::kUnknownOutcome, "no answer in time");
    for (const size_t i : pending) Settle(batch.rows[i], unknown);
  }
  --in_flight_;
  batch_done_.NotifyAll();
}

void Sender::TakeAnswer(const Batch& batch, const client::PutRecordsResponse& answer,
                        std::vector<size_t>* pending) {
  counts_.AddToken(answer.token);
  if (answer.results.size() != pending->size()) {
    Fail(Internal("the server answered for another number of rows"));
    return;
  }
  std::vector<size_t> again;
  for (size_t i = 0; i < pending->size(); ++i) {
    if (IsTransient(answer.results[i])) {
      again.push_back((*pending)[i]);
    } else {
      Settle(batch.rows[(*pending)[i]], AboutRow(answer.results[i]));
    }
  }
  *pending = std::move(again);
}

void Sender::Settle(const offline::ImportRow& row, const Status& result) {
  counts_.Add(row.line, result);
  if (result.ok() || result.code() == Code::kUnknownOutcome) return;
  const Status noted = on_reject_(row, result);
  if (!noted.ok()) Fail(noted);
}

void Sender::Fail(const Status& why) {
  if (failure_.ok()) failure_ = why;
}

}  // namespace tokura::cli
