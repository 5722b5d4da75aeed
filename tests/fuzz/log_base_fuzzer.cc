// Bytes as a base, as they are or with their checksums made right; and as a mark. Whatever is
// accepted as a mark encodes to the same bytes; a base is refused with a Status, or gives exactly
// the rows that its footer promises.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "replication/log_base.h"
#include "runtime/sim/sim_world.h"

namespace {

using namespace tokura;
using namespace tokura::replication;

constexpr char kDirectory[] = "/log";

void PatchU32(std::string* bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) (*bytes)[at + i] = static_cast<char>(value >> (8 * i));
}

// Makes the checksums of header, frames and trailer right, as far as the lengths in it lead.
std::string WithChecksums(std::string bytes) {
  const auto sum = [&bytes](size_t from, size_t count) {
    return Crc32c(std::string_view(bytes).substr(from, count));
  };
  if (bytes.size() < 14) return bytes;
  size_t at = GetU32(bytes.data() + 10);
  if (at < 18 || at > bytes.size()) return bytes;
  PatchU32(&bytes, at - 4, sum(0, at - 4));
  while (at + 9 + 20 <= bytes.size()) {
    const size_t length = GetU32(bytes.data() + at + 4);
    if (at + 9 + length + 20 > bytes.size()) break;
    PatchU32(&bytes, at, sum(at + 4, 5 + length));
    at += 9 + length;
  }
  if (bytes.size() >= 20) PatchU32(&bytes, bytes.size() - 12, sum(bytes.size() - 20, 8));
  return bytes;
}

void CheckBase(const std::string& bytes) {
  runtime::sim::SimWorld world(1);
  runtime::FileSystem& files = world.AddProcess("n1").files();
  TOKURA_CHECK(files.CreateDirectories(kDirectory).ok());
  auto file = files.Create(std::string(kDirectory) + "/base-0000000001.rows");
  TOKURA_CHECK(file.ok() && (*file)->Append(bytes).ok());
  auto base = LogBase::Open(files, kDirectory);
  if (!base.ok()) return;
  TOKURA_CHECK(*base != nullptr);
  uint64_t rows = 0;
  const Status read = (*base)->ForEach([&](ShardId shard, std::string_view, std::string_view) {
    TOKURA_CHECK(shard.value < kShardCount);
    ++rows;
    return OkStatus();
  });
  TOKURA_CHECK(!read.ok() || rows == (*base)->rows());
}

void CheckMark(std::string bytes) {
  for (int i = 0; i < 2; ++i) {
    const Result<LogMark> mark = LogMark::Decode(bytes);
    TOKURA_CHECK(!mark.ok() || mark->Encode() == bytes);
    PutU32(&bytes, Crc32c(bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckBase(bytes);
  CheckBase(WithChecksums(bytes));
  CheckMark(bytes);
  return 0;
}
