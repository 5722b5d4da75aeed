#include "offline/snapshot_codec.h"

#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "core/bytes.h"

namespace tokura::offline {
namespace {

namespace json = boost::json;

// {"format":1,"crc32c":"89abcdef","snapshot":{...}}\n
constexpr std::string_view kFormatIs = "{\"format\":";
constexpr std::string_view kChecksumIs = ",\"crc32c\":\"";
constexpr std::string_view kSnapshotIs = "\",\"snapshot\":";
constexpr std::string_view kEnd = "}\n";
constexpr size_t kChecksumDigits = 8;

std::string ChecksumText(uint32_t crc32c) {
  char text[kChecksumDigits + 1];
  std::snprintf(text, sizeof text, "%08x", crc32c);
  return text;
}

json::object ToJson(const DataFile& file) {
  json::object object{{"path", file.path},
                      {"partition", file.partition},
                      {"rows", file.rows},
                      {"bytes", file.bytes},
                      {"event_time_min_us", file.event_time_min_us},
                      {"event_time_max_us", file.event_time_max_us},
                      {"write_prefix_min", file.write_prefix_min},
                      {"write_prefix_max", file.write_prefix_max},
                      {"digest", file.digest.ToHex()}};
  if (file.crc32c) object["crc32c"] = ChecksumText(*file.crc32c);
  return object;
}

// Takes the fields of one object; the first fault sticks.
class FieldReader {
 public:
  explicit FieldReader(const json::value& value) : object_(value.if_object()) {
    if (object_ == nullptr) ok_ = false;
  }

  template <typename T>
  T Integer(std::string_view name) {
    const json::value* value = Find(name);
    if (value == nullptr) return {};
    boost::system::error_code error;
    const T number = value->to_number<T>(error);
    if (error) ok_ = false;
    return error ? T{} : number;
  }
  std::string Text(std::string_view name) {
    const json::value* value = Find(name);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    ok_ = false;
    return {};
  }
  Digest Hex(std::string_view name) {
    Result<Digest> digest = Digest::FromHex(Text(name));
    if (digest.ok()) return *digest;
    ok_ = false;
    return {};
  }
  uint32_t Checksum(std::string_view name) {
    const std::string text = Text(name);
    uint32_t crc32c = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, crc32c, 16);
    if (error != std::errc() || at != end || ChecksumText(crc32c) != text) ok_ = false;
    return crc32c;
  }
  const json::array& Items(std::string_view name) {
    static const json::array kNone;
    const json::value* value = Find(name);
    if (value != nullptr && value->is_array()) return value->get_array();
    ok_ = false;
    return kNone;
  }
  bool Has(std::string_view name) const { return ok_ && object_->contains(name); }
  bool ok() const { return ok_; }

 private:
  const json::value* Find(std::string_view name) {
    const json::value* value = ok_ ? object_->if_contains(name) : nullptr;
    if (value == nullptr) ok_ = false;
    return value;
  }

  const json::object* object_;
  bool ok_ = true;
};

// A path of ours: below data/, and never out of the table's folder.
bool IsDataPath(const std::string& path) {
  return path.starts_with("data/") && path.find("..") == std::string::npos &&
         path.find('\0') == std::string::npos;
}

std::optional<DataFile> FileFromJson(const json::value& value) {
  FieldReader fields(value);
  DataFile file;
  file.path = fields.Text("path");
  file.partition = fields.Text("partition");
  file.rows = fields.Integer<uint64_t>("rows");
  file.bytes = fields.Integer<uint64_t>("bytes");
  file.event_time_min_us = fields.Integer<int64_t>("event_time_min_us");
  file.event_time_max_us = fields.Integer<int64_t>("event_time_max_us");
  file.write_prefix_min = fields.Integer<uint64_t>("write_prefix_min");
  file.write_prefix_max = fields.Integer<uint64_t>("write_prefix_max");
  file.digest = fields.Hex("digest");
  if (fields.Has("crc32c")) file.crc32c = fields.Checksum("crc32c");
  if (!fields.ok() || file.rows == 0 || !IsDataPath(file.path)) return std::nullopt;
  return file;
}

bool TakeDays(const json::array& items, std::map<int32_t, DayDigest>* days) {
  for (const json::value& item : items) {
    FieldReader day(item);
    const int32_t number = day.Integer<int32_t>("day");
    (*days)[number] = {day.Integer<uint64_t>("records"), day.Hex("digest")};
    if (!day.ok()) return false;
  }
  return true;
}

json::array DaysToJson(const std::map<int32_t, DayDigest>& days) {
  json::array out;
  for (const auto& [day, digest] : days) {
    out.push_back(
        json::object{{"day", day}, {"records", digest.records}, {"digest", digest.digest.ToHex()}});
  }
  return out;
}

std::optional<Snapshot> SnapshotFromJson(const json::value& value) {
  FieldReader fields(value);
  Snapshot snapshot;
  snapshot.id = fields.Integer<int64_t>("id");
  snapshot.group = GroupId(fields.Integer<uint32_t>("group"));
  snapshot.committed_at_us = fields.Integer<int64_t>("committed_at_us");
  auto position = PositionVector::FromToken(fields.Text("position"));
  snapshot.watermark_us = fields.Integer<int64_t>("watermark_us");
  for (const json::value& item : fields.Items("files")) {
    std::optional<DataFile> file = FileFromJson(item);
    if (!file) return std::nullopt;
    snapshot.files.push_back(std::move(*file));
  }
  if (!TakeDays(fields.Items("days"), &snapshot.days)) return std::nullopt;
  if (fields.Has("duplicates") && !TakeDays(fields.Items("duplicates"), &snapshot.duplicates)) {
    return std::nullopt;
  }
  if (!fields.ok() || !position.ok() || snapshot.id < 1) return std::nullopt;
  snapshot.position = std::move(position).value();
  return snapshot;
}

bool Take(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// What the checksum covers; checks format and checksum.
Result<std::string_view> BodyOf(std::string_view text) {
  const Status torn = Corrupt("not a whole snapshot file");
  int format = 0;
  if (!Take(&text, kFormatIs)) return torn;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), format);
  if (error != std::errc() || format < 1) return torn;
  if (format > kSnapshotFormat) {
    return FailedPrecondition("format " + std::to_string(format) + " is newer than " +
                              std::to_string(kSnapshotFormat) +
                              ", the newest this program reads; upgrade it");
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!Take(&text, kChecksumIs) || text.size() < kChecksumDigits) return torn;
  const std::string_view checksum = text.substr(0, kChecksumDigits);
  text.remove_prefix(kChecksumDigits);
  if (!Take(&text, kSnapshotIs) || !text.ends_with(kEnd)) return torn;
  text.remove_suffix(kEnd.size());
  if (ChecksumText(Crc32c(text)) != checksum)
    return Corrupt("the snapshot file fails its checksum");
  return text;
}

}  // namespace

std::string EncodeSnapshot(const Snapshot& snapshot) {
  json::array files;
  files.reserve(snapshot.files.size());
  for (const DataFile& file : snapshot.files) files.push_back(ToJson(file));
  json::object object{{"id", snapshot.id},
                      {"group", snapshot.group.value},
                      {"committed_at_us", snapshot.committed_at_us},
                      {"position", snapshot.position.ToToken()},
                      {"watermark_us", snapshot.watermark_us},
                      {"days", DaysToJson(snapshot.days)}};
  if (!snapshot.duplicates.empty()) object["duplicates"] = DaysToJson(snapshot.duplicates);
  object["files"] = std::move(files);
  const std::string body = json::serialize(object);
  std::string out;
  out.append(kFormatIs).append(std::to_string(kSnapshotFormat));
  out.append(kChecksumIs).append(ChecksumText(Crc32c(body)));
  out.append(kSnapshotIs).append(body).append(kEnd);
  return out;
}

Result<Snapshot> DecodeSnapshot(std::string_view text) {
  TOKURA_ASSIGN_OR_RETURN(const std::string_view body, BodyOf(text));
  try {
    std::optional<Snapshot> snapshot = SnapshotFromJson(json::parse(body));
    if (snapshot) return *std::move(snapshot);
  } catch (const std::exception&) {
    // falls through: malformed, whatever the parser calls it
  }
  return Corrupt("malformed snapshot");
}

}  // namespace tokura::offline
