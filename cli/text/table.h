// TextTable: rows of cells as aligned columns, for people. Widths count characters, not bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/value.h"

namespace tokura::cli {

enum class Align { kLeft, kRight };

class TextTable {
 public:
  struct Heading {
    std::string name;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Heading> headings) : headings_(std::move(headings)) {}
  // REQUIRES: as many cells as headings.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Two spaces between columns, none at the end of a line. Cells pass through Printable.
  std::string ToString() const;

 private:
  std::vector<Heading> headings_;
  std::vector<std::vector<std::string>> rows_;
};

// Numbers to the right, all else to the left.
Align AlignOf(const Type& type);

// `text` on one line and harmless to a terminal: control characters as \n, \t, \x1b; bytes that are
// not UTF-8 as \xff.
std::string Printable(std::string_view text);
// Characters of UTF-8 text.
size_t WidthOf(std::string_view text);

// RFC 4180: quoted where needed; the empty string is "" so that it differs from an empty cell.
std::string CsvCell(std::string_view text);

}  // namespace tokura::cli
