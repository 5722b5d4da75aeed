#include "cli/up/storage_flags.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/program/flags.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr std::string_view kUnlimited = "unlimited";

}  // namespace

Result<uint64_t> ParseSize(std::string_view text, uint64_t whole) {
  if (!text.ends_with('%')) return ParseBytes(text);
  uint64_t percent = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [at, error] = std::from_chars(text.data(), end, percent);
  if (error == std::errc() && at == end && percent >= 1 && percent <= 100) {
    return whole / 100 * percent;
  }
  return InvalidArgument("expected a share from 1% to 100%, got '" + std::string(text) + "'");
}

void AddStorageFlags(CLI::App& app, StorageFlags* flags) {
  const auto is_memory = [](const std::string& text) {
    const Status status = text == kUnlimited ? OkStatus() : ParseSize(text, 0).status();
    return status.ok() ? std::string() : status.message();
  };
  app.add_option("--row-memory", flags->row_memory,
                 "memory of the latest rows; others are read from disk. Or a share of the "
                 "machine's memory, or 'unlimited'")
      ->type_name("SIZE")
      ->check(CLI::Validator(is_memory, ""));
  AddDuration(
      app, "--view-interval", &flags->view_interval,
      "how often changed rows are brought to disk, for a fast start; nothing depends on it");
  AddBytes(app, "--log-retention", &flags->log_retention,
           "the log is cut when it has grown by this, and by as much as the rows take");
}

void SetStorageOptions(const StorageFlags& flags, node::NodeOptions* options) {
  if (flags.row_memory != kUnlimited) {
    options->row_memory_bytes = ParseSize(flags.row_memory, runtime::real::MemoryBytes()).value();
  }
  options->view.flush_interval = DurationOf(flags.view_interval);
  options->view.base.log_bytes_min = BytesOf(flags.log_retention);
}

}  // namespace tokura::cli
