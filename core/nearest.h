// "did you mean": the nearest known name to a wrong one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tokura {

// The candidate with the smallest edit distance, if it is near enough to be meant.
std::optional<std::string> Nearest(std::string_view name, std::span<const std::string> candidates);
// "; did you mean 'x'?" or "".
std::string DidYouMean(std::string_view name, std::span<const std::string> candidates);

}  // namespace tokura
