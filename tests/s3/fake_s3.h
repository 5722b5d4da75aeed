// FakeS3: an object store in memory that answers as S3 does, and goes wrong when it is told to.
#pragma once

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/s3/http_client.h"

namespace tokura::runtime::s3 {

class FakeS3 {
 public:
  enum class Fault {
    kNone,
    kBusy,        // 503, nothing done
    kCut,         // nothing done, and nobody knows
    kLost,        // done, and nobody knows
    kFailedLate,  // done, and 500
  };
  // Asked before each request.
  std::function<Fault(const HttpRequest&)> fault = [](const HttpRequest&) { return Fault::kNone; };
  // "bucket/key"
  std::map<std::string, std::string> objects;
  std::map<std::string, std::map<uint64_t, std::string>> uploads;  // by id
  std::vector<std::string> requests;                               // "PUT bucket/key"
  std::time_t now = 1'700'000'000;
  std::map<std::string, std::time_t> modified;  // as objects
  size_t page_keys = 2;
  bool honours_conditions = true;

  // Any number of them; this outlives them.
  std::unique_ptr<HttpClient> Client();
  Result<HttpAnswer> Answer(const HttpRequest& request);

 private:
  HttpAnswer Do(const HttpRequest& request);
  HttpAnswer Put(const HttpRequest& request, const std::string& name, std::string bytes);
  HttpAnswer Get(const HttpRequest& request, const std::string& name) const;
  HttpAnswer List(const HttpRequest& request) const;

  std::mutex mutex_;
  uint64_t next_upload_ = 1;
};

}  // namespace tokura::runtime::s3
