#include "offline/fill_progress.h"

#include <optional>

#include "client/json_value.h"
#include "core/hex.h"
#include "core/key_codec.h"

namespace tokura::offline {
namespace {

constexpr int64_t kFormat = 1;
constexpr uint64_t kFileBytesMax = 1 << 16;

std::string DirectoryOf(const std::string& offline_root) { return offline_root + "/_fills"; }

std::string PathOf(const std::string& offline_root, GroupId group) {
  return DirectoryOf(offline_root) + "/" + std::to_string(group.value) + ".json";
}

std::string RevisionPathOf(const std::string& offline_root) {
  return DirectoryOf(offline_root) + "/revision.json";
}

const int64_t* IntegerOf(const client::Json& json, std::string_view name) {
  const client::Json* member = json.Find(name);
  return member == nullptr ? nullptr : member->integer();
}

// NOT_FOUND if there is no such file.
Result<client::Json> ReadJson(runtime::FileSystem& files, const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const std::string text, runtime::ReadFile(files, path, kFileBytesMax));
  Result<client::Json> json = client::ParseJson(text, kFileBytesMax);
  if (!json.ok()) return Corrupt(path + ": " + json.status().message());
  if (const int64_t* format = IntegerOf(*json, "format"); format != nullptr && *format > kFormat) {
    return FailedPrecondition(path + ": written by a newer version of Tokura");
  }
  return json;
}

Status WriteJson(runtime::FileSystem& files, const std::string& offline_root,
                 const std::string& path, const std::string& text) {
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(DirectoryOf(offline_root)));
  return runtime::WriteFileAtomically(files, path, text + "\n");
}

}  // namespace

Result<FillProgress> ReadFillProgress(runtime::FileSystem& files, const std::string& offline_root,
                                      GroupId group) {
  const std::string path = PathOf(offline_root, group);
  const Result<client::Json> json = ReadJson(files, path);
  if (json.status().code() == Code::kNotFound) return FillProgress();
  if (!json.ok()) return json.status();
  const auto boolean = [&](std::string_view name) -> const bool* {
    const client::Json* member = json->Find(name);
    return member == nullptr ? nullptr : member->boolean();
  };
  const bool* online = boolean("online");
  const bool* done = boolean("done");
  const int64_t* records = IntegerOf(*json, "records");
  const client::Json* after = json->Find("after_key");
  std::optional<std::string> key;
  if (after != nullptr && after->string() != nullptr) key = DecodeHex(*after->string());
  if (online == nullptr || done == nullptr || records == nullptr || *records < 0 || !key) {
    return Corrupt(path +
                   ": not the progress of a fill; restore it, or remove it and what was "
                   "written while the group was not online has to be imported");
  }
  return FillProgress{*online, *done, *std::move(key), static_cast<uint64_t>(*records)};
}

Status WriteFillProgress(runtime::FileSystem& files, const std::string& offline_root, GroupId group,
                         const FillProgress& progress) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("format").Int(kFormat);
  json.Key("online").Bool(progress.online).Key("done").Bool(progress.done);
  json.Key("after_key").String(EncodeHex(progress.after_key)).Key("records").UInt(progress.records);
  json.EndObject();
  return WriteJson(files, offline_root, PathOf(offline_root, group), text);
}

Result<std::optional<Revision>> ReadFillRevision(runtime::FileSystem& files,
                                                 const std::string& offline_root) {
  const std::string path = RevisionPathOf(offline_root);
  const Result<client::Json> json = ReadJson(files, path);
  if (json.status().code() == Code::kNotFound) return std::optional<Revision>();
  if (!json.ok()) return json.status();
  const int64_t* revision = IntegerOf(*json, "revision");
  if (revision == nullptr || *revision < 0) {
    return Corrupt(path +
                   ": not a revision; remove it, and switches that no compactor saw are "
                   "not looked for");
  }
  return std::optional(Revision(static_cast<uint64_t>(*revision)));
}

Status WriteFillRevision(runtime::FileSystem& files, const std::string& offline_root,
                         Revision revision) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("format").Int(kFormat).Key("revision").UInt(revision.value).EndObject();
  return WriteJson(files, offline_root, RevisionPathOf(offline_root), text);
}

}  // namespace tokura::offline
