#include "cli/program/console.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "runtime/real/standard_input.h"

namespace tokura::cli {

Console::Console()
    : out_is_terminal_(runtime::real::IsTerminal(runtime::real::Stream::kOut)),
      error_is_terminal_(runtime::real::IsTerminal(runtime::real::Stream::kError)),
      colours_(out_is_terminal_ && std::getenv("NO_COLOR") == nullptr) {}

void Console::Note(std::string_view line) {
  std::string text;
  for (const char c : line) text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  text += '\n';
  Print(text);
}

void Console::Print(std::string_view text) {
  Progress("");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void Console::Progress(std::string_view text) {
  if (!error_is_terminal_ || (text.empty() && !progress_shown_)) return;
  // Back to the first column, clear the line, write the new one.
  std::string line = "\r\x1b[K";
  line += text;
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  progress_shown_ = !text.empty();
}

std::string Console::Paint(Colour colour, std::string_view text) const {
  if (!colours_ || colour == Colour::kPlain) return std::string(text);
  static constexpr std::array<const char*, 6> kCodes = {"0", "32", "33", "31", "1", "2"};
  std::string painted = "\x1b[";
  painted += kCodes[static_cast<size_t>(colour)];
  painted += 'm';
  painted += text;
  return painted + "\x1b[0m";
}

bool Console::Flush() {
  Progress("");
  const bool written = std::fwrite(out_.data(), 1, out_.size(), stdout) == out_.size();
  return std::fflush(stdout) == 0 && written;
}

}  // namespace tokura::cli
