#include "replication/segment_list.h"

#include <algorithm>

#include "replication/log_base.h"

namespace tokura::replication {

Status CorruptAt(const std::string& path, uint64_t offset, std::string_view what) {
  return Corrupt(path + ": offset " + std::to_string(offset) + ": " + std::string(what) +
                 "; restore the file from a backup");
}

namespace {

struct Listing {
  std::vector<SegmentName> segments;  // ascending
  uint64_t newest_base = 0;
};

Result<Listing> ListFiles(runtime::FileSystem& files, const std::string& directory) {
  Listing listing;
  Result<std::vector<std::string>> names = files.List(directory);
  if (names.status().code() == Code::kNotFound) return listing;
  if (!names.ok()) return names.status();
  for (const std::string& file_name : *names) {
    listing.newest_base = std::max(listing.newest_base, LogBase::NumberOf(file_name));
    if (!file_name.ends_with(".seg")) continue;
    Result<SegmentName> name = SegmentName::Parse(file_name);
    if (!name.ok()) {
      return Corrupt(directory + "/" + file_name +
                     ": not a segment's name; move the file out of the directory");
    }
    listing.segments.push_back(*name);
  }
  std::sort(listing.segments.begin(), listing.segments.end());
  return listing;
}

Result<SegmentList> Arrange(const std::vector<SegmentName>& segments, const std::string& directory,
                            const LogMark& cut) {
  SegmentList list;
  for (const SegmentName& name : segments) {
    const uint32_t first = cut.SegmentOf(name.incarnation, name.log);
    if (name.number < first) continue;
    std::vector<uint32_t>& numbers = list[name.incarnation][name.log];
    const uint32_t expected = numbers.empty() ? first : numbers.back() + 1;
    if (name.number != expected) {
      return Corrupt(directory + "/" +
                     SegmentName{name.incarnation, name.log, expected}.ToString() +
                     ": the segment is missing; restore the file from a backup");
    }
    numbers.push_back(name.number);
  }
  return list;
}

}  // namespace

Result<std::vector<SegmentName>> ListSegmentNames(runtime::FileSystem& files,
                                                  const std::string& directory) {
  TOKURA_ASSIGN_OR_RETURN(Listing listing, ListFiles(files, directory));
  return std::move(listing.segments);
}

Result<SegmentList> ListSegments(runtime::FileSystem& files, const std::string& directory,
                                 const LogMark& cut) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<SegmentName> segments,
                          ListSegmentNames(files, directory));
  return Arrange(segments, directory, cut);
}

Result<SegmentList> SegmentLister::List() {
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const Listing listing, ListFiles(files_, directory_));
    TOKURA_RETURN_IF_ERROR(FollowBase(listing.newest_base));
    // The log is cut only when its base has its name. If the next one has none yet, all that this
    // list lacks was cut behind the base that we know.
    TOKURA_ASSIGN_OR_RETURN(const bool newer,
                            files_.Exists(directory_ + "/" + LogBase::FileName(base_ + 1)));
    if (!newer) return Arrange(listing.segments, directory_, cut_);
  }
}

Status SegmentLister::FollowBase(uint64_t newest) {
  if (newest <= base_) return OkStatus();
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<LogBase> base, LogBase::Open(files_, directory_));
  if (base == nullptr) return OkStatus();
  base_ = LogBase::NumberOf(base->path().substr(base->path().rfind('/') + 1));
  cut_ = base->mark();
  cut_records_ = base->cut().vector;
  return OkStatus();
}

RecordVerifier::Ends& RecordVerifier::EndsOf(const Origin& origin) {
  if (last_origin_ != nullptr && *last_origin_ == origin) return *last_ends_;
  const auto [found, added] = ends_.try_emplace(origin);
  if (added) found->second = std::make_unique<Ends>();
  last_origin_ = &found->first;
  last_ends_ = found->second.get();
  return *last_ends_;
}

bool RecordVerifier::MayBegin(const LogRecord& record) const {
  if (begin_ == nullptr || record.dot.seq == Seq(1)) return true;
  const std::optional<Position> before = begin_->Find(record.dot.shard, record.dot.origin.node);
  if (!before) return false;
  const uint32_t incarnation = record.dot.origin.incarnation;
  return before->incarnation > incarnation ||
         (before->incarnation == incarnation && record.dot.seq.value <= before->seq.value + 1);
}

Status RecordVerifier::Check(const LogRecord& record, uint16_t log) {
  End& end = EndsOf(record.dot.origin)[record.dot.shard.value];
  const bool first = end.seq == 0;
  const bool contiguous =
      first ? record.dot.seq.value != 0 && MayBegin(record) : record.dot.seq.value == end.seq + 1;
  if (!contiguous) {
    return Corrupt("seq " + std::to_string(record.dot.seq.value) + " of shard " +
                   std::to_string(record.dot.shard.value) + " follows " + std::to_string(end.seq));
  }
  // The chain before a first record is known only at the very beginning.
  if ((!first || record.dot.seq == Seq(1)) && record.chain != NextChain(end.chain, record)) {
    return Corrupt("the chain of shard " + std::to_string(record.dot.shard.value) +
                   " does not match");
  }
  end = End{record.dot.seq.value, record.chain};
  const auto [hlc, first_of_log] = hlc_us_.try_emplace(log, record.hlc_us);
  if (!first_of_log && record.hlc_us <= hlc->second) {
    return Corrupt("the write time does not increase");
  }
  hlc->second = record.hlc_us;
  return OkStatus();
}

void RecordVerifier::AddTo(PositionVector* vector) const {
  for (const auto& [origin, ends] : ends_) {
    for (uint16_t shard = 0; shard < kShardCount; ++shard) {
      const uint64_t seq = (*ends)[shard].seq;
      if (seq != 0) vector->Add(Dot{ShardId(shard), origin, Seq(seq)});
    }
  }
}

}  // namespace tokura::replication
