#include "bench/history/lay_out.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "bench/history/change_stream.h"
#include "bench/load/cpu_time.h"
#include "offline/records/history_buffer.h"
#include "offline/table/table_writer.h"
#include "replication/segment_list.h"

namespace tokura::bench {
namespace {

constexpr int64_t kNowUs = 1'767'916'800'000'000;  // 2026-01-09, after all of it

// As LogCursor reads a log: checksums, and each record against those before it.
Status ReadSegment(runtime::FileSystem& files, const std::string& path,
                   offline::HistoryBuffer* buffer) {
  TOKURA_ASSIGN_OR_RETURN(const auto reader, replication::SegmentReader::Open(files, path));
  replication::RecordVerifier verifier(nullptr);
  client::FeedRecord of_feed;
  replication::LogRecord record;
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const bool more, reader->Next(&record));
    if (!more) return OkStatus();
    TOKURA_RETURN_IF_ERROR(verifier.Check(record, reader->name().log));
    of_feed.dot = record.dot;
    of_feed.write_time_us = record.hlc_us;
    of_feed.body.swap(record.body);
    TOKURA_RETURN_IF_ERROR(buffer->Add(of_feed));
  }
}

}  // namespace

Result<LayOutResult> LayOut(runtime::FileSystem& files, const std::string& directory,
                            const std::string& offline_root, size_t segments_a_commit) {
  const FeatureGroup group = SessionsGroup();
  TOKURA_ASSIGN_OR_RETURN(const auto segments,
                          replication::ListSegmentNames(files, directory + "/log"));
  TOKURA_ASSIGN_OR_RETURN(const auto writer,
                          offline::TableWriter::Open(files, offline_root, group, kNowUs));
  offline::HistoryBuffer buffer;
  LayOutResult result;
  for (size_t next = 0; next < segments.size();) {
    const double before_reading = OwnCpuSeconds();
    for (const size_t end = std::min(next + segments_a_commit, segments.size()); next < end;) {
      const std::string path = directory + "/log/" + segments[next++].ToString();
      TOKURA_RETURN_IF_ERROR(ReadSegment(files, path, &buffer));
    }
    result.read_cpu_seconds += OwnCpuSeconds() - before_reading;
    const offline::HistoryRecords records = buffer.Take(group.id);
    TOKURA_ASSIGN_OR_RETURN(
        const offline::CommitOutcome outcome,
        writer->Commit(group, {.position = buffer.read(), .watermark_us = kNowUs, .now_us = kNowUs},
                       records));
    result.rows += outcome.rows;
    result.duplicates += outcome.duplicates;
    result.files += outcome.files;
    result.bytes += outcome.bytes;
  }
  result.records = buffer.records_read();
  result.cpu_seconds = OwnCpuSeconds();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result.memory_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  return result;
}

}  // namespace tokura::bench
