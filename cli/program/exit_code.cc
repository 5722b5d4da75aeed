#include "cli/program/exit_code.h"

namespace tokura::cli {

Exit ExitOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return Exit::kDone;
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
    case Code::kDenied:
    case Code::kResourceExhausted:
      return Exit::kRefused;
    case Code::kUnavailable:
    case Code::kDeadline:
    case Code::kUnknownOutcome:
      return Exit::kUnreachable;
    case Code::kWrongOwner:
    case Code::kCorrupt:
    case Code::kInternal:
      return Exit::kBroken;
  }
  return Exit::kBroken;
}

}  // namespace tokura::cli
