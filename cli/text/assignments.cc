#include "cli/text/assignments.h"

namespace tokura::cli {
namespace {

// Takes a quoted value, its closing quote included, off the front of `rest`.
Result<std::string> TakeQuoted(std::string_view* rest, const std::string& name) {
  std::string value;
  for (size_t i = 1; i < rest->size(); ++i) {
    if ((*rest)[i] != '"') {
      value += (*rest)[i];
    } else if (i + 1 < rest->size() && (*rest)[i + 1] == '"') {
      value += (*rest)[i++];
    } else {
      rest->remove_prefix(i + 1);
      return value;
    }
  }
  return InvalidArgument("the quote of '" + name + "' is not closed");
}

std::string Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

Result<Assignments> ParseAssignments(std::string_view text) {
  Assignments assignments;
  std::string_view rest = text;
  while (true) {
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) {
      return InvalidArgument("expected column=value,..., and got no '='");
    }
    const std::string name = Trimmed(rest.substr(0, equals));
    if (name.empty() || name.find(',') != std::string::npos) {
      return InvalidArgument("expected column=value,...; quote a value that holds a comma");
    }
    for (const auto& [earlier, value] : assignments) {
      if (earlier == name) return InvalidArgument("'" + name + "' is given twice");
    }
    rest.remove_prefix(equals + 1);
    std::string value;
    if (!rest.empty() && rest.front() == '"') {
      TOKURA_ASSIGN_OR_RETURN(value, TakeQuoted(&rest, name));
      if (!rest.empty() && rest.front() != ',') {
        return InvalidArgument("after the quoted value of '" + name + "' expected ',' or the end");
      }
    } else {
      value = rest.substr(0, rest.find(','));
      rest.remove_prefix(value.size());
    }
    assignments.emplace_back(name, std::move(value));
    if (rest.empty()) return assignments;
    rest.remove_prefix(1);  // the comma
  }
}

std::vector<std::string> SplitReferences(std::string_view text) {
  std::vector<std::string> references;
  std::string reference;
  int depth = 0;
  for (const char c : text) {
    if (c == '[') ++depth;
    if (c == ']') --depth;
    if (c == ',' && depth <= 0) {
      references.push_back(Trimmed(reference));
      reference.clear();
    } else {
      reference += c;
    }
  }
  references.push_back(Trimmed(reference));
  return references;
}

}  // namespace tokura::cli
