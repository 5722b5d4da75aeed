#include <algorithm>

#include "cli/doctor/findings.h"
#include "cli/text/format.h"
#include "cli/up/data_directory.h"
#include "replication/segment.h"
#include "runtime/real/diagnosis.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kFreeBytesWarning = uint64_t{5} << 30;
constexpr uint64_t kFreeBytesError = uint64_t{512} << 20;
constexpr size_t kFilesMax = 100'000;
constexpr uint64_t kNoteBytesMax = 4'096;
// Write times run ahead of the clock in a burst, by 1 µs a record.
constexpr int64_t kClockBehindUs = 10'000'000;

void CheckFreeSpace(runtime::FileSystem& files, const std::string& directory, Findings* findings) {
  const Result<uint64_t> free = files.FreeBytes(directory);
  if (!free.ok()) {
    findings->Error(free.status().message(), "check the file system");
    return;
  }
  if (*free >= kFreeBytesWarning) return;
  const std::string what = "only " + FormatBytes(*free) + " are free at " + directory;
  const std::string advice = "make room: writes are refused when the disk is full";
  if (*free < kFreeBytesError) {
    findings->Error(what, advice);
  } else {
    findings->Warning(what, advice);
  }
}

void CheckPermissions(runtime::FileSystem& files, const std::string& directory,
                      Findings* findings) {
  const std::string probe =
      directory + "/doctor-" + std::to_string(runtime::real::ProcessId()) + ".tmp";
  const Status written = runtime::WriteFileAtomically(files, probe, "probe\n");
  if (written.ok()) {
    (void)files.Remove(probe);
  } else {
    findings->Error(directory + " cannot be written: " + written.message(),
                    written.code() == Code::kResourceExhausted
                        ? "make room on the disk"
                        : "check owner and permissions, and that it is not mounted read-only");
  }
  const auto foreign = runtime::real::FindForeignFile(directory, kFilesMax);
  if (foreign.has_value()) {
    findings->Warning("not everything in the data directory has one owner: " + *foreign,
                      "was it once run as another user? 'chown -R' it to the one that runs tokura");
  }
}

// Reads every segment as a start would; the newest write time of all.
Result<int64_t> ReadLog(runtime::FileSystem& files, const std::string& log) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(log));
  int64_t newest_us = 0;
  replication::LogRecord record;
  for (const std::string& name : names) {
    if (!name.ends_with(".seg")) continue;
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::SegmentReader> reader,
                            replication::SegmentReader::Open(files, log + "/" + name));
    for (;;) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, reader->Next(&record));
      if (!more) break;
      newest_us = std::max(newest_us, record.hlc_us);
    }
  }
  return newest_us;
}

void CheckLogs(Context& context, const std::string& directory, Findings* findings) {
  const Result<std::vector<std::string>> nodes = context.files.List(directory + "/nodes");
  if (!nodes.ok()) return;  // no node was ever started here
  for (const std::string& node : *nodes) {
    const std::string log = directory + "/nodes/" + node + "/log";
    const Result<bool> exists = context.files.IsDirectory(log);
    if (!exists.ok() || !*exists) continue;
    const Result<int64_t> newest_us = ReadLog(context.files, log);
    if (!newest_us.ok()) {
      findings->Error("the change log cannot be read: " + newest_us.status().message(),
                      newest_us.status().code() == Code::kCorrupt
                          ? "a start is refused, so that nothing wrong is served: restore the "
                            "directory from a backup, or see 'tokura inspect segment'"
                          : "check the disk and the permissions");
    } else if (*newest_us > context.clock.NowUs() + kClockBehindUs) {
      findings->Warning(
          "this machine's clock is " +
              FormatSeconds(static_cast<double>(*newest_us - context.clock.NowUs()) / 1e6) +
              " behind the last write in " + log,
          "set the clock (NTP) before a start: write times go on from the last one, and event "
          "times of now look old");
    }
  }
}

// Whose process works in the directory now; 0: none.
int64_t ServerOf(runtime::FileSystem& files, const std::string& directory) {
  const Result<std::string> text = runtime::ReadFile(files, directory + "/PID", kNoteBytesMax);
  const int64_t pid = text.ok() ? std::strtoll(text->c_str(), nullptr, 10) : 0;
  return runtime::real::IsRunning(pid) ? pid : 0;
}

void CheckFailureNote(runtime::FileSystem& files, const std::string& directory,
                      Findings* findings) {
  const Result<std::string> note =
      runtime::ReadFile(files, FailureNotePath(directory), kNoteBytesMax);
  if (!note.ok()) return;
  findings->Error(
      "the last server here stopped because its disk failed: " + note->substr(0, note->find('\n')),
      "look at the disk (dmesg, smartctl), then start it again: what was acknowledged "
      "is replayed");
}

}  // namespace

std::string FailureNotePath(const std::string& data_directory) {
  return data_directory + "/FAILED";
}

void CheckDataDirectory(Context& context, const std::string& directory, Findings* findings) {
  const Result<bool> exists = context.files.IsDirectory(directory);
  if (!exists.ok() || !*exists) {
    findings->Error(directory + " is not a directory that can be read",
                    "check --data-dir and its permissions");
    return;
  }
  const Result<std::string> format =
      runtime::ReadFile(context.files, directory + "/FORMAT", kNoteBytesMax);
  const Status checked =
      format.ok() ? CheckDataFormat(directory + "/FORMAT", *format) : format.status();
  if (!checked.ok()) {
    findings->Error(checked.message(),
                    checked.code() == Code::kDenied
                        ? "run it as the user that runs tokura"
                        : "is this the directory that 'tokura up --data-dir' made?");
  }
  CheckPermissions(context.files, directory, findings);
  CheckFreeSpace(context.files, directory, findings);
  CheckFailureNote(context.files, directory, findings);
  const int64_t pid = ServerOf(context.files, directory);
  if (pid != 0) {
    CheckOpenFiles(pid, findings);
  } else if (checked.ok()) {
    CheckLogs(context, directory, findings);
  }
}

}  // namespace tokura::cli
