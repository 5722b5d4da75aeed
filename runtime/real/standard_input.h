// Standard input, and what a program may ask about the process that it is. Only command-line
// programs use this.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/status.h"

namespace tokura::runtime::real {

// Fills `buffer` from standard input; 0 at its end. Blocks. UNAVAILABLE when it cannot be read.
Result<size_t> ReadStandardInput(std::span<char> buffer);

enum class Stream { kOut, kError };
// Whether a person sees the stream.
bool IsTerminal(Stream stream);

int64_t ProcessId();
// Lets this process have as many files open as its hard limit allows: connections are files.
void RaiseOpenFilesLimit();
// Processors that this process may use; at least 1.
int ProcessorCount();
// Memory that this process may use: of the machine, or of its control group if that is less.
uint64_t MemoryBytes();
// `path` from the root on, without "." and ".."; relative ones begin in the working directory.
Result<std::string> AbsolutePath(const std::string& path);
// Blocks the calling thread.
void BlockFor(std::chrono::milliseconds time);
// Ends the process at once: nothing is flushed, no destructor runs.
[[noreturn]] void ExitNow(int code);

}  // namespace tokura::runtime::real
