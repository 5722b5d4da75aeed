// Bytes as hexadecimal text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tokura {

std::string EncodeHex(std::string_view bytes);  // lower case
// Of either case; nullopt: no hexadecimal text.
std::optional<std::string> DecodeHex(std::string_view hex);

}  // namespace tokura
