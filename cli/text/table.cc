#include "cli/text/table.h"

#include <algorithm>

#include "core/status.h"

namespace tokura::cli {

Align AlignOf(const Type& type) {
  const bool is_number =
      type.is_scalar() && (type.kind == Kind::kInt32 || type.kind == Kind::kInt64 ||
                           type.kind == Kind::kFloat32 || type.kind == Kind::kFloat64);
  return is_number ? Align::kRight : Align::kLeft;
}

void TextTable::Add(std::vector<std::string> cells) {
  TOKURA_CHECK(cells.size() == headings_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::ToString() const {
  std::vector<size_t> widths;
  for (const Heading& heading : headings_) widths.push_back(WidthOf(heading.name));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], WidthOf(row[i]));
  }
  std::string out;
  const auto append_row = [&](const auto& cell_of) {
    std::string line;
    for (size_t i = 0; i < headings_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string gap(widths[i] - WidthOf(cell), ' ');
      if (i > 0) line += "  ";
      line += headings_[i].align == Align::kRight ? gap + cell : cell + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append_row([&](size_t i) -> const std::string& { return headings_[i].name; });
  for (const auto& row : rows_) {
    append_row([&](size_t i) -> const std::string& { return row[i]; });
  }
  return out;
}

std::string Printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool utf8 = IsValidUtf8(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080..U+009F are control characters too, two bytes each: C2 80 to C2 9F.
    const bool is_c1 = utf8 && byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F || is_c1 || (!utf8 && byte >= 0x80)) {
      const auto shown = is_c1 ? static_cast<unsigned char>(text[++i]) : byte;
      out += "\\x";
      out += kHex[shown >> 4];
      out += kHex[shown & 15];
    } else {
      out += text[i];
    }
  }
  return out;
}

size_t WidthOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string CsvCell(std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace tokura::cli
