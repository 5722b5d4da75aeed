#include "offline/user_files/csv.h"

#include <algorithm>
#include <utility>

namespace tokura::offline {
namespace {

constexpr size_t kChunkBytes = 64 << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

uint64_t CountNewlines(std::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

CsvReader::CsvReader(ByteSource& source, CsvLimits limits)
    : source_(source), limits_(limits), chunk_(kChunkBytes) {
  while (buffer_.size() < kByteOrderMark.size() && Fill()) {
  }
  if (buffer_.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
}

Result<bool> CsvReader::Next(CsvRecord* record) {
  record->malformed = OkStatus();
  SkipBlankLines();
  const bool more = Peek() != kEnd;
  if (more) {
    record->line = line_;
    record->malformed = ParseCells(record);
    if (record->malformed.ok()) {
      TakeRecord(record);
    } else {
      TakeFirstLine(record);
    }
  }
  // To the parser an error of the source looks like its end; what it made of that is void.
  if (!source_error_.ok()) return source_error_;
  return more;
}

int CsvReader::Peek() {
  while (begin_ + cursor_ >= buffer_.size()) {
    if (!Fill()) return kEnd;
  }
  return static_cast<unsigned char>(buffer_[begin_ + cursor_]);
}

int CsvReader::PeekSecond() {
  while (begin_ + cursor_ + 1 >= buffer_.size()) {
    if (!Fill()) return kEnd;
  }
  return static_cast<unsigned char>(buffer_[begin_ + cursor_ + 1]);
}

bool CsvReader::Fill() {
  if (source_ended_) return false;
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  const Result<size_t> n = source_.Read(chunk_);
  if (!n.ok()) source_error_ = n.status();
  source_ended_ = !n.ok() || *n == 0;
  if (!source_ended_) buffer_.append(chunk_.data(), *n);
  return !source_ended_;
}

void CsvReader::SkipBlankLines() {
  cursor_ = 0;
  for (int c = Peek(); c == '\n' || c == '\r'; c = Peek()) {
    if (c == '\r' && PeekSecond() != '\n') return;
    begin_ += c == '\r' ? 2 : 1;
    ++line_;
  }
}

bool CsvReader::AtLineEnd() {
  const int c = Peek();
  if (c == kEnd || c == '\n') return true;
  if (c != '\r') return false;
  const int second = PeekSecond();
  return second == kEnd || second == '\n';
}

Status CsvReader::ParseCells(CsvRecord* record) {
  size_t count = 0;
  Status status;
  for (;;) {
    if (count == limits_.cells_max) {
      status = InvalidArgument("more than " + std::to_string(limits_.cells_max) + " cells");
      break;
    }
    if (count == record->cells.size()) record->cells.emplace_back();
    CsvCell& cell = record->cells[count];
    cell.text.clear();
    cell.begin = cursor_;
    cell.quoted = Peek() == '"';
    status = cell.quoted ? ParseQuoted(&cell) : ParseUnquoted(&cell);
    if (!status.ok()) {
      status = status.WithContext("cell " + std::to_string(count + 1));
      break;
    }
    cell.end = cursor_;
    ++count;
    if (Peek() != ',') break;
    ++cursor_;
  }
  record->cells.resize(count);
  return status;
}

Status CsvReader::ParseQuoted(CsvCell* cell) {
  ++cursor_;
  for (;;) {
    const int c = Peek();
    if (c == kEnd) return InvalidArgument("the quote that opens it is never closed");
    ++cursor_;
    if (c == '"') {
      if (Peek() != '"') break;
      ++cursor_;
    }
    cell->text.push_back(static_cast<char>(c));
    TOKURA_RETURN_IF_ERROR(CheckLimits(*cell));
  }
  if (Peek() == ',' || AtLineEnd()) return OkStatus();
  return InvalidArgument("text follows its closing quote; a quote inside a cell is doubled");
}

Status CsvReader::ParseUnquoted(CsvCell* cell) {
  while (Peek() != ',' && !AtLineEnd()) {
    const auto c = static_cast<char>(Peek());
    if (c == '"') {
      return InvalidArgument("a quote inside a cell that is not quoted; quote it and double it");
    }
    cell->text.push_back(c);
    ++cursor_;
    TOKURA_RETURN_IF_ERROR(CheckLimits(*cell));
  }
  return OkStatus();
}

Status CsvReader::CheckLimits(const CsvCell& cell) const {
  if (cell.text.size() > limits_.cell_bytes_max) {
    return InvalidArgument("longer than " + std::to_string(limits_.cell_bytes_max) + " bytes" +
                           (cell.quoted ? "; is its closing quote missing?" : ""));
  }
  if (cursor_ > limits_.record_bytes_max) {
    return InvalidArgument("the row is longer than " + std::to_string(limits_.record_bytes_max) +
                           " bytes");
  }
  return OkStatus();
}

void CsvReader::TakeRecord(CsvRecord* record) {
  record->text.assign(buffer_, begin_, cursor_);
  line_ += CountNewlines(record->text) + 1;
  if (Peek() == '\r') ++cursor_;
  if (Peek() == '\n') ++cursor_;
  begin_ += cursor_;
  cursor_ = 0;
}

// A wrong quote may have taken lines into the record that are none of its own, so the next record
// begins on the next line. No line is read more than twice for that: after it the quotes of the
// lines in between pair up within each of them.
void CsvReader::TakeFirstLine(CsvRecord* record) {
  record->text.clear();
  size_t newline = std::string::npos;
  for (cursor_ = 0;;) {
    newline = buffer_.find('\n', begin_ + cursor_);
    const size_t end = newline == std::string::npos ? buffer_.size() : newline;
    const size_t room = limits_.record_bytes_max - record->text.size();
    record->text.append(buffer_, begin_, std::min(room, end - begin_));
    begin_ = end;
    cursor_ = 0;
    if (newline != std::string::npos || !Fill()) break;
  }
  if (newline != std::string::npos) {
    ++begin_;
    ++line_;
  }
  if (record->text.ends_with('\r')) record->text.pop_back();
  // A cell that runs on beyond the first line is no cell of it.
  while (!record->cells.empty() && record->cells.back().end > record->text.size()) {
    record->cells.pop_back();
  }
}

std::string CsvCellText(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

}  // namespace tokura::offline
