#include "runtime/s3/uri.h"

#include <cctype>

namespace tokura::runtime::s3 {

Result<Uri> ParseUri(std::string_view path) {
  const Status wrong = InvalidArgument(std::string(path) + ": write s3://BUCKET/PREFIX");
  if (!path.starts_with(kScheme)) return wrong;
  std::string_view rest = path.substr(kScheme.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  Uri uri;
  for (bool first = true; first || !rest.empty(); first = false) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return wrong;
    if (first) {
      uri.bucket = part;
    } else {
      uri.key.append(uri.key.empty() ? "" : "/").append(part);
    }
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  return uri;
}

bool IsTemporaryName(std::string_view path) {
  const size_t digits = path.find_last_not_of("0123456789");
  if (digits != std::string_view::npos && digits + 1 < path.size() && path[digits] == '.') {
    path = path.substr(0, digits);
  }
  return path.ends_with(".tmp");
}

std::string PercentEncode(std::string_view text, std::string_view keep) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 0x80 && std::isalnum(byte) != 0) ||
                       std::string_view("-._~").find(c) != std::string_view::npos ||
                       keep.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

}  // namespace tokura::runtime::s3
