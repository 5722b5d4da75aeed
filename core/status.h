// Status and Result<T>: how every function of Tokura reports failure. No exception crosses our
// functions. The codes are chosen by what the caller can do about the error; messages carry names,
// places and limits, never feature values.
//
//   Result<Schema> schema = Parse(text);
//   if (!schema.ok()) return schema.status();
//   TOKURA_ASSIGN_OR_RETURN(Schema schema, Parse(text));   // the same
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tokura {

enum class Code : uint8_t {
  kOk = 0,
  kInvalidArgument = 1,  // the request is wrong: change it
  kNotFound = 2,         // a group, feature, service or file that does not exist
  kAlreadyExists = 3,
  kFailedPrecondition = 4,  // right request, wrong state: change the state first
  kDenied = 5,
  kResourceExhausted = 6,  // over a limit; with retry_after() it is a quota or overload: wait
  kUnavailable = 7,        // nothing was done: try again, perhaps elsewhere
  kDeadline = 8,           // a read out of time
  kUnknownOutcome = 9,     // a write that may have happened: retry with the same write id
  kWrongOwner = 10,        // internal: reload the map
  kCorrupt = 11,           // stored bytes fail their checksum
  kInternal = 12,          // our bug
};

// "INVALID_ARGUMENT", as the HTTP contract spells it.
std::string_view CodeName(Code code);
// The inverse; kInternal for an unknown name.
Code CodeFromName(std::string_view name);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // Set for quotas and overload only: the caller may try again after this long.
  std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }
  Status&& WithRetryAfter(std::chrono::milliseconds after) && {
    retry_after_ = after;
    return std::move(*this);
  }
  // The same code with "context: " in front of the message.
  Status WithContext(std::string_view context) const;
  std::string ToString() const;  // "NOT_FOUND: feature group ..."; "OK"

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

inline Status OkStatus() { return {}; }
Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status AlreadyExists(std::string message);
Status FailedPrecondition(std::string message);
Status ResourceExhausted(std::string message);
Status Unavailable(std::string message);
Status DeadlineExceeded(std::string message);
Status Corrupt(std::string message);
Status Internal(std::string message);

// Ends the process with file, line and message. For broken invariants only, never for input.
[[noreturn]] void CheckFailed(const char* file, int line, std::string_view message);
#define TOKURA_CHECK(condition)                                              \
  do {                                                                       \
    if (!(condition)) ::tokura::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : rep_(std::move(value)) {}                                              // NOLINT
  Result(Status status) : rep_(std::move(status)) { TOKURA_CHECK(!this->status().ok()); }  // NOLINT

  bool ok() const { return rep_.index() == 1; }
  explicit operator bool() const { return ok(); }
  const Status& status() const {
    static const Status kOkStatus;
    return ok() ? kOkStatus : std::get<0>(rep_);
  }
  // REQUIRES: ok().
  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->Checked(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->Checked(); }

 private:
  T& Checked() {
    if (!ok())
      CheckFailed(__FILE__, __LINE__, "Result without value: " + std::get<0>(rep_).ToString());
    return std::get<1>(rep_);
  }
  std::variant<Status, T> rep_;
};

#define TOKURA_CONCAT_(a, b) a##b
#define TOKURA_CONCAT(a, b) TOKURA_CONCAT_(a, b)
#define TOKURA_RETURN_IF_ERROR(expr)                                      \
  do {                                                                    \
    if (::tokura::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)
#define TOKURA_ASSIGN_OR_RETURN(lhs, expr) \
  TOKURA_ASSIGN_OR_RETURN_(TOKURA_CONCAT(result_, __LINE__), lhs, expr)
#define TOKURA_ASSIGN_OR_RETURN_(result, lhs, expr) \
  auto result = (expr);                             \
  if (!result.ok()) return result.status();         \
  lhs = std::move(result).value()
// The same in a coroutine; `expr` may be a co_await expression.
#define TOKURA_CO_RETURN_IF_ERROR(expr)   \
  do {                                    \
    ::tokura::Status status_ = (expr);    \
    if (!status_.ok()) co_return status_; \
  } while (false)
#define TOKURA_CO_ASSIGN_OR_RETURN(lhs, expr) \
  TOKURA_CO_ASSIGN_OR_RETURN_(TOKURA_CONCAT(result_, __LINE__), lhs, expr)
#define TOKURA_CO_ASSIGN_OR_RETURN_(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) co_return result.status();         \
  lhs = std::move(result).value()

}  // namespace tokura
