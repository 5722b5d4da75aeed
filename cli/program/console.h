// Console: where a program writes. Results are collected and reach standard output only when the
// program ends well, so that from exit code 2 on it stays empty; progress and errors go to standard
// error at once. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace tokura::cli {

enum class Colour { kPlain, kGreen, kYellow, kRed, kBold, kDim };

class Console {
 public:
  Console();
  // Appends to the result.
  void Out(std::string_view text) { out_ += text; }
  std::string* out() { return &out_; }
  // One line on standard error, now. Control characters in it are blanked.
  void Note(std::string_view line);
  // Several lines on standard error as they are: a banner.
  void Print(std::string_view text);
  // Replaces the progress line on a terminal; an empty text removes it. Elsewhere: nothing.
  void Progress(std::string_view text);
  bool out_is_terminal() const { return out_is_terminal_; }
  bool error_is_terminal() const { return error_is_terminal_; }
  // `text` in colour if the result is seen on a terminal (and NO_COLOR is not set), else as it is.
  std::string Paint(Colour colour, std::string_view text) const;
  // Writes the result to standard output. False if that failed (a closed pipe, a full disk).
  bool Flush();

 private:
  bool out_is_terminal_;
  bool error_is_terminal_;
  bool colours_;
  bool progress_shown_ = false;
  std::string out_;
};

}  // namespace tokura::cli
