// Bytes as a segment file. Whatever recovery accepts it accepts again, whole, and a cursor reads
// the same records. The first byte chooses how the rest is meant: as the file, as what follows a
// good header, or as the payloads of frames with right checksums.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "replication/log_directory.h"
#include "replication/segment.h"
#include "runtime/sim/sim_world.h"

namespace {

constexpr uint64_t kNonce = 0x0807060504030201;

using namespace tokura;
using namespace tokura::replication;

constexpr char kDirectory[] = "/log";
constexpr char kPath[] = "/log/0000000001-00-000001.seg";

// The first byte is how many bytes are cut off the end.
void AppendGoodRecords(std::string_view input, std::string* file) {
  ByteReader reader(input);
  uint8_t cut = 0;
  reader.U8(&cut);
  LogRecord record;
  record.dot.origin = Origin{"n1", 1};
  uint8_t length = 0;
  std::string_view body;
  while (reader.U8(&length) && length > 0 && reader.Take(length, &body)) {
    if (length % 2 == 0) SegmentBuilder::AppendCommit(file->size(), kNonce, file);
    ++record.dot.seq.value;
    ++record.hlc_us;
    record.body = std::string(body);
    record.chain = NextChain(record.chain, record);
    SegmentBuilder::AppendRecord(0, record, file);
  }
  file->resize(file->size() - std::min<size_t>(cut, file->size()));
}

std::string FileOf(std::string_view input) {
  const char mode = input.front();
  input.remove_prefix(1);
  if (mode % 4 == 0) return std::string(input);
  std::string file;
  SegmentBuilder(SegmentName{1, 0, 1}, "n1", kNonce, &file);
  if (mode % 4 == 1) return file.append(input);
  if (mode % 4 == 3) {
    AppendGoodRecords(input, &file);
    return file;
  }
  ByteReader reader(input);  // kind, length, payload
  uint8_t kind = 0;
  uint8_t length = 0;
  std::string_view payload;
  while (reader.U8(&kind) && reader.U8(&length) && reader.Take(length, &payload)) {
    std::string frame;
    PutU32(&frame, length);
    frame.push_back(static_cast<char>(kind));
    frame.append(payload);
    PutU32(&file, Crc32c(frame));
    file.append(frame);
  }
  return file;
}

std::optional<std::vector<LogRecord>> Recover(runtime::FileSystem& files, RecoveredLog* log) {
  std::vector<LogRecord> records;
  Result<RecoveredLog> recovered = RecoverLog(files, kDirectory, [&](const LogRecord& record) {
    records.push_back(record);
    return OkStatus();
  });
  if (!recovered.ok()) return std::nullopt;
  *log = *recovered;
  return records;
}

std::vector<LogRecord> ReadAll(runtime::FileSystem& files, const PositionVector& durable) {
  auto cursor = LogCursor::Open(files, kDirectory, "");
  TOKURA_CHECK(cursor.ok());
  std::vector<LogRecord> records;
  while (true) {
    Result<std::optional<LogRecord>> record = (*cursor)->Next(durable);
    TOKURA_CHECK(record.ok());
    if (!record->has_value()) return records;
    records.push_back(std::move(**record));
    TOKURA_CHECK(LogCursor::Open(files, kDirectory, (*cursor)->Save()).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  runtime::sim::SimWorld world(1);
  runtime::FileSystem& files = world.disk("n1");
  TOKURA_CHECK(files.CreateDirectories(kDirectory).ok());
  auto file = files.Create(kPath);
  TOKURA_CHECK(file.ok());
  TOKURA_CHECK(
      (*file)->Append(FileOf(std::string_view(reinterpret_cast<const char*>(data), size))).ok());
  RecoveredLog log;
  const std::optional<std::vector<LogRecord>> records = Recover(files, &log);
  if (!records) return 0;
  RecoveredLog again;
  TOKURA_CHECK(Recover(files, &again) == records);
  TOKURA_CHECK(again.torn_bytes == 0 && again.vector == log.vector);
  TOKURA_CHECK(ReadAll(files, log.vector) == *records);
  return 0;
}
