// Request ids: what ties an answer, a line of the log and a client's own records together. A client
// may bring one (X-Request-Id); else the server makes one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tokura::router {

inline constexpr size_t kRequestIdBytesMax = 128;

// 1 to 128 letters, digits and -_.:/+= : nothing that could forge a line of a log or a header.
bool IsRequestId(std::string_view text);

// Makes ids that no other process makes: 16 hex digits of `process`, drawn at random, then a count.
class RequestIdMaker {
 public:
  explicit RequestIdMaker(uint64_t process) : process_(process) {}
  std::string Next();

 private:
  const uint64_t process_;
  uint64_t count_ = 0;
};

}  // namespace tokura::router
