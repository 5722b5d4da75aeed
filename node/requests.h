// What the requests of a node have in common: parsing bounded bytes, and finding what ids name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/definitions.h"
#include "core/limits.h"
#include "core/schema.h"
#include "core/status.h"

namespace tokura::node {

template <typename Message>
Result<Message> ParseRequest(std::string_view body) {
  Message message;
  if (body.size() > kFrameBytesMax ||
      !message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return InvalidArgument("the request's body is not a " + std::string(message.GetTypeName()));
  }
  return message;
}

// The group, which must be online.
Result<const FeatureGroup*> OnlineGroup(const catalog::Definitions& definitions, uint32_t group);
// The feature, which must be live and online.
Result<const Feature*> OnlineFeature(const FeatureGroup& group, uint32_t feature);

// "reads[2]: ... ": RESOURCE_EXHAUSTED naming limit and count.
Status OverLimit(std::string_view what, size_t count, size_t limit);

}  // namespace tokura::node
