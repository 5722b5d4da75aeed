#include <algorithm>
#include <utility>

#include "client/json_value.h"
#include "offline/user_files/row_file_columns.h"

namespace tokura::offline {
namespace {

constexpr size_t kLineBytesMax = 8 << 20;
constexpr size_t kChunkBytes = 64 << 10;

// Lines of a source, without their LF or CRLF; of a longer one than kLineBytesMax the beginning.
class LineReader {
 public:
  explicit LineReader(ByteSource& source) : source_(source), chunk_(kChunkBytes) {}

  // False at the end. An error is one of the source.
  Result<bool> Next(std::string* line) {
    line->clear();
    too_long_ = false;
    bool any = false;
    for (;;) {
      if (rest_.empty()) {
        TOKURA_ASSIGN_OR_RETURN(const size_t n, source_.Read(chunk_));
        rest_ = std::string_view(chunk_.data(), n);
        if (n == 0) break;
      }
      any = true;
      const size_t newline = rest_.find('\n');
      const size_t n = std::min(newline, rest_.size());
      const size_t room = kLineBytesMax - line->size();
      too_long_ = too_long_ || n > room;
      line->append(rest_.substr(0, std::min(n, room)));
      rest_.remove_prefix(newline == std::string_view::npos ? n : n + 1);
      if (newline != std::string_view::npos) break;
    }
    if (any) ++number_;
    if (line->ends_with('\r')) line->pop_back();
    if (number_ == 1 && line->starts_with("\xef\xbb\xbf")) line->erase(0, 3);
    return any;
  }
  uint64_t number() const { return number_; }  // of the last line, from 1
  bool too_long() const { return too_long_; }

 private:
  ByteSource& source_;
  std::vector<char> chunk_;
  std::string_view rest_;
  uint64_t number_ = 0;
  bool too_long_ = false;
};

Result<Value> FromJson(Value cell, const Type& type) {
  return Coerce(std::move(cell), type, Syntax::kJson);
}

// The line without what an earlier rejects file added.
std::string KeptText(const client::Json::Object& members, std::string line) {
  const auto added = [](const auto& member) { return IsRejectsColumn(member.name); };
  if (std::none_of(members.begin(), members.end(), added)) return line;
  std::string text;
  client::JsonWriter writer(&text);
  writer.BeginObject();
  for (const auto& member : members) {
    if (added(member)) continue;
    writer.Key(member.name);
    client::AppendJson(member.value, &writer);
  }
  writer.EndObject();
  return text;
}

class JsonLinesReader : public ImportReader {
 public:
  JsonLinesReader(std::unique_ptr<ByteSource> source, const FeatureGroup& group,
                  const ImportOptions& options)
      : source_(std::move(source)), lines_(*source_), plan_(group, options) {}

  Result<std::optional<ImportRow>> Next() override {
    std::string line;
    do {
      TOKURA_ASSIGN_OR_RETURN(const bool found, lines_.Next(&line));
      if (!found) return std::optional<ImportRow>();
    } while (line.find_first_not_of(" \t") == std::string::npos);
    ImportRow row;
    row.line = lines_.number();
    row.record = Read(line, &row.text);
    return std::optional<ImportRow>(std::move(row));
  }
  uint64_t bytes_read() const override { return source_->raw_bytes_read(); }
  uint64_t bytes_total() const override { return source_->raw_bytes_total(); }

 private:
  client::PutRecord Read(std::string& line, std::string* text);

  std::unique_ptr<ByteSource> source_;
  LineReader lines_;
  const ColumnPlan plan_;
};

client::PutRecord JsonLinesReader::Read(std::string& line, std::string* text) {
  client::PutRecord bad;
  const auto fail = [&](Status why) {
    *text = std::move(line);
    bad.malformed = std::move(why);
    return std::move(bad);
  };
  if (lines_.too_long()) {
    return fail(InvalidArgument("the line is longer than " + std::to_string(kLineBytesMax) +
                                " bytes; is there one object a line?"));
  }
  if (!IsValidUtf8(line)) return fail(InvalidArgument("the line is not UTF-8"));
  Result<client::Json> json = client::ParseJson(line, kLineBytesMax);
  if (!json.ok()) return fail(json.status());
  const client::Json::Object* members = json->object();
  if (members == nullptr) {
    return fail(InvalidArgument("expected a JSON object, got " + std::string(json->kind_name())));
  }
  RowBuilder builder(plan_, FromJson);
  for (const auto& [name, member] : *members) {
    const ColumnUses* uses = plan_.Find(name);
    if (uses == nullptr) {
      builder.AddFault("unknown field " + plan_.DescribeUnknown(name));
      continue;
    }
    if (uses->empty()) continue;
    Result<Value> value = client::JsonToValue(member);
    if (value.ok()) {
      builder.Add(name, *uses, std::move(*value));
    } else {
      builder.AddFault(name + ": " + value.status().message());
    }
  }
  *text = KeptText(*members, std::move(line));
  return builder.Finish();
}

}  // namespace

Result<std::unique_ptr<ImportReader>> OpenJsonLinesReader(std::unique_ptr<ByteSource> source,
                                                          const std::string& name,
                                                          const FeatureGroup& group,
                                                          const ImportOptions& options) {
  return std::unique_ptr<ImportReader>(
      std::make_unique<JsonLinesReader>(std::move(source), group, options));
}

}  // namespace tokura::offline
