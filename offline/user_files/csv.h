// CSV (RFC 4180): records of cells, streamed from untrusted bytes. Quoted cells may hold commas,
// newlines and doubled quotes; lines end in LF or CRLF; a byte order mark and blank lines are
// skipped; an empty cell and a quoted empty cell are told apart. A record that is not CSV is
// reported with its line, and reading goes on at the next line, so that one stray quote costs one
// row and not the rest of the file.
//
//   CsvReader reader(*source);
//   CsvRecord record;
//   for (;;) {
//     TOKURA_ASSIGN_OR_RETURN(const bool more, reader.Next(&record));
//     if (!more) break;
//     ... record.cells[0].text ...
//   }
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "offline/user_files/decompress.h"

namespace tokura::offline {

struct CsvLimits {
  size_t cell_bytes_max = 1 << 20;
  size_t record_bytes_max = 4 << 20;
  size_t cells_max = 65'536;
};

struct CsvCell {
  std::string text;  // without quotes
  bool quoted = false;
  size_t begin = 0;  // where it lies in CsvRecord::text, quotes included
  size_t end = 0;
  bool is_null() const { return text.empty() && !quoted; }
};

struct CsvRecord {
  uint64_t line = 0;  // the physical line that it begins on, from 1
  std::string text;   // as it stands in the file, without the newline that ends it
  // If malformed: the whole cells before the fault; `text` is then the first line only, and no
  // longer than record_bytes_max.
  std::vector<CsvCell> cells;
  Status malformed;
};

// Not thread-safe. Memory: the limits and one chunk.
class CsvReader {
 public:
  // REQUIRES: `source` outlives the reader.
  explicit CsvReader(ByteSource& source, CsvLimits limits = {});
  // False at the end. An error is one of the source and final; malformed records are not errors.
  Result<bool> Next(CsvRecord* record);

 private:
  static constexpr int kEnd = -1;
  int Peek();
  int PeekSecond();
  bool Fill();
  void SkipBlankLines();
  bool AtLineEnd();
  Status ParseCells(CsvRecord* record);
  Status ParseQuoted(CsvCell* cell);
  Status ParseUnquoted(CsvCell* cell);
  Status CheckLimits(const CsvCell& cell) const;
  void TakeRecord(CsvRecord* record);
  void TakeFirstLine(CsvRecord* record);

  ByteSource& source_;
  const CsvLimits limits_;
  std::vector<char> chunk_;
  std::string buffer_;
  size_t begin_ = 0;   // of the record at hand, in buffer_
  size_t cursor_ = 0;  // from begin_
  uint64_t line_ = 1;  // of begin_
  bool source_ended_ = false;
  Status source_error_;
};

// `text` as one cell that reads back the same: quoted where it must be, "" for the empty string.
std::string CsvCellText(std::string_view text);

}  // namespace tokura::offline
