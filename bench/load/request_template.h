// RequestTemplate: a request encoded once, by whatever encodes such requests, with the places of
// its keys and values. Asking for other entities is then copying bytes, so that the client's cost
// is small beside the server's, whatever the protocol.
//
//   RequestTemplate request(Encode(MarkerEntities(100)), shape, 100, {});
//   request.SetEntity(3, 4711);
//   Send(request.bytes());
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/row_shape.h"

namespace tokura::bench {

// The entity that stands at place `item` of a request from which a template is made; no benchmark
// has so many entities.
uint64_t MarkerEntity(size_t item);
inline constexpr uint64_t kMarkerGeneration = 0xfeed;

// How the protocol spells a value inside a write.
enum class ValueBytes {
  kRaw,     // as WriteValue
  kDouble,  // floats of any width as eight bytes
};

// The write id of a row, for protocols in which the writer brings it.
std::string WriteIdOf(uint64_t entity, uint64_t generation);

// What a request holds beside keys.
struct RequestParts {
  size_t features = 0;  // values of the first so many features; each follows the key's first place
  ValueBytes value_bytes = ValueBytes::kRaw;
  bool write_ids = false;
};

class RequestTemplate {
 public:
  // `encoded`: with MarkerEntity(i)'s key, which may occur several times, and its `parts` of
  // kMarkerGeneration, at place i of `items`. CHECKs that everything is found.
  RequestTemplate(std::string encoded, const RowShape& shape, size_t items, RequestParts parts);

  void SetEntity(size_t item, uint64_t entity);
  // Also values and write id, of `generation`. REQUIRES: made with features.
  void SetRow(size_t item, uint64_t entity, uint64_t generation);

  size_t items() const { return items_.size(); }
  std::string_view bytes() const { return bytes_; }

 private:
  struct Item {
    std::vector<size_t> keys;    // where the key stands
    std::vector<size_t> values;  // where each feature's value stands
    size_t write_id = 0;         // where it stands, if there are any
  };

  std::string EncodedValue(uint64_t entity, size_t feature, uint64_t generation) const;

  const RowShape shape_;
  const RequestParts parts_;
  std::string bytes_;
  std::vector<Item> items_;
};

}  // namespace tokura::bench
