#include "cli/changes.h"

#include <algorithm>
#include <array>

#include "cli/text/format.h"
#include "cli/text/table.h"
#include "client/json_value.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kDefinitionsBytesMax = 4 << 20;

Result<std::string> ReadAllStandardInput() {
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const size_t n, runtime::real::ReadStandardInput(buffer));
    if (n == 0) return text;
    text.append(buffer.data(), n);
    if (text.size() > kDefinitionsBytesMax) {
      return ResourceExhausted("standard input: more than " + FormatBytes(kDefinitionsBytesMax) +
                               " of definitions");
    }
  }
}

struct Style {
  const char* sign;
  Colour colour;
};

Style StyleOf(const catalog::Change& change) {
  if (change.action == "create") return {"+", Colour::kGreen};
  if (change.action == "drop") return {"-", Colour::kRed};
  if (change.action == "deprecate") return {"!", Colour::kYellow};
  return {"~", Colour::kYellow};
}

std::string LineOf(const catalog::Change& change) {
  std::string line = std::string(StyleOf(change).sign) + " " + Printable(change.object);
  if (!change.field.empty()) {
    line += "  " + change.field + ": ";
    line += (change.from.empty() ? "(none)" : Printable(change.from)) + " -> ";
    line += change.to.empty() ? "(none)" : Printable(change.to);
  } else if (change.action == "deprecate") {
    line += "  deprecated";
  }
  if (change.destructive) line += "  (destructive)";
  return line;
}

}  // namespace

Result<std::vector<catalog::DefinitionText>> ReadDefinitionFiles(
    Context& context, const std::vector<std::string>& paths) {
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    return InvalidArgument("'-' (standard input) can be read only once");
  }
  std::vector<catalog::DefinitionText> texts;
  for (const std::string& path : paths) {
    if (path == "-") {
      TOKURA_ASSIGN_OR_RETURN(std::string text, ReadAllStandardInput());
      texts.push_back({"standard input", std::move(text)});
      continue;
    }
    TOKURA_ASSIGN_OR_RETURN(std::string text,
                            runtime::ReadFile(context.files, path, kDefinitionsBytesMax));
    texts.push_back({path, std::move(text)});
  }
  return texts;
}

std::string ChangesJson(const client::Api::Applied& applied) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("changes").BeginArray();
  for (const catalog::Change& change : applied.changes) {
    json.BeginObject().Key("action").String(change.action).Key("object").String(change.object);
    if (!change.field.empty()) {
      json.Key("field").String(change.field);
      json.Key("from").String(change.from).Key("to").String(change.to);
    }
    json.Key("destructive").Bool(change.destructive).EndObject();
  }
  json.EndArray().Key("warnings").BeginArray();
  for (const std::string& warning : applied.warnings) json.String(warning);
  json.EndArray().Key("revision").UInt(applied.revision.value).EndObject();
  return text + "\n";
}

std::string ChangesText(const Console& console, const client::Api::Applied& applied) {
  std::string text;
  for (const catalog::Change& change : applied.changes) {
    const Colour colour = change.destructive ? Colour::kRed : StyleOf(change).colour;
    text += console.Paint(colour, LineOf(change)) + "\n";
  }
  for (const std::string& warning : applied.warnings) {
    text += console.Paint(Colour::kYellow, "warning: " + Printable(warning)) + "\n";
  }
  return text;
}

std::string ChangesSummary(const client::Api::Applied& applied, bool done) {
  static constexpr std::array<std::array<const char*, 3>, 4> kActions = {
      {{"create", "created", "to create"},
       {"update", "updated", "to update"},
       {"deprecate", "deprecated", "to deprecate"},
       {"drop", "dropped", "to drop"}}};
  std::string text;
  for (const auto& [action, past, future] : kActions) {
    const auto n = std::count_if(applied.changes.begin(), applied.changes.end(),
                                 [&](const catalog::Change& c) { return c.action == action; });
    if (n == 0) continue;
    text += (text.empty() ? "" : ", ") + FormatCount(static_cast<uint64_t>(n)) + " " +
            (done ? past : future);
  }
  return text.empty() ? "no changes" : text;
}

}  // namespace tokura::cli
