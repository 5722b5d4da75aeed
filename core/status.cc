#include "core/status.h"

#include <array>

namespace tokura {
namespace {

constexpr std::array<std::string_view, 13> kCodeNames = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "DEADLINE",
    "UNKNOWN_OUTCOME",
    "WRONG_OWNER",
    "CORRUPT",
    "INTERNAL",
};

}  // namespace

std::string_view CodeName(Code code) {
  const auto index = static_cast<size_t>(code);
  return index < kCodeNames.size() ? kCodeNames[index] : "INTERNAL";
}

Code CodeFromName(std::string_view name) {
  for (size_t i = 0; i < kCodeNames.size(); ++i) {
    if (kCodeNames[i] == name) return static_cast<Code>(i);
  }
  return Code::kInternal;
}

Status Status::WithContext(std::string_view context) const {
  Status result = *this;
  if (!ok()) result.message_ = std::string(context) + ": " + message_;
  return result;
}

std::string Status::ToString() const {
  return ok() ? "OK" : std::string(CodeName(code_)) + ": " + message_;
}

Status InvalidArgument(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }
Status NotFound(std::string message) { return {Code::kNotFound, std::move(message)}; }
Status AlreadyExists(std::string message) { return {Code::kAlreadyExists, std::move(message)}; }
Status FailedPrecondition(std::string message) {
  return {Code::kFailedPrecondition, std::move(message)};
}
Status ResourceExhausted(std::string message) {
  return {Code::kResourceExhausted, std::move(message)};
}
Status Unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
Status DeadlineExceeded(std::string message) { return {Code::kDeadline, std::move(message)}; }
Status Corrupt(std::string message) { return {Code::kCorrupt, std::move(message)}; }
Status Internal(std::string message) { return {Code::kInternal, std::move(message)}; }

void CheckFailed(const char* file, int line, std::string_view message) {
  std::fprintf(stderr, "%s:%d: check failed: %.*s\n", file, line, static_cast<int>(message.size()),
               message.data());
  std::abort();
}

}  // namespace tokura
