#include "cli/ingest/counts.h"

#include "cli/text/format.h"

namespace tokura::cli {
namespace {
constexpr size_t kRejectsShown = 5;
constexpr size_t kTokenShownMax = 400;
}  // namespace

Status AboutRow(const Status& result) {
  std::string_view message = result.message();
  if (result.ok() || !message.starts_with("records[")) return result;
  message.remove_prefix(message.find(']') + 1);
  message.remove_prefix(std::min(message.find_first_not_of(".: "), message.size()));
  for (const std::string_view part : {"values.", "key."}) {
    if (message.starts_with(part)) message.remove_prefix(part.size());
  }
  return Status(result.code(), std::string(message));
}

void Counts::Add(uint64_t line, const Status& status) {
  if (status.ok()) {
    ++accepted_;
  } else if (status.code() == Code::kUnknownOutcome) {
    ++unknown_;
  } else {
    ++rejected_;
    if (rejects_.size() < kRejectsMax) rejects_.push_back({line, status});
  }
}

void Counts::AddToken(const std::string& token) {
  if (token.empty()) return;
  const Result<PositionVector> vector = PositionVector::FromToken(token);
  if (vector.ok()) {
    tokens_.JoinWith(*vector);
  } else {
    foreign_token_ = token;
  }
}

void Counts::Add(const Counts& other) {
  accepted_ += other.accepted_;
  rejected_ += other.rejected_;
  unknown_ += other.unknown_;
  repeated_ += other.repeated_;
  for (const Reject& reject : other.rejects_) {
    if (rejects_.size() < kRejectsMax) rejects_.push_back(reject);
  }
  tokens_.JoinWith(other.tokens_);
  if (!other.foreign_token_.empty()) foreign_token_ = other.foreign_token_;
}

void Counts::AddOutcome(Counts other) {
  other.accepted_ = 0;
  Add(other);
}

std::string Counts::token() const { return tokens_.empty() ? foreign_token_ : tokens_.ToToken(); }

void Counts::AppendJson(client::JsonWriter* json) const {
  json->Key("accepted").UInt(accepted_).Key("rejected").UInt(rejected_);
  json->Key("unknown").UInt(unknown_).Key("rejects").BeginArray();
  for (const Reject& reject : rejects_) {
    json->BeginObject().Key("line").UInt(reject.line);
    json->Key("code").String(CodeName(reject.why.code()));
    json->Key("message").String(reject.why.message()).EndObject();
  }
  json->EndArray().Key("token").String(token());
}

std::string Counts::ToText(const std::string& verb) const {
  std::string text = verb + " " + Counted(accepted_, "row");
  if (repeated_ > 0) text += " (" + FormatCount(repeated_) + " of them were there already)";
  if (rejected_ > 0) text += ", rejected " + FormatCount(rejected_);
  if (unknown_ > 0) text += ", unknown " + FormatCount(unknown_);
  text += "\n";
  const std::string token_text = token();
  if (token_text.empty()) return text;
  // That of a bulk load names every shard: nobody copies it by hand, and scripts ask for JSON.
  if (token_text.size() > kTokenShownMax) return text + "token by --json\n";
  return text + "token " + token_text + "\n";
}

void Counts::NoteRejects(Console& console, const std::string& where) const {
  for (size_t i = 0; i < rejects_.size() && i < kRejectsShown; ++i) {
    console.Note(where + "line " + std::to_string(rejects_[i].line) + ": " +
                 std::string(CodeName(rejects_[i].why.code())) + ": " + rejects_[i].why.message());
  }
  if (rejected_ > kRejectsShown) {
    console.Note("... and " + FormatCount(rejected_ - kRejectsShown) +
                 " more rejected rows (--json lists them)");
  }
  if (unknown_ > 0) {
    console.Note(Counted(unknown_, "row") +
                 " may or may not be written: write them again; the same row twice is one row");
  }
}

Exit Counts::exit() const {
  return rejected_ > 0 || unknown_ > 0 ? Exit::kDifference : Exit::kDone;
}

}  // namespace tokura::cli
