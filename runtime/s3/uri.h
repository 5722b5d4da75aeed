// Names of objects: "s3://bucket/key".
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace tokura::runtime::s3 {

inline constexpr std::string_view kScheme = "s3://";

struct Uri {
  std::string bucket;
  std::string key;  // without a slash at the end; empty: the bucket itself
};

// INVALID_ARGUMENT: no bucket, or an empty, "." or ".." part, which proxies and readers disagree
// on.
Result<Uri> ParseUri(std::string_view path);

// Whether `path` ends with ".tmp" or ".tmp.N": the name under which a file is made, until it is
// whole and gets its own by Link or Rename.
bool IsTemporaryName(std::string_view path);

// Every byte but letters, digits, "-._~" and those in `keep` as %XX.
std::string PercentEncode(std::string_view text, std::string_view keep = "");

}  // namespace tokura::runtime::s3
