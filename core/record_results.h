// What became of the records of a write, as it travels: the bodies of v1.PutRecordsResponse and
// v1.NodeAppendResponse, which are the same bytes. Written and cut by hand, since mostly all of
// them are OK, and nothing; tests compare with the generated code.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tokura {

struct RecordResults {
  std::vector<Status> results;  // one a record, in order
  std::string token;
};
std::string EncodeRecordResults(std::span<const Status> results, std::string_view token);
// Untrusted bytes; INVALID_ARGUMENT if malformed, or if they are not `count` results.
Result<RecordResults> DecodeRecordResults(std::string_view body, size_t count);

}  // namespace tokura
