#include "core/record_results.h"

#include "core/protobuf_wire.h"
#include "core/value.h"

namespace tokura {
namespace {

using pbwire::WireReader;

// Of both responses, and of v1.RecordResult.
constexpr uint32_t kResults = 1;
constexpr uint32_t kToken = 2;
constexpr uint32_t kCode = 1;
constexpr uint32_t kMessage = 2;

void AppendResult(const Status& status, std::string* out) {
  if (status.ok()) {
    out->append({static_cast<char>(pbwire::Tag(kResults, pbwire::WireType::kBytes)), '\0'});
    return;
  }
  const std::string_view message =
      IsValidUtf8(status.message()) ? std::string_view(status.message()) : "unreadable message";
  const size_t message_bytes = message.empty() ? 0 : pbwire::BytesFieldBytes(message.size());
  const size_t bytes = 2 + message_bytes;  // every code is below 128
  const size_t at = out->size();
  out->resize(at + pbwire::BytesFieldBytes(bytes));
  char* p = pbwire::PutBytesHeader(kResults, bytes, out->data() + at);
  p = pbwire::PutVarintField(kCode, static_cast<uint64_t>(status.code()), p);
  if (!message.empty()) pbwire::PutBytesField(kMessage, message, p);
}

bool ReadResult(std::string_view body, Status* status) {
  WireReader reader(body);
  uint32_t code = 0;
  std::string_view message;
  while (reader.Next()) {
    if (reader.field() == kCode && reader.is_varint()) {
      code = static_cast<uint32_t>(reader.number());
    } else if (reader.field() == kMessage && reader.is_bytes()) {
      message = reader.bytes();
    }
  }
  if (!reader.ok() || !IsValidUtf8(message)) return false;
  if (code == 0) return true;
  const bool known = code <= static_cast<uint32_t>(Code::kInternal);
  *status = Status(known ? static_cast<Code>(code) : Code::kInternal, std::string(message));
  return true;
}

}  // namespace

std::string EncodeRecordResults(std::span<const Status> results, std::string_view token) {
  std::string out;
  out.reserve(2 * results.size() + token.size() + 8);
  for (const Status& status : results) AppendResult(status, &out);
  if (!token.empty()) pbwire::AppendBytesField(kToken, token, &out);
  return out;
}

Result<RecordResults> DecodeRecordResults(std::string_view body, size_t count) {
  RecordResults answer;
  answer.results.reserve(count);
  WireReader reader(body);
  bool fits = true;
  while (fits && reader.Next()) {
    if (reader.field() == kToken && reader.is_bytes()) {
      answer.token = reader.bytes();
    } else if (reader.field() == kResults && reader.is_bytes()) {
      fits = answer.results.size() < count &&
             ReadResult(reader.bytes(), &answer.results.emplace_back());
    }
  }
  if (fits && reader.ok() && answer.results.size() == count) return answer;
  return InvalidArgument("not the results of " + std::to_string(count) + " records");
}

}  // namespace tokura
