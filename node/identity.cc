#include "node/identity.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>

namespace tokura::node {
namespace {

constexpr int64_t kFormat = 1;
constexpr uint64_t kFileBytesMax = 64 << 10;
constexpr int64_t kSecondsMax = 4'000'000'000;  // October 2096

struct Identity {
  std::string id;
  uint32_t incarnation = 0;
};

Status Malformed(const std::string& path) {
  return Corrupt(path + ": not an identity file; restore it from a backup");
}

std::string PathIn(const std::string& directory) { return directory + "/identity.json"; }

// nullopt: there is none yet.
Result<std::optional<Identity>> ReadIdentity(runtime::FileSystem& files,
                                             const std::string& directory) {
  const std::string path = PathIn(directory);
  Result<std::string> text = runtime::ReadFile(files, path, kFileBytesMax);
  if (text.status().code() == Code::kNotFound) return std::optional<Identity>();
  if (!text.ok()) return text.status();
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(*text, error);
  const boost::json::object* object = error ? nullptr : parsed.if_object();
  if (object == nullptr) return Malformed(path);
  const boost::json::value* format = object->if_contains("format");
  const boost::json::value* id = object->if_contains("id");
  const boost::json::value* incarnation = object->if_contains("incarnation");
  if (format == nullptr || !format->is_int64()) return Malformed(path);
  if (format->as_int64() != kFormat) {
    return FailedPrecondition(path + ": format " + std::to_string(format->as_int64()) +
                              " is newer than this program's " + std::to_string(kFormat) +
                              "; run the newer program");
  }
  if (id == nullptr || !id->is_string() || incarnation == nullptr || !incarnation->is_int64() ||
      incarnation->as_int64() < 1 || incarnation->as_int64() > UINT32_MAX) {
    return Malformed(path);
  }
  return std::optional<Identity>(
      Identity{std::string(id->as_string()), static_cast<uint32_t>(incarnation->as_int64())});
}

Status CheckOwner(const std::optional<Identity>& identity, const std::string& directory,
                  const std::string& node_id) {
  if (!identity || identity->id == node_id) return OkStatus();
  return FailedPrecondition(directory + " belongs to node '" + identity->id + "', not to '" +
                            node_id + "'; start with --id " + identity->id +
                            " or choose another --data-dir");
}

}  // namespace

Status CheckIdentity(runtime::FileSystem& files, const std::string& directory,
                     const std::string& node_id) {
  TOKURA_ASSIGN_OR_RETURN(std::optional<Identity> identity, ReadIdentity(files, directory));
  return CheckOwner(identity, directory, node_id);
}

Result<uint32_t> RegisterIncarnation(runtime::FileSystem& files, const std::string& directory,
                                     const std::string& node_id, uint32_t log_incarnation,
                                     int64_t now_us) {
  TOKURA_ASSIGN_OR_RETURN(std::optional<Identity> identity, ReadIdentity(files, directory));
  TOKURA_RETURN_IF_ERROR(CheckOwner(identity, directory, node_id));
  if (!identity && log_incarnation != 0) {
    return Corrupt(PathIn(directory) + " is missing beside a log; restore it from a backup");
  }
  const uint32_t newest = std::max(identity ? identity->incarnation : 0, log_incarnation);
  if (newest == UINT32_MAX) {
    return FailedPrecondition(directory + ": no incarnation is left; use a new data directory");
  }
  // A clock that is far off must not use up what is left.
  const int64_t second = now_us / 1'000'000;
  const uint32_t next = std::max(
      newest + 1, second > 0 && second < kSecondsMax ? static_cast<uint32_t>(second) : uint32_t{1});
  const boost::json::object object = {
      {"id", node_id}, {"incarnation", int64_t{next}}, {"format", kFormat}};
  TOKURA_RETURN_IF_ERROR(runtime::WriteFileAtomically(files, PathIn(directory),
                                                      boost::json::serialize(object) + "\n"));
  return next;
}

}  // namespace tokura::node
