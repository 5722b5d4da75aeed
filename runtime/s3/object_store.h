// ObjectStore: the requests of S3 that a file system needs, with their retries, deadlines and
// errors. Objects are named "s3://bucket/key".
//
// A write whose answer is lost may have been carried out. A conditional one is never guessed about:
// the object is read, and only what is there counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"
#include "runtime/s3/http_client.h"

namespace tokura::runtime::s3 {

// The part of an object that was asked for, and what it is a part of.
struct Piece {
  std::string bytes;
  uint64_t object_bytes = 0;
  std::string etag;
};

// Larger objects are sent in parts of this size, of which one is in memory at a time.
inline constexpr uint64_t kPartBytes = 16 << 20;

// Thread-safe; blocks, for a minute at most beside the transfers themselves. Errors name the
// object, the status of HTTP, the code of S3 and what to do. NOT_FOUND: no such object.
// FAILED_PRECONDITION: no such bucket, another region. DENIED. UNAVAILABLE: not done.
// UNKNOWN_OUTCOME: a write that may have happened.
class ObjectStore {
 public:
  // Waits between two attempts; tests do not.
  using Pause = std::function<void(std::chrono::milliseconds)>;
  // All outlive this.
  ObjectStore(HttpClient& http, const Clock& clock, Random& random, Pause pause)
      : http_(http), clock_(clock), random_(random), pause_(std::move(pause)) {}

  Result<bool> Exists(const std::string& path);
  // At most `size` bytes from `offset`. With an `etag`: UNAVAILABLE if the object is another by
  // now.
  Result<Piece> Get(const std::string& path, uint64_t offset, uint64_t size,
                    const std::string& etag = "");
  enum class IfThere { kReplace, kRefuse };
  // kRefuse: ALREADY_EXISTS, and nothing changed, if an object of that name is there with another
  // content. Returned OK => the object is there, durable, with this content.
  Status Write(const std::string& path, const ReadableFile& content, IfThere if_there);
  Status Copy(const std::string& from, const std::string& to);
  // OK if it is not there.
  Status Remove(const std::string& path);
  // By the store's clock.
  Result<std::chrono::seconds> Age(const std::string& path);
  // The paths of all objects below the folder `path`, sorted; with `flat` of those in it, and of
  // its folders, with a slash at the end. `at_most`: 0 for all.
  Result<std::vector<std::string>> List(const std::string& path, bool flat, size_t at_most = 0);

 private:
  Result<HttpRequest> RequestFor(const std::string& method, const std::string& path) const;
  // An error only if no attempt was answered; `doubtful`, if given, is set whatever is returned.
  Result<HttpAnswer> Send(const HttpRequest& request, bool* doubtful = nullptr);
  // The same, and any answer but a success is an error.
  Result<HttpAnswer> Call(const HttpRequest& request);
  Status WriteWhole(const std::string& path, const ReadableFile& content, uint64_t size,
                    IfThere if_there);
  Status WriteInParts(const std::string& path, const ReadableFile& content, uint64_t size,
                      IfThere if_there);
  Result<std::string> SendPart(const std::string& path, const std::string& upload, uint64_t number,
                               std::string_view bytes);
  // What a request that was to publish `content` has done, after all.
  Status Settle(const HttpRequest& request, const std::string& path, const ReadableFile& content,
                const Result<HttpAnswer>& answer, bool doubtful);
  Result<bool> Holds(const std::string& path, const ReadableFile& content);

  HttpClient& http_;
  const Clock& clock_;
  Random& random_;
  const Pause pause_;
};

}  // namespace tokura::runtime::s3
