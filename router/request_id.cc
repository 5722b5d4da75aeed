#include "router/request_id.h"

#include <array>
#include <cstdio>

namespace tokura::router {

bool IsRequestId(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=";
  return !text.empty() && text.size() <= kRequestIdBytesMax &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string RequestIdMaker::Next() {
  std::array<char, 48> text{};
  const int n = std::snprintf(text.data(), text.size(), "%016llx-%llu",
                              static_cast<unsigned long long>(process_),
                              static_cast<unsigned long long>(++count_));
  return {text.data(), static_cast<size_t>(n)};
}

}  // namespace tokura::router
