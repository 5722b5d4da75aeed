#include "offline/iceberg/avro_file.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/bytes.h"
#include "core/digest.h"

namespace tokura::offline::iceberg {
namespace {

constexpr std::string_view kMagic("Obj\1", 4);
constexpr size_t kMarkerBytes = 16;
constexpr size_t kDecodedBytesMax = 256 << 20;
constexpr size_t kObjectBytesMax = 16 << 20;
constexpr size_t kBlockBytes = 64 << 10;  // before compression
constexpr int kDepthMax = 64;
constexpr int kRawDeflate = -15;  // zlib's name for deflate without a header, with any window

// Reads the primitive forms from the front of untrusted bytes. Once something does not fit, ok() is
// false and everything reads as nothing.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  int64_t Long() {
    uint64_t raw = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return Fail();
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      raw |= uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return UnZigZag(raw);
    }
    return Fail();
  }
  std::string_view Take(uint64_t n) {
    if (!ok_ || n > rest_.size()) {
      Fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  std::string_view Bytes() {
    const int64_t n = Long();
    return n < 0 ? Take(UINT64_MAX) : Take(static_cast<uint64_t>(n));
  }
  // How many items follow in this block of an array or map; 0: it ends here.
  uint64_t BlockItems() {
    int64_t n = Long();
    if (n >= 0) return static_cast<uint64_t>(n);
    Long();  // the bytes of the block, for those who skip it
    return n == INT64_MIN ? static_cast<uint64_t>(Fail()) : static_cast<uint64_t>(-n);
  }
  int64_t Fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

class ObjectReader {
 public:
  explicit ObjectReader(std::string_view bytes)
      : from_(bytes.substr(0, kObjectBytesMax)), values_left_(from_.rest().size() + kValuesFree) {}

  // False: these bytes are no object of the type.
  bool Read(const AvroType& type, AvroValue* value, int depth = 0) {
    // Items of no bytes (null) must not make more of a file than its size allows.
    if (depth > kDepthMax || values_left_-- == 0) from_.Fail();
    value->type = &type;
    switch (type.kind) {
      case AvroKind::kNull:
        break;
      case AvroKind::kBoolean: {
        const std::string_view byte = from_.Take(1);
        value->v = !byte.empty() && byte[0] != 0;
        break;
      }
      case AvroKind::kInt:
      case AvroKind::kLong:
        value->v = from_.Long();
        break;
      case AvroKind::kEnum: {
        const int64_t symbol = from_.Long();
        if (static_cast<uint64_t>(symbol) >= type.symbol_count) return false;
        value->v = symbol;
        break;
      }
      case AvroKind::kFloat: {
        const std::string_view bytes = from_.Take(4);
        value->v = bytes.empty() ? 0.0 : double{std::bit_cast<float>(GetU32(bytes.data()))};
        break;
      }
      case AvroKind::kDouble: {
        const std::string_view bytes = from_.Take(8);
        value->v = bytes.empty() ? 0.0 : std::bit_cast<double>(GetU64(bytes.data()));
        break;
      }
      case AvroKind::kBytes:
      case AvroKind::kString:
        value->v = std::string(from_.Bytes());
        break;
      case AvroKind::kFixed:
        value->v = std::string(from_.Take(type.fixed_bytes));
        break;
      case AvroKind::kRecord:
        return ReadRecord(type, value, depth);
      case AvroKind::kArray:
      case AvroKind::kMap:
        return ReadItems(type, value, depth);
      case AvroKind::kUnion: {
        const auto choice = static_cast<uint64_t>(from_.Long());
        if (!from_.ok() || choice >= type.choices.size()) return false;
        return Read(*type.choices[choice], value, depth + 1);
      }
    }
    return from_.ok();
  }
  std::string_view rest() const { return from_.rest(); }

 private:
  static constexpr size_t kValuesFree = 1'024;

  bool ReadRecord(const AvroType& type, AvroValue* value, int depth) {
    auto& fields = value->v.emplace<AvroValue::Items>(type.fields.size());
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!Read(*type.fields[i].type, &fields[i], depth + 1)) return false;
    }
    return from_.ok();
  }

  bool ReadItems(const AvroType& type, AvroValue* value, int depth) {
    auto& items = value->v.emplace<AvroValue::Items>();
    while (const uint64_t n = from_.BlockItems()) {
      for (uint64_t i = 0; i < n; ++i) {
        if (type.kind == AvroKind::kMap) from_.Bytes();
        if (!Read(*type.element, &items.emplace_back(), depth + 1)) return false;
      }
    }
    return from_.ok();
  }

  Decoder from_;
  size_t values_left_;
};

Result<std::string> Inflate(std::string_view bytes, size_t bytes_max) {
  z_stream stream{};
  if (inflateInit2(&stream, kRawDeflate) != Z_OK) return Internal("zlib: cannot begin");
  std::string out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  int told = Z_OK;
  while (told == Z_OK && out.size() < bytes_max) {
    const size_t begin = out.size();
    out.resize(std::min(bytes_max, std::max<size_t>(2 * begin, kBlockBytes)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
    stream.avail_out = static_cast<uInt>(out.size() - begin);
    told = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (told == Z_STREAM_END) return out;
  return Corrupt("a block of an Avro file cannot be decompressed");
}

std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  TOKURA_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawDeflate,
                            /*memLevel=*/8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  TOKURA_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> Unzstd(std::string_view bytes, size_t bytes_max) {
  const unsigned long long claimed = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  std::string out;
  const auto fits = claimed <= bytes_max;  // the two values for "unknown" and "error" are huge
  if (fits) out.resize(claimed);
  const size_t n =
      fits ? ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size()) : size_t{0};
  if (!fits || ZSTD_isError(n) != 0 || n != out.size()) {
    return Corrupt("a block of an Avro file cannot be decompressed");
  }
  return out;
}

Result<std::string> Decompressed(std::string_view codec, std::string_view bytes, size_t bytes_max) {
  if (codec == "deflate") return Inflate(bytes, bytes_max);
  if (codec == "zstandard") return Unzstd(bytes, bytes_max);
  if (bytes.size() > bytes_max) return Corrupt("an Avro file of too many bytes");
  return std::string(bytes);
}

struct Header {
  AvroMetadata metadata;
  std::string codec = "null";
  std::string sync_marker;
};

Result<Header> ReadHeader(Decoder* from) {
  const Status broken = Corrupt("not an Avro file");
  if (from->Take(kMagic.size()) != kMagic) return broken;
  Header header;
  while (const uint64_t n = from->BlockItems()) {
    for (uint64_t i = 0; i < n && from->ok(); ++i) {
      std::string name(from->Bytes());
      header.metadata[std::move(name)] = from->Bytes();
    }
  }
  header.sync_marker = from->Take(kMarkerBytes);
  if (!from->ok()) return broken;
  if (const auto codec = header.metadata.find("avro.codec"); codec != header.metadata.end()) {
    header.codec = codec->second;
  }
  if (header.codec != "null" && header.codec != "deflate" && header.codec != "zstandard") {
    return FailedPrecondition("an Avro file with codec '" + header.codec.substr(0, 40) +
                              "'; null, deflate and zstandard are read");
  }
  return header;
}

}  // namespace

const AvroValue* AvroValue::Field(int32_t id) const {
  if (type == nullptr || type->kind != AvroKind::kRecord) return nullptr;
  const Items& values = *items();
  for (size_t i = 0; i < type->fields.size(); ++i) {
    if (type->fields[i].id == id) return &values[i];
  }
  return nullptr;
}

Result<AvroMetadata> ReadAvroFile(std::string_view bytes,
                                  const std::function<Status(const AvroValue&)>& visit) {
  Decoder from(bytes);
  TOKURA_ASSIGN_OR_RETURN(Header header, ReadHeader(&from));
  TOKURA_ASSIGN_OR_RETURN(const AvroSchema schema,
                          AvroSchema::Parse(header.metadata["avro.schema"]));
  size_t bytes_left = kDecodedBytesMax;
  while (!from.rest().empty()) {
    const int64_t count = from.Long();
    const std::string_view packed = from.Bytes();
    const std::string_view marker = from.Take(kMarkerBytes);
    if (!from.ok() || count < 0 || marker != header.sync_marker) {
      return Corrupt("a block of an Avro file is cut off or damaged");
    }
    TOKURA_ASSIGN_OR_RETURN(const std::string block,
                            Decompressed(header.codec, packed, bytes_left));
    bytes_left -= block.size();
    std::string_view rest = block;
    for (int64_t i = 0; i < count; ++i) {
      ObjectReader reader(rest);
      AvroValue object;
      if (rest.empty() || !reader.Read(schema.root(), &object)) {
        return Corrupt("an object of an Avro file is damaged, or too large");
      }
      rest.remove_prefix(std::min(rest.size(), kObjectBytesMax) - reader.rest().size());
      TOKURA_RETURN_IF_ERROR(visit(object));
    }
    if (!rest.empty()) return Corrupt("a block of an Avro file has more than it says");
  }
  return std::move(header.metadata);
}

AvroEncoder& AvroEncoder::Boolean(bool v) {
  bytes_.push_back(v ? 1 : 0);
  return *this;
}

AvroEncoder& AvroEncoder::Long(int64_t v) {
  PutVarint(&bytes_, ZigZag(v));
  return *this;
}

AvroEncoder& AvroEncoder::Bytes(std::string_view v) {
  Long(static_cast<int64_t>(v.size()));
  bytes_.append(v);
  return *this;
}

AvroEncoder& AvroEncoder::BeginArray(size_t items) {
  if (items > 0) Long(static_cast<int64_t>(items));
  return *this;
}

AvroWriter::AvroWriter(std::string_view schema, AvroMetadata metadata) {
  metadata["avro.schema"] = schema;
  metadata["avro.codec"] = "deflate";
  AvroEncoder header;
  header.BeginArray(metadata.size());
  for (const auto& [name, value] : metadata) header.Bytes(name).Bytes(value);
  header.EndArray();
  // Any 16 bytes that do not come up by chance; these are the same for the same file.
  const Digest digest = DigestBytes(header.bytes());
  PutU64(&sync_marker_, digest.high);
  PutU64(&sync_marker_, digest.low);
  file_.append(kMagic).append(header.bytes()).append(sync_marker_);
}

void AvroWriter::Add(const AvroEncoder& object) {
  block_.append(object.bytes());
  ++block_objects_;
  if (block_.size() >= kBlockBytes) EndBlock();
}

void AvroWriter::EndBlock() {
  if (block_objects_ == 0) return;
  AvroEncoder block;
  block.Long(block_objects_).Bytes(Deflate(block_));
  file_.append(block.bytes()).append(sync_marker_);
  block_.clear();
  block_objects_ = 0;
}

std::string AvroWriter::Finish() {
  EndBlock();
  return std::move(file_);
}

}  // namespace tokura::offline::iceberg
