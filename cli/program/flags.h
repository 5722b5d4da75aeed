// Flags with a meaning beyond text: checked when the command line is read, so that a wrong value is
// refused before anything is done.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "runtime/transport.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tokura::cli {

// "60s", "250ms"; see ParseDuration.
CLI::Option* AddDuration(CLI::App& app, const std::string& flag, std::string* text,
                         const std::string& help);
// REQUIRES: `text` passed AddDuration.
std::chrono::microseconds DurationOf(const std::string& text);

// "512MiB"; see ParseBytes.
CLI::Option* AddBytes(CLI::App& app, const std::string& flag, std::string* text,
                      const std::string& help);
// REQUIRES: `text` passed AddBytes.
uint64_t BytesOf(const std::string& text);
// "512MiB", "8GiB", "4096": a number of bytes. INVALID_ARGUMENT names the units.
Result<uint64_t> ParseBytes(std::string_view text);

// "127.0.0.1:7400"; port 0 takes a free one.
CLI::Option* AddAddress(CLI::App& app, const std::string& flag, std::string* text,
                        const std::string& help);
// REQUIRES: `text` passed AddAddress.
runtime::Address AddressOf(const std::string& text);

// A whole number without sign, at most `max`.
CLI::Option* AddCount(CLI::App& app, const std::string& flag, uint64_t* number,
                      const std::string& help, uint64_t max = std::numeric_limits<uint64_t>::max());
// The same for a number that may be left out.
CLI::Option* AddCount(CLI::App& app, const std::string& flag, std::optional<uint64_t>* number,
                      const std::string& help);

// One of several words.
CLI::Option* AddChoice(CLI::App& app, const std::string& flag, std::string* text,
                       const std::string& help, const std::vector<std::string>& choices);

// FAILED_PRECONDITION unless `address` is loopback or the operator said --insecure: there is no TLS
// in this release.
Status CheckExposure(const runtime::Address& address, bool insecure);

// The path of a plain path or file:// URI; INVALID_ARGUMENT for another scheme, naming `flag`.
Result<std::string> LocalPath(const std::string& uri, const std::string& flag);

}  // namespace tokura::cli
