#include "runtime/transport.h"

#include <charconv>

namespace tokura::runtime {

Result<Address> Address::Parse(std::string_view text) {
  const Status malformed = InvalidArgument("address '" + std::string(text.substr(0, 100)) +
                                           "': expected HOST:PORT, as 127.0.0.1:7400");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return malformed;  // an IPv6 address without brackets
  }
  if (host.empty() || host.size() > 253) return malformed;
  if (host.find_first_of(" \t\r\n/") != std::string_view::npos) return malformed;
  Address address;
  address.host = std::string(host);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return malformed;
  return address;
}

std::string Address::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::is_loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace tokura::runtime
