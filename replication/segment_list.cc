#include "replication/segment_list.h"

#include <algorithm>

namespace tokura::replication {
namespace {

Status BrokenAt(const std::string& where, const std::string& what) {
  return Corrupt(where + ": " + what + "; restore the file from a backup");
}

}  // namespace

Result<SegmentList> ListSegments(runtime::FileSystem& files, const std::string& directory) {
  SegmentList list;
  Result<std::vector<std::string>> names = files.List(directory);
  if (names.status().code() == Code::kNotFound) return list;
  if (!names.ok()) return names.status();
  for (const std::string& file_name : *names) {
    if (!file_name.ends_with(".seg")) continue;
    Result<SegmentName> name = SegmentName::Parse(file_name);
    if (!name.ok()) {
      return Corrupt(directory + "/" + file_name +
                     ": not a segment's name; move the file out of the directory");
    }
    list[name->incarnation][name->log].push_back(name->number);
  }
  for (auto& [incarnation, logs] : list) {
    for (auto& [log, numbers] : logs) {
      std::sort(numbers.begin(), numbers.end());
      for (size_t i = 0; i < numbers.size(); ++i) {
        const auto expected = static_cast<uint32_t>(i + 1);
        if (numbers[i] == expected) continue;
        return Corrupt(directory + "/" + SegmentName{incarnation, log, expected}.ToString() +
                       ": the segment is missing; restore the file from a backup");
      }
    }
  }
  return list;
}

Status RecordVerifier::Check(const LogRecord& record, uint16_t log, const std::string& where) {
  const auto [end, first] = ends_.try_emplace({record.dot.shard, record.dot.origin});
  const bool believed = first && !from_start_ && record.dot.seq != Seq(1);
  if (!believed) {
    if (record.dot.seq.value != end->second.seq.value + 1) {
      return BrokenAt(where, "seq " + std::to_string(record.dot.seq.value) + " of shard " +
                                 std::to_string(record.dot.shard.value) + " follows " +
                                 std::to_string(end->second.seq.value));
    }
    if (record.chain != NextChain(end->second.chain, record)) {
      return BrokenAt(where, "the chain of shard " + std::to_string(record.dot.shard.value) +
                                 " does not match");
    }
  }
  end->second = End{record.dot.seq, record.chain};
  const auto [hlc, first_of_log] = hlc_us_.try_emplace(log, record.hlc_us);
  if (!first_of_log && record.hlc_us <= hlc->second) {
    return BrokenAt(where, "the write time does not increase");
  }
  hlc->second = record.hlc_us;
  return OkStatus();
}

}  // namespace tokura::replication
