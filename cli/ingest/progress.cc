#include "cli/ingest/progress.h"

#include <algorithm>

#include "cli/text/format.h"
#include "cli/text/table.h"

namespace tokura::cli {
namespace {
constexpr std::chrono::milliseconds kBarInterval{100};
constexpr std::chrono::seconds kLineInterval{10};
constexpr size_t kBarWidth = 20;
}  // namespace

Progress::Progress(Console& console, runtime::Clock& clock, std::string what)
    : console_(console),
      clock_(clock),
      what_(std::move(what)),
      began_(clock.Monotonic()),
      shown_(began_) {}

Progress::~Progress() { console_.Progress(""); }

void Progress::Update(uint64_t rows, uint64_t done, uint64_t total) {
  const std::chrono::nanoseconds now = clock_.Monotonic();
  const bool bar = console_.error_is_terminal();
  const std::chrono::nanoseconds interval = bar ? kBarInterval : kLineInterval;
  if (now - shown_ < interval) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string line = ProgressLine(what_, rows, done, total, seconds);
  bar ? console_.Progress(line) : console_.Note(line);
}

std::string ProgressLine(const std::string& what, uint64_t rows, uint64_t done, uint64_t total,
                         double seconds) {
  std::string line = Printable(what) + "  ";
  const double part =
      total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  if (total > 0) {
    const auto filled = static_cast<size_t>(part * kBarWidth);
    line += std::to_string(static_cast<int>(part * 100)) + "% [" + std::string(filled, '#') +
            std::string(kBarWidth - filled, '-') + "] ";
  }
  line += Counted(rows, "row");
  if (seconds > 0) {
    line +=
        ", " + FormatCount(static_cast<uint64_t>(static_cast<double>(rows) / seconds)) + " rows/s";
  }
  if (part > 0 && part < 1) line += ", " + FormatSeconds(seconds / part - seconds) + " left";
  return line;
}

}  // namespace tokura::cli
