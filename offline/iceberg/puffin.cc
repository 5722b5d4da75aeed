#include "offline/iceberg/puffin.h"

#include <exception>
#include <utility>

#include <boost/json.hpp>

#include "core/bytes.h"

namespace tokura::offline::iceberg {
namespace {

namespace json = boost::json;

constexpr std::string_view kMagic = "PFA1";
constexpr size_t kFooterEndBytes = 12;  // length, flags, magic

std::string Payload(std::span<const PuffinBlob> blobs) {
  json::array list;
  size_t offset = kMagic.size();
  for (const PuffinBlob& blob : blobs) {
    list.push_back(json::object{{"type", blob.type},
                                {"fields", json::array()},
                                {"snapshot-id", blob.snapshot_id},
                                {"sequence-number", blob.sequence_number},
                                {"offset", offset},
                                {"length", blob.bytes.size()}});
    offset += blob.bytes.size();
  }
  return json::serialize(json::object{{"blobs", std::move(list)}});
}

// Throws std::exception where the JSON is not what it has to be: caught in DecodePuffin.
PuffinBlob BlobOf(const json::object& object, std::string_view file) {
  if (object.contains("compression-codec")) throw std::invalid_argument("compressed");
  const auto offset = object.at("offset").to_number<uint64_t>();
  const auto length = object.at("length").to_number<uint64_t>();
  if (offset > file.size() || length > file.size() - offset) throw std::out_of_range("blob");
  return {.type = std::string(object.at("type").as_string()),
          .bytes = std::string(file.substr(offset, length)),
          .snapshot_id = object.at("snapshot-id").to_number<int64_t>(),
          .sequence_number = object.at("sequence-number").to_number<int64_t>()};
}

}  // namespace

PuffinFile EncodePuffin(std::span<const PuffinBlob> blobs) {
  PuffinFile file;
  file.bytes = kMagic;
  for (const PuffinBlob& blob : blobs) file.bytes += blob.bytes;
  const size_t footer_begin = file.bytes.size();
  const std::string payload = Payload(blobs);
  file.bytes += kMagic;
  file.bytes += payload;
  PutU32(&file.bytes, static_cast<uint32_t>(payload.size()));
  PutU32(&file.bytes, 0);  // flags: the footer is not compressed
  file.bytes += kMagic;
  file.footer_bytes = file.bytes.size() - footer_begin;
  return file;
}

Result<std::vector<PuffinBlob>> DecodePuffin(std::string_view bytes) {
  const Status broken = Corrupt("not a Puffin file");
  if (bytes.size() < 2 * kMagic.size() + kFooterEndBytes || !bytes.starts_with(kMagic) ||
      !bytes.ends_with(kMagic)) {
    return broken;
  }
  const size_t payload_end = bytes.size() - kFooterEndBytes;
  const size_t payload_bytes = GetU32(bytes.data() + payload_end);
  const uint32_t flags = GetU32(bytes.data() + payload_end + 4);
  if (flags != 0 || payload_bytes > payload_end - 2 * kMagic.size()) return broken;
  const size_t footer_begin = payload_end - payload_bytes - kMagic.size();
  if (bytes.substr(footer_begin, kMagic.size()) != kMagic) return broken;
  std::vector<PuffinBlob> blobs;
  try {
    const json::value footer =
        json::parse(bytes.substr(footer_begin + kMagic.size(), payload_bytes));
    size_t room = bytes.size();  // for blobs do not overlap
    for (const json::value& blob : footer.as_object().at("blobs").as_array()) {
      blobs.push_back(BlobOf(blob.as_object(), bytes.substr(0, footer_begin)));
      if (blobs.back().bytes.size() > room) return broken;
      room -= blobs.back().bytes.size();
    }
  } catch (const std::exception&) {
    return broken;
  }
  return blobs;
}

}  // namespace tokura::offline::iceberg
