#include "cli/up/storage_flags.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <limits>

#include "cli/program/flags.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr std::string_view kUnlimited = "unlimited";

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};

template <typename Accepts>
void AddSize(CLI::App& app, const std::string& flag, std::string* text, const std::string& help,
             Accepts accepts) {
  const auto check = [accepts](const std::string& value) -> std::string {
    const Status status = accepts(value);
    return status.ok() ? "" : status.message();
  };
  app.add_option(flag, *text, help)->type_name("SIZE")->check(CLI::Validator(check, ""));
}

}  // namespace

Result<uint64_t> ParseSize(std::string_view text, uint64_t whole) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(at, static_cast<size_t>(end - at));
  if (error == std::errc() && unit == "%" && number >= 1 && number <= 100) {
    return whole / 100 * number;
  }
  for (const Unit& known : kUnits) {
    if (error != std::errc() || unit != known.name) continue;
    if (number > std::numeric_limits<uint64_t>::max() >> known.shift) break;
    return number << known.shift;
  }
  return InvalidArgument("expected a size, as 512MiB (B, KiB, MiB, GiB, TiB) or 50%, got '" +
                         std::string(text) + "'");
}

void AddStorageFlags(CLI::App& app, StorageFlags* flags) {
  const auto memory = [](const std::string& text) {
    return text == kUnlimited ? OkStatus() : ParseSize(text, 0).status();
  };
  const auto disk = [](const std::string& text) {
    if (text.ends_with('%')) return InvalidArgument("expected a size, as 1GiB, got '" + text + "'");
    return ParseSize(text, 0).status();
  };
  AddSize(app, "--row-memory", &flags->row_memory,
          "memory of the latest rows; others are read from disk. Or a share of the machine's "
          "memory, or 'unlimited'",
          memory);
  AddDuration(
      app, "--view-interval", &flags->view_interval,
      "how often changed rows are brought to disk, for a fast start; nothing depends on it");
  AddSize(app, "--log-retention", &flags->log_retention,
          "the log is cut when it has grown by this, and by as much as the rows take", disk);
}

void SetStorageOptions(const StorageFlags& flags, node::NodeOptions* options) {
  if (flags.row_memory != kUnlimited) {
    options->row_memory_bytes = ParseSize(flags.row_memory, runtime::real::MemoryBytes()).value();
  }
  options->view.flush_interval = DurationOf(flags.view_interval);
  options->view.base.log_bytes_min = ParseSize(flags.log_retention, 0).value();
}

}  // namespace tokura::cli
