#include "cli/up/data_directory.h"

#include <charconv>

namespace tokura::cli {
namespace {

constexpr std::string_view kFormatPrefix = "tokura data ";
constexpr uint64_t kSmallFileBytesMax = 4096;

Status InUse(runtime::FileSystem& files, const std::string& path) {
  std::string who = "another process";
  const Result<std::string> pid = runtime::ReadFile(files, path + "/PID", kSmallFileBytesMax);
  if (pid.ok() && !pid->empty()) who += " (pid " + pid->substr(0, pid->find('\n')) + ")";
  return FailedPrecondition("data directory " + path + " is in use by " + who);
}

// Writes FORMAT where there is none yet; else checks it.
Status SettleFormat(runtime::FileSystem& files, const std::string& path) {
  const std::string format = path + "/FORMAT";
  TOKURA_ASSIGN_OR_RETURN(const bool exists, files.Exists(format));
  if (!exists) {
    return runtime::WriteFileAtomically(
        files, format, std::string(kFormatPrefix) + std::to_string(kDataFormat) + "\n");
  }
  TOKURA_ASSIGN_OR_RETURN(const std::string text,
                          runtime::ReadFile(files, format, kSmallFileBytesMax));
  return CheckDataFormat(format, text);
}

}  // namespace

Status CheckDataFormat(const std::string& path, const std::string& text) {
  int format = 0;
  std::string_view number = text;
  const bool ours = number.starts_with(kFormatPrefix) && number.ends_with('\n');
  if (ours) {
    number.remove_prefix(kFormatPrefix.size());
    number.remove_suffix(1);
  }
  const char* end = number.data() + number.size();
  const auto [at, error] = std::from_chars(number.data(), end, format);
  if (!ours || at != end || error != std::errc() || format < 1) {
    return Corrupt(path + ", offset 0: not the format file of a Tokura data directory");
  }
  if (format > kDataFormat) {
    return FailedPrecondition(path + " says format " + std::to_string(format) +
                              ", written by a newer version of Tokura; this one reads up to " +
                              std::to_string(kDataFormat));
  }
  return OkStatus();
}

DataDirectory::DataDirectory(runtime::FileSystem& files, std::string path,
                             std::unique_ptr<runtime::FileLock> lock)
    : files_(files), path_(std::move(path)), lock_(std::move(lock)) {}

DataDirectory::~DataDirectory() {
  // Only a hint for people: a stale one is harmless.
  (void)files_.Remove(path_ + "/PID");
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::Open(runtime::FileSystem& files,
                                                           std::string path, int64_t pid) {
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(path));
  Result<std::unique_ptr<runtime::FileLock>> lock = files.Lock(path + "/LOCK");
  if (lock.status().code() == Code::kFailedPrecondition) return InUse(files, path);
  if (!lock.ok()) return lock.status();
  TOKURA_RETURN_IF_ERROR(SettleFormat(files, path));
  TOKURA_RETURN_IF_ERROR(
      runtime::WriteFileAtomically(files, path + "/PID", std::to_string(pid) + "\n"));
  return std::unique_ptr<DataDirectory>(
      new DataDirectory(files, std::move(path), std::move(*lock)));
}

}  // namespace tokura::cli
