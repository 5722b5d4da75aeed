#include "bench/load/request_template.h"

#include <cstring>

#include "core/status.h"

namespace tokura::bench {

uint64_t MarkerEntity(size_t item) { return 98'765'000'000 + item; }

RequestTemplate::RequestTemplate(std::string encoded, const RowShape& shape, size_t items,
                                 size_t features, ValueBytes value_bytes)
    : shape_(shape), value_bytes_(value_bytes), bytes_(std::move(encoded)), items_(items) {
  for (size_t i = 0; i < items; ++i) {
    const std::string key = KeyOf(MarkerEntity(i));
    for (size_t at = bytes_.find(key); at != std::string::npos; at = bytes_.find(key, at + 1)) {
      items_[i].keys.push_back(at);
    }
    TOKURA_CHECK(!items_[i].keys.empty());
    size_t after = items_[i].keys.front();
    for (size_t f = 0; f < features; ++f) {
      after = bytes_.find(EncodedValue(MarkerEntity(i), f, kMarkerGeneration), after);
      TOKURA_CHECK(after != std::string::npos);
      items_[i].values.push_back(after);
    }
  }
}

std::string RequestTemplate::EncodedValue(uint64_t entity, size_t feature,
                                          uint64_t generation) const {
  std::string out;
  if (value_bytes_ == ValueBytes::kDouble && shape_.type.is_scalar() &&
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
  const bool as_double = value_bytes_ == ValueBytes::kDouble && shape_.type.is_scalar() &&
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
