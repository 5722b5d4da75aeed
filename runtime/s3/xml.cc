#include "runtime/s3/xml.h"

#include <charconv>

namespace tokura::runtime::s3 {
namespace {

constexpr size_t kDepthMax = 16;

void AppendUtf8(uint32_t code, std::string* out) {
  const auto byte = [out](uint32_t bits) { out->push_back(static_cast<char>(bits)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

bool AppendEntity(std::string_view name, std::string* out) {
  constexpr std::pair<std::string_view, char> kNamed[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [known, character] : kNamed) {
    if (name != known) continue;
    out->push_back(character);
    return true;
  }
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  const int base = name.starts_with('x') ? 16 : 10;
  if (base == 16) name.remove_prefix(1);
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, base);
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  if (error != std::errc() || end != name.data() + name.size() || code > 0x10FFFF || surrogate) {
    return false;
  }
  AppendUtf8(code, out);
  return true;
}

bool AppendText(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const size_t entity = text.find('&');
    out->append(text.substr(0, entity));
    if (entity == std::string_view::npos) return true;
    const size_t end = text.find(';', entity);
    if (end == std::string_view::npos) return false;
    if (!AppendEntity(text.substr(entity + 1, end - entity - 1), out)) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

// Goes through a document; Next() takes one text, tag, comment or declaration.
class Walk {
 public:
  explicit Walk(std::string_view xml) : rest_(xml) {}

  bool Run() {
    while (!rest_.empty()) {
      if (!Next()) return false;
    }
    return open_.empty();
  }
  std::vector<std::pair<std::string, std::string>> leaves;

 private:
  bool Next() {
    if (!rest_.starts_with('<')) {
      const std::string_view text = rest_.substr(0, rest_.find('<'));
      rest_.remove_prefix(text.size());
      return AppendText(text, &text_);
    }
    if (rest_.starts_with("<!--")) return SkipPast("-->");
    if (rest_.starts_with("<?")) return SkipPast("?>");
    const size_t end = rest_.find('>');
    if (end == std::string_view::npos) return false;
    std::string_view tag = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (tag.starts_with('/')) return Close(tag.substr(1));
    const bool empty = tag.ends_with('/');
    if (empty) tag.remove_suffix(1);
    const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n"));
    if (name.empty() || name.starts_with('!') || open_.size() == kDepthMax) return false;
    open_.push_back(name);
    text_.clear();
    leaf_ = true;
    return !empty || Close(name);
  }

  bool SkipPast(std::string_view end) {
    const size_t at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }

  bool Close(std::string_view name) {
    if (open_.empty() || open_.back() != name) return false;
    if (leaf_) {
      std::string path;
      for (const std::string_view part : open_) {
        path.append(path.empty() ? "" : "/").append(part);
      }
      leaves.emplace_back(std::move(path), std::move(text_));
    }
    leaf_ = false;
    text_.clear();
    open_.pop_back();
    return true;
  }

  std::string_view rest_;
  std::vector<std::string_view> open_;
  std::string text_;   // since the last tag
  bool leaf_ = false;  // no element has closed since the last one opened
};

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> ReadXml(std::string_view xml) {
  Walk walk(xml);
  if (!walk.Run()) return Corrupt("the answer is not well-formed XML");
  return std::move(walk.leaves);
}

std::string FindXml(const std::vector<std::pair<std::string, std::string>>& leaves,
                    std::string_view name) {
  for (const auto& [path, text] : leaves) {
    if (path == name) return text;
  }
  return {};
}

}  // namespace tokura::runtime::s3
