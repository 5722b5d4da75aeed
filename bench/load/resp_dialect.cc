#include "bench/load/resp_dialect.h"

#include <xxhash.h>

#include <charconv>
#include <cstring>
#include <vector>

#include "bench/load/peer_row.h"

namespace tokura::bench {
namespace {

// A command as an array of bulk strings.
class Command {
 public:
  explicit Command(std::string* out) : out_(out) {}
  void Begin(size_t arguments) { *out_ += "*" + std::to_string(arguments) + "\r\n"; }
  Command& Add(std::string_view argument) {
    *out_ += "$" + std::to_string(argument.size()) + "\r\n";
    out_->append(argument);
    *out_ += "\r\n";
    return *this;
  }

 private:
  std::string* out_;
};

// Reads the replies at the beginning of `bytes`, one after the other.
class ReplyReader {
 public:
  explicit ReplyReader(std::string_view bytes) : bytes_(bytes) {}

  enum class State { kOk, kPartial, kBroken };
  State state() const { return state_; }
  size_t consumed() const { return at_; }
  const std::string& error() const { return error_; }

  // "*N", ":N", or "+text" as 0. False when state() says why.
  bool Header(char kind, int64_t* number) {
    const char* const begin = bytes_.data() + at_;
    const char* const end = bytes_.data() + bytes_.size();
    const void* const newline = begin == end ? nullptr : std::memchr(begin, '\n', end - begin);
    if (newline == nullptr) return Fail(State::kPartial, "");
    const char* const stop = static_cast<const char*>(newline);
    if (*begin != kind) return Fail(State::kBroken, std::string(begin, stop));
    *number = 0;
    if (kind != '+') std::from_chars(begin + 1, stop, *number);
    at_ = stop + 1 - bytes_.data();
    return true;
  }

  // A bulk string; nullopt: nil.
  bool Bulk(std::optional<std::string_view>* out) {
    int64_t size = 0;
    if (!Header('$', &size)) return false;
    if (size < 0) {
      *out = std::nullopt;
      return true;
    }
    if (bytes_.size() - at_ < static_cast<size_t>(size) + 2) return Fail(State::kPartial, "");
    *out = bytes_.substr(at_, size);
    at_ += size + 2;
    return true;
  }

  // The outcome so far as an answer.
  Answer Outcome(Status wrong) const {
    if (state_ == State::kPartial) return {0, OkStatus()};
    if (state_ == State::kBroken) return {0, Unavailable("redis: " + error_)};
    return {at_, std::move(wrong)};
  }

 private:
  bool Fail(State state, std::string error) {
    state_ = state;
    error_ = std::move(error);
    return false;
  }

  const std::string_view bytes_;
  size_t at_ = 0;
  State state_ = State::kOk;
  std::string error_;
};

class RespDialect : public Dialect {
 public:
  explicit RespDialect(const RowShape& shape) : shape_(shape) {}

  void AppendRequest(std::string_view request, bool write, uint64_t id,
                     std::string* out) const override {
    out->append(request);
  }

 protected:
  const RowShape shape_;
};

class RedisHashes final : public RespDialect {
 public:
  explicit RedisHashes(const RowShape& shape) : RespDialect(shape) {
    for (size_t f = 0; f < shape.features; ++f) {
      const std::string name = FeatureName(f);
      const uint32_t hash = XXH32(name.data(), name.size(), 0);
      fields_.emplace_back(reinterpret_cast<const char*>(&hash), sizeof(hash));
    }
  }

  RequestTemplate ReadTemplate(size_t items, size_t features) const override {
    std::string bytes;
    Command command(&bytes);
    for (size_t i = 0; i < items; ++i) {
      command.Begin(2 + features);
      command.Add("HMGET").Add(KeyOf(MarkerEntity(i)));
      for (size_t f = 0; f < features; ++f) command.Add(fields_[f]);
    }
    return RequestTemplate(std::move(bytes), shape_, items, {});
  }

  RequestTemplate WriteTemplate(size_t items) const override {
    std::string bytes;
    Command command(&bytes);
    for (size_t i = 0; i < items; ++i) {
      const std::string key = KeyOf(MarkerEntity(i));
      const std::string row = MarkerRow(shape_, i);
      command.Begin(2 + 2 * shape_.features);
      command.Add("HSET").Add(key);
      for (size_t f = 0; f < shape_.features; ++f) {
        command.Add(fields_[f])
            .Add(std::string_view(row).substr(f * shape_.value_bytes, shape_.value_bytes));
      }
      command.Begin(3);
      command.Add("EXPIRE").Add(key).Add(std::to_string(kTtlSeconds));
    }
    return RequestTemplate(std::move(bytes), shape_, items, {.features = shape_.features});
  }

  Answer CheckRead(std::string_view bytes, size_t features, const Asked& asked) const override {
    ReplyReader reader(bytes);
    Status wrong;
    std::string expected(shape_.value_bytes, '\0');
    for (const uint64_t entity : asked.entities) {
      int64_t count = 0;
      if (!reader.Header('*', &count)) return reader.Outcome({});
      for (int64_t f = 0; f < count; ++f) {
        std::optional<std::string_view> value;
        if (!reader.Bulk(&value)) return reader.Outcome({});
        WriteValue(shape_, entity, f, asked.generation, expected.data());
        if (!value || *value != expected) wrong = WrongValue(entity, f, "not the value written");
      }
      if (count != static_cast<int64_t>(features)) wrong = WrongValue(entity, count, "missing");
    }
    return reader.Outcome(std::move(wrong));
  }

  Answer CheckWrite(std::string_view bytes, const Asked& asked) const override {
    ReplyReader reader(bytes);
    Status wrong;
    for (const uint64_t entity : asked.entities) {
      int64_t added = 0;
      int64_t expires = 0;
      if (!reader.Header(':', &added) || !reader.Header(':', &expires)) return reader.Outcome({});
      if (expires != 1) wrong = WrongValue(entity, 0, "EXPIRE found no key");
    }
    return reader.Outcome(std::move(wrong));
  }

 private:
  std::vector<std::string> fields_;
};

class RedisPacked final : public RespDialect {
 public:
  using RespDialect::RespDialect;

  RequestTemplate ReadTemplate(size_t items, size_t features) const override {
    std::string bytes;
    Command command(&bytes);
    command.Begin(1 + items);
    command.Add("MGET");
    for (size_t i = 0; i < items; ++i) command.Add(KeyOf(MarkerEntity(i)));
    return RequestTemplate(std::move(bytes), shape_, items, {});
  }

  RequestTemplate WriteTemplate(size_t items) const override {
    std::string bytes;
    Command command(&bytes);
    for (size_t i = 0; i < items; ++i) {
      command.Begin(5);
      command.Add("SET").Add(KeyOf(MarkerEntity(i))).Add(MarkerRow(shape_, i));
      command.Add("EX").Add(std::to_string(kTtlSeconds));
    }
    return RequestTemplate(std::move(bytes), shape_, items, {.features = shape_.features});
  }

  Answer CheckRead(std::string_view bytes, size_t features, const Asked& asked) const override {
    ReplyReader reader(bytes);
    Status wrong;
    int64_t count = 0;
    if (!reader.Header('*', &count)) return reader.Outcome({});
    if (count != static_cast<int64_t>(asked.entities.size())) {
      return {0, Corrupt("redis: MGET answered another number of rows")};
    }
    for (const uint64_t entity : asked.entities) {
      std::optional<std::string_view> row;
      if (!reader.Bulk(&row)) return reader.Outcome({});
      Status status = CheckPackedRow(shape_, row.value_or(""), entity, asked.generation);
      if (!status.ok()) wrong = std::move(status);
    }
    return reader.Outcome(std::move(wrong));
  }

  Answer CheckWrite(std::string_view bytes, const Asked& asked) const override {
    ReplyReader reader(bytes);
    for (size_t i = 0; i < asked.entities.size(); ++i) {
      int64_t ignored = 0;
      if (!reader.Header('+', &ignored)) return reader.Outcome({});
    }
    return reader.Outcome({});
  }
};

}  // namespace

std::unique_ptr<Dialect> MakeRedisHashes(const RowShape& shape) {
  return std::make_unique<RedisHashes>(shape);
}
std::unique_ptr<Dialect> MakeRedisPacked(const RowShape& shape) {
  return std::make_unique<RedisPacked>(shape);
}

}  // namespace tokura::bench
