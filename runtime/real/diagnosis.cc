#include "runtime/real/diagnosis.h"

#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

namespace tokura::runtime::real {
namespace {

namespace fs = std::filesystem;

constexpr char kListenState[] = "0A";

// Inodes of the sockets that listen on `port`, from one of /proc/net/tcp and tcp6.
void AddListeners(const char* path, uint16_t port, std::set<std::string>* inodes) {
  std::ifstream table(path);
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
        timeout >> inode;
    const size_t colon = local.rfind(':');
    if (state != kListenState || colon == std::string::npos) continue;
    if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) inodes->insert(inode);
  }
}

std::set<std::string> Listeners(uint16_t port) {
  std::set<std::string> inodes;
  AddListeners("/proc/net/tcp", port, &inodes);
  AddListeners("/proc/net/tcp6", port, &inodes);
  return inodes;
}

bool HoldsSocket(const fs::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (fs::directory_iterator file(process / "fd", error), end; !error && file != end;
       file.increment(error)) {
    std::error_code unreadable;
    const std::string target = fs::read_symlink(file->path(), unreadable).string();
    constexpr std::string_view kSocket = "socket:[";
    if (unreadable || !target.starts_with(kSocket)) continue;
    if (inodes.contains(target.substr(kSocket.size(), target.size() - kSocket.size() - 1))) {
      return true;
    }
  }
  return false;
}

std::string UserName(uid_t user) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return "user " + std::to_string(user);
}

}  // namespace

bool IsListening(uint16_t port) { return !Listeners(port).empty(); }

std::optional<ProcessName> FindListener(uint16_t port) {
  const std::set<std::string> inodes = Listeners(port);
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  for (fs::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    const std::string name = process->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!HoldsSocket(process->path(), inodes)) continue;
    std::string program;
    std::ifstream comm(process->path() / "comm");
    std::getline(comm, program);
    return ProcessName{std::strtoll(name.c_str(), nullptr, 10), program};
  }
  return std::nullopt;
}

bool IsRunning(int64_t pid) {
  return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

std::optional<uint64_t> OpenFilesLimit(int64_t pid) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  std::string line;
  constexpr std::string_view kName = "Max open files";
  while (std::getline(limits, line)) {
    if (!line.starts_with(kName)) continue;
    const unsigned long long soft = std::strtoull(line.c_str() + kName.size(), nullptr, 10);
    if (soft > 0) return soft;
  }
  return std::nullopt;
}

std::optional<std::string> FindForeignFile(const std::string& root, size_t files_max) {
  struct stat of_root{};
  if (::stat(root.c_str(), &of_root) != 0) return std::nullopt;
  std::error_code error;
  size_t seen = 0;
  for (fs::recursive_directory_iterator
           file(root, fs::directory_options::skip_permission_denied, error),
       end;
       !error && file != end && seen < files_max; file.increment(error), ++seen) {
    struct stat info{};
    if (::lstat(file->path().c_str(), &info) != 0 || info.st_uid == of_root.st_uid) continue;
    return file->path().string() + " (of " + UserName(info.st_uid) + "; " + root + " is of " +
           UserName(of_root.st_uid) + ")";
  }
  return std::nullopt;
}

}  // namespace tokura::runtime::real
