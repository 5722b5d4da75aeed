// Dialect: how one store is asked for rows and given rows, and how its answers are checked. The
// loops (closed_loop.h, open_loop.h) are the same for every store, so that what differs between
// two sides of a comparison is the server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bench/load/request_template.h"
#include "bench/load/row_shape.h"
#include "core/status.h"

namespace tokura::bench {

// What a request asked for; the answer is checked against it.
struct Asked {
  std::span<const uint64_t> entities;
  uint64_t generation = 0;  // of the values that must come, or that were written
};

struct Answer {
  size_t bytes = 0;  // 0: it is not whole yet, or, with an error, the stream cannot be read on
  Status status;     // CORRUPT: a value is not what it must be; else what the store said
};

// Immutable after construction; belongs to one thread.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // A request for the first `features` features of `items` entities.
  virtual RequestTemplate ReadTemplate(size_t items, size_t features) const = 0;
  // A request that writes all features of `items` entities, with the TTL.
  virtual RequestTemplate WriteTemplate(size_t items) const = 0;

  // Appends the request as it travels. `id` comes back from AnswerId.
  virtual void AppendRequest(std::string_view request, bool write, uint64_t id,
                             std::string* out) const = 0;

  // Whether answers come in the order of the requests. If not, AnswerId tells whose answer `bytes`
  // begins with; nullopt until enough of it came.
  virtual bool in_order() const { return true; }
  virtual Result<std::optional<uint64_t>> AnswerId(std::string_view bytes) const {
    return std::optional<uint64_t>();
  }

  // Looks at the answer that `bytes` begins with and checks every value of it.
  virtual Answer CheckRead(std::string_view bytes, size_t features, const Asked& asked) const = 0;
  virtual Answer CheckWrite(std::string_view bytes, const Asked& asked) const = 0;
};

// CORRUPT: "entity:00000000042, feature 3: ...".
Status WrongValue(uint64_t entity, size_t feature, std::string_view what);

}  // namespace tokura::bench
