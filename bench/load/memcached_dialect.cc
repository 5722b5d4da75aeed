#include "bench/load/memcached_dialect.h"

#include <charconv>
#include <cstring>

#include "bench/load/peer_row.h"

namespace tokura::bench {
namespace {

constexpr std::string_view kEnd = "END\r\n";
constexpr std::string_view kValue = "VALUE ";
constexpr std::string_view kStored = "STORED\r\n";

// The line at the beginning of `bytes` without its end; nullopt: not whole.
std::optional<std::string_view> Line(std::string_view bytes) {
  const size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  return bytes.substr(0, end);
}

// "VALUE key flags 160": the length, for `key`; nullopt if it is about another key.
std::optional<size_t> ValueBytesOf(std::string_view line, uint64_t entity) {
  if (!line.starts_with(kValue)) return std::nullopt;
  char key[kKeyBytes];
  WriteKey(entity, key);
  if (line.substr(kValue.size(), kKeyBytes) != std::string_view(key, kKeyBytes)) {
    return std::nullopt;
  }
  const size_t last = line.rfind(' ');
  size_t bytes = 0;
  std::from_chars(line.data() + last + 1, line.data() + line.size(), bytes);
  return bytes;
}

class Memcached final : public Dialect {
 public:
  explicit Memcached(const RowShape& shape) : shape_(shape) {}

  RequestTemplate ReadTemplate(size_t items, size_t features) const override {
    std::string bytes = "get";
    for (size_t i = 0; i < items; ++i) bytes += " " + KeyOf(MarkerEntity(i));
    return RequestTemplate(bytes + "\r\n", shape_, items, {});
  }

  RequestTemplate WriteTemplate(size_t items) const override {
    const std::string numbers =
        " 0 " + std::to_string(kTtlSeconds) + " " + std::to_string(shape_.row_bytes()) + "\r\n";
    std::string bytes;
    for (size_t i = 0; i < items; ++i) {
      bytes += "set " + KeyOf(MarkerEntity(i)) + numbers + MarkerRow(shape_, i) + "\r\n";
    }
    return RequestTemplate(std::move(bytes), shape_, items, {.features = shape_.features});
  }

  void AppendRequest(std::string_view request, bool write, uint64_t id,
                     std::string* out) const override {
    out->append(request);
  }

  Answer CheckRead(std::string_view bytes, size_t features, const Asked& asked) const override {
    size_t at = 0;
    Status wrong;
    // memcached leaves out what it does not have, so a miss shows as another key or as the end.
    for (const uint64_t entity : asked.entities) {
      const std::optional<std::string_view> line = Line(bytes.substr(at));
      if (!line) return {};
      const std::optional<size_t> size = ValueBytesOf(*line, entity);
      if (!size) return {0, WrongValue(entity, 0, "no row")};
      at += line->size() + 2;
      if (bytes.size() - at < *size + 2) return {};
      Status status = CheckPackedRow(shape_, bytes.substr(at, *size), entity, asked.generation);
      if (!status.ok()) wrong = std::move(status);
      at += *size + 2;
    }
    if (bytes.size() - at < kEnd.size()) return {};
    if (bytes.substr(at, kEnd.size()) != kEnd) return {0, Unavailable("memcached: no END")};
    return {at + kEnd.size(), std::move(wrong)};
  }

  Answer CheckWrite(std::string_view bytes, const Asked& asked) const override {
    size_t at = 0;
    for (size_t i = 0; i < asked.entities.size(); ++i, at += kStored.size()) {
      const std::optional<std::string_view> line = Line(bytes.substr(at));
      if (!line) return {};
      if (bytes.substr(at, kStored.size()) != kStored) {
        return {0, Unavailable("memcached: " + std::string(*line))};
      }
    }
    return {at, OkStatus()};
  }

 private:
  const RowShape shape_;
};

}  // namespace

std::unique_ptr<Dialect> MakeMemcached(const RowShape& shape) {
  return std::make_unique<Memcached>(shape);
}

}  // namespace tokura::bench
