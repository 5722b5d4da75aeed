#include "bench/load/request_template.h"

#include <cstring>

#include "core/status.h"

namespace tokura::bench {

uint64_t MarkerEntity(size_t item) { return 98'765'000'000 + item; }

std::string WriteIdOf(uint64_t entity, uint64_t generation) {
  const uint64_t halves[] = {generation + 1, Mix(entity + (generation << 48))};
  return std::string(reinterpret_cast<const char*>(halves), sizeof(halves));
}

RequestTemplate::RequestTemplate(std::string encoded, const RowShape& shape, size_t items,
                                 RequestParts parts)
    : shape_(shape), parts_(parts), bytes_(std::move(encoded)), items_(items) {
  for (size_t i = 0; i < items; ++i) {
    const std::string key = KeyOf(MarkerEntity(i));
    for (size_t at = bytes_.find(key); at != std::string::npos; at = bytes_.find(key, at + 1)) {
      items_[i].keys.push_back(at);
    }
    TOKURA_CHECK(!items_[i].keys.empty());
    size_t after = items_[i].keys.front();
    for (size_t f = 0; f < parts.features; ++f) {
      after = bytes_.find(EncodedValue(MarkerEntity(i), f, kMarkerGeneration), after);
      TOKURA_CHECK(after != std::string::npos);
      items_[i].values.push_back(after);
    }
    if (parts.write_ids) {
      items_[i].write_id = bytes_.find(WriteIdOf(MarkerEntity(i), kMarkerGeneration));
      TOKURA_CHECK(items_[i].write_id != std::string::npos);
    }
  }
}

std::string RequestTemplate::EncodedValue(uint64_t entity, size_t feature,
                                          uint64_t generation) const {
  std::string out;
  if (parts_.value_bytes == ValueBytes::kDouble && shape_.type.is_scalar() &&
      shape_.type.kind != Kind::kString) {
    const double number = NumberOf(shape_, entity, feature, generation);
    out.resize(sizeof(number));
    std::memcpy(out.data(), &number, sizeof(number));
  } else {
    out.resize(shape_.value_bytes);
    WriteValue(shape_, entity, feature, generation, out.data());
  }
  return out;
}

void RequestTemplate::SetEntity(size_t item, uint64_t entity) {
  for (const size_t at : items_[item].keys) WriteKey(entity, bytes_.data() + at);
}

void RequestTemplate::SetRow(size_t item, uint64_t entity, uint64_t generation) {
  SetEntity(item, entity);
  if (parts_.write_ids) {
    const std::string write_id = WriteIdOf(entity, generation);
    std::memcpy(bytes_.data() + items_[item].write_id, write_id.data(), write_id.size());
  }
  const bool as_double = parts_.value_bytes == ValueBytes::kDouble && shape_.type.is_scalar() &&
                         shape_.type.kind != Kind::kString;
  for (size_t f = 0; f < items_[item].values.size(); ++f) {
    char* const at = bytes_.data() + items_[item].values[f];
    if (as_double) {
      const double number = NumberOf(shape_, entity, f, generation);
      std::memcpy(at, &number, sizeof(number));
    } else {
      WriteValue(shape_, entity, f, generation, at);
    }
  }
}

}  // namespace tokura::bench
