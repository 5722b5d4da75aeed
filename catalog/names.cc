#include "catalog/names.h"

#include <algorithm>
#include <charconv>

namespace tokura::catalog {
namespace {

constexpr size_t kNameBytesMax = 63;
constexpr size_t kReferenceBytesMax = 128 << 10;  // 1,000 names in brackets fit
constexpr size_t kShownBytesMax = 100;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsNameChar(char c) { return IsLower(c) || (c >= '0' && c <= '9') || c == '_'; }

std::string Shown(std::string_view text) {
  if (text.size() <= kShownBytesMax) return "'" + std::string(text) + "'";
  // Not in the middle of a character.
  size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return "'" + std::string(text.substr(0, end)) + "…'";
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<uint32_t> ParseVersion(std::string_view text) {
  uint32_t version = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, version);
  if (error != std::errc() || at != end || text.front() == '0' || version > kVersionMax) {
    return std::nullopt;
  }
  return version;
}

// "*", "temp" or "[temp, visib]".
Status ParseSelector(std::string_view selector, Reference* reference) {
  selector = Trim(selector);
  if (selector == "*") {
    reference->all = true;
    return OkStatus();
  }
  if (selector.starts_with('[') && selector.ends_with(']')) {
    selector = selector.substr(1, selector.size() - 2);
  } else if (selector.find(',') != std::string_view::npos) {
    return InvalidArgument("several features are written in brackets, as ':[a, b]'");
  }
  while (true) {
    const size_t comma = selector.find(',');
    const std::string_view name = Trim(selector.substr(0, comma));
    TOKURA_RETURN_IF_ERROR(CheckName(name));
    reference->features.emplace_back(name);
    if (comma == std::string_view::npos) return OkStatus();
    selector.remove_prefix(comma + 1);
  }
}

}  // namespace

Status CheckName(std::string_view name) {
  if (!name.empty() && name.size() <= kNameBytesMax && IsLower(name.front()) &&
      std::all_of(name.begin(), name.end(), IsNameChar)) {
    return OkStatus();
  }
  return InvalidArgument(Shown(name) +
                         " is not a name: a lower-case letter, then at most 62 lower-case "
                         "letters, digits and '_'");
}

Status CheckColumnName(std::string_view name) {
  if (name == "event_time" || name == "write_time" || name == "is_deleted") {
    return InvalidArgument(Shown(name) + " is reserved: every table has a column of that name");
  }
  return CheckName(name);
}

std::string Reference::Qualified() const {
  std::string text = project + "/" + name;
  if (version.has_value()) text += "@" + std::to_string(*version);
  return text;
}

Result<Reference> ParseReference(std::string_view text, std::string_view default_project) {
  if (text.size() > kReferenceBytesMax) {
    return InvalidArgument("a reference of " + std::to_string(text.size()) + " bytes; at most " +
                           std::to_string(kReferenceBytesMax));
  }
  const auto in = [&text](const Status& status) {
    return InvalidArgument("reference " + Shown(text) + ": " + status.message());
  };
  Reference reference;
  std::string_view rest = Trim(text);
  if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    if (Status status = ParseSelector(rest.substr(colon + 1), &reference); !status.ok()) {
      return in(status);
    }
    rest = rest.substr(0, colon);
  }
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.version = ParseVersion(rest.substr(at + 1));
    if (!reference.version.has_value()) {
      return in(InvalidArgument("a version is a number from 1 to " + std::to_string(kVersionMax)));
    }
    rest = rest.substr(0, at);
  }
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    reference.project = rest.substr(0, slash);
    rest = rest.substr(slash + 1);
  } else if (!default_project.empty()) {
    reference.project = default_project;
  } else {
    return in(InvalidArgument("the project is missing; write 'project/name'"));
  }
  reference.name = rest;
  if (Status status = CheckName(reference.project); !status.ok()) return in(status);
  if (Status status = CheckName(reference.name); !status.ok()) return in(status);
  return reference;
}

}  // namespace tokura::catalog
