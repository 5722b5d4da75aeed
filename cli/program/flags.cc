#include "cli/program/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

#include "core/nearest.h"
#include "core/value.h"

namespace tokura::cli {
namespace {

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};

template <typename Parse>
CLI::Validator Accepts(Parse parse) {
  return CLI::Validator(
      [parse](std::string& text) {
        const auto parsed = parse(text);
        return parsed.ok() ? std::string() : parsed.status().message();
      },
      "");
}

// CLI11's own numbers take "-1" for the largest one, and its range check shows in the help.
CLI::Validator CountUpTo(uint64_t max) {
  const auto check = [max](const std::string& text) -> std::string {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (!text.empty() && error == std::errc() && at == end && number <= max) return "";
    const bool bounded = max < std::numeric_limits<uint64_t>::max();
    return "expected a whole number" +
           (bounded ? " from 0 to " + std::to_string(max) : std::string()) + ", got '" + text + "'";
  };
  return CLI::Validator(check, "");
}

}  // namespace

CLI::Option* AddCount(CLI::App& app, const std::string& flag, uint64_t* number,
                      const std::string& help, uint64_t max) {
  return app.add_option(flag, *number, help)->type_name("N")->check(CountUpTo(max));
}

CLI::Option* AddCount(CLI::App& app, const std::string& flag, std::optional<uint64_t>* number,
                      const std::string& help) {
  return app.add_option(flag, *number, help)
      ->type_name("N")
      ->check(CountUpTo(std::numeric_limits<uint64_t>::max()));
}

CLI::Option* AddDuration(CLI::App& app, const std::string& flag, std::string* text,
                         const std::string& help) {
  return app.add_option(flag, *text, help)
      ->type_name("DURATION")
      ->check(Accepts([](const std::string& s) { return ParseDuration(s); }));
}

std::chrono::microseconds DurationOf(const std::string& text) {
  return std::chrono::microseconds(ParseDuration(text).value());
}

CLI::Option* AddBytes(CLI::App& app, const std::string& flag, std::string* text,
                      const std::string& help) {
  return app.add_option(flag, *text, help)
      ->type_name("BYTES")
      ->check(Accepts([](const std::string& s) { return ParseBytes(s); }));
}

uint64_t BytesOf(const std::string& text) { return ParseBytes(text).value(); }

Result<uint64_t> ParseBytes(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(at, static_cast<size_t>(end - at));
  for (const Unit& known : kUnits) {
    if (error != std::errc() || unit != known.name) continue;
    if (number > std::numeric_limits<uint64_t>::max() >> known.shift) break;
    return number << known.shift;
  }
  return InvalidArgument("expected a number of bytes, as 512MiB (B, KiB, MiB, GiB, TiB), got '" +
                         std::string(text) + "'");
}

CLI::Option* AddAddress(CLI::App& app, const std::string& flag, std::string* text,
                        const std::string& help) {
  return app.add_option(flag, *text, help)
      ->type_name("HOST:PORT")
      ->check(Accepts([](const std::string& s) { return runtime::Address::Parse(s); }));
}

runtime::Address AddressOf(const std::string& text) {
  return runtime::Address::Parse(text).value();
}

CLI::Option* AddChoice(CLI::App& app, const std::string& flag, std::string* text,
                       const std::string& help, const std::vector<std::string>& choices) {
  std::string names;
  for (const std::string& choice : choices) names += (names.empty() ? "" : "|") + choice;
  const auto check = [choices, names](std::string& said) -> std::string {
    if (std::find(choices.begin(), choices.end(), said) != choices.end()) return "";
    return "'" + said + "' is not one of " + names + DidYouMean(said, choices);
  };
  return app.add_option(flag, *text, help)->type_name(names)->check(CLI::Validator(check, ""));
}

Status CheckExposure(const runtime::Address& address, bool insecure) {
  if (address.is_loopback() || insecure) return OkStatus();
  return FailedPrecondition(
      "refusing to listen on " + address.ToString() +
      ": anyone who reaches it could read and write everything, and this release has no TLS; "
      "listen on 127.0.0.1, or say --insecure if the network is trusted");
}

Result<std::string> LocalPath(const std::string& uri, const std::string& flag) {
  const size_t scheme = uri.find("://");
  if (scheme == std::string::npos) return uri;
  if (uri.starts_with("file:///")) return uri.substr(7);
  if (uri.substr(0, scheme) == "file") {
    return InvalidArgument(flag + ": " + uri + ": write file:///PATH, with an absolute path");
  }
  return InvalidArgument(flag + ": '" + uri.substr(0, scheme) +
                         "://' is not in this release; give a directory or file:///PATH");
}

}  // namespace tokura::cli
