// Cursors of the change feed that nobody gave out, over a log of two lives with two logs each: they
// are refused, or what is read from them are records of the log, each in the order of its shard,
// until the end. The first byte says whether the rest gets a right checksum, and how often what is
// read is saved and opened again.
#include <map>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "replication/log_directory.h"
#include "replication/segment.h"
#include "runtime/sim/sim_world.h"

namespace {

using namespace tokura;
using namespace tokura::replication;

constexpr char kDirectory[] = "/log";
constexpr uint64_t kNonce = 0x0807060504030201;

class TwoLives {
 public:
  TwoLives() {
    TOKURA_CHECK(files().CreateDirectories(kDirectory).ok());
    for (uint32_t incarnation : {1u, 2u}) {
      for (uint16_t log : {uint16_t{0}, uint16_t{1}}) {
        for (uint32_t number : {1u, 2u}) WriteSegment({incarnation, log, number});
      }
    }
  }
  runtime::FileSystem& files() { return world_.disk("n1"); }
  const PositionVector& durable() const { return durable_; }
  const LogRecord* Find(const Dot& dot) const {
    const auto at = records_.find({dot.shard, dot.origin.incarnation, dot.seq});
    return at == records_.end() ? nullptr : &at->second;
  }

 private:
  void WriteSegment(const SegmentName& name) {
    std::string bytes;
    SegmentBuilder(name, "n1", kNonce, &bytes);
    for (int i = 0; i < 3; ++i) {
      SegmentBuilder::AppendCommit(bytes.size(), kNonce, &bytes);
      LogRecord record;
      record.dot = {ShardId(name.log), Origin{"n1", name.incarnation}, Seq()};
      LogRecord& last = last_[{name.log, name.incarnation}];
      record.dot.seq.value = last.dot.seq.value + 1;
      record.hlc_us = ++hlc_us_;
      record.body = "record " + std::to_string(hlc_us_);
      record.chain = NextChain(last.chain, record);
      SegmentBuilder::AppendRecord(0, record, &bytes);
      last = record;
      durable_.Add(record.dot);
      records_[{record.dot.shard, name.incarnation, record.dot.seq}] = record;
    }
    SegmentBuilder::AppendCommit(bytes.size(), kNonce, &bytes);
    auto file = files().Create(std::string(kDirectory) + "/" + name.ToString());
    TOKURA_CHECK(file.ok() && (*file)->Append(bytes).ok() && (*file)->Sync().ok());
  }

  runtime::sim::SimWorld world_{1};
  int64_t hlc_us_ = 0;
  PositionVector durable_;
  std::map<std::pair<uint16_t, uint32_t>, LogRecord> last_;
  std::map<std::tuple<ShardId, uint32_t, Seq>, LogRecord> records_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static TwoLives log;
  if (size == 0) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) PutU32(&text, Crc32c(text));
  auto cursor = LogCursor::Open(log.files(), kDirectory, text);
  if (!cursor.ok()) return 0;
  if (!text.empty()) TOKURA_CHECK(!(*cursor)->Save().empty());
  std::map<std::pair<ShardId, uint32_t>, Seq> read;
  for (int n = 0; n < 100; ++n) {
    const Result<std::optional<LogRecord>> record = (*cursor)->Next(log.durable());
    if (!record.ok()) return 0;
    if (!record->has_value()) return 0;
    const LogRecord* expected = log.Find((*record)->dot);
    TOKURA_CHECK(expected != nullptr && expected->body == (*record)->body &&
                 expected->hlc_us == (*record)->hlc_us);
    Seq& last = read[{(*record)->dot.shard, (*record)->dot.origin.incarnation}];
    TOKURA_CHECK(last.value == 0 || (*record)->dot.seq.value == last.value + 1);
    last = (*record)->dot.seq;
    if (data[0] / 2 % 4 == n % 4) {
      cursor = LogCursor::Open(log.files(), kDirectory, (*cursor)->Save());
      TOKURA_CHECK(cursor.ok());
    }
  }
  TOKURA_CHECK(false);  // it has fewer records
  return 0;
}
