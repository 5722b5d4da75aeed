// What the answers of an object store mean.
#pragma once

#include <string>

#include "core/status.h"
#include "runtime/s3/http_client.h"

namespace tokura::runtime::s3 {

inline bool IsSuccess(const HttpAnswer& answer) { return answer.status / 100 == 2; }
// Whether the same request may be answered otherwise in a moment.
bool IsPassing(const HttpAnswer& answer);
// The S3 code in an error's body, "NoSuchKey"; empty if there is none.
std::string ErrorCodeOf(const HttpAnswer& answer);
// "s3://bucket/key: PUT: HTTP 403 AccessDenied (...): what to do". REQUIRES: not a success.
Status ErrorOf(const HttpRequest& request, const HttpAnswer& answer);
// "s3://bucket/key: PUT"
std::string Describe(const HttpRequest& request);

}  // namespace tokura::runtime::s3
