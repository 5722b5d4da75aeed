#include "cli/ingest/import_registry.h"

#include <memory>
#include <vector>

#include "client/json_value.h"
#include "core/big_endian.h"
#include "core/bytes.h"
#include "core/digest.h"
#include "offline/user_files/file_digest.h"
#include "runtime/file_chunks.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kEntryBytesMax = 1 << 16;
constexpr int64_t kFormat = 1;
constexpr uint64_t kRowsPerMs = 4096;

std::string EntryJson(const Import& import, const ImportIdentity& identity) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("format").Int(kFormat).Key("import_id").String(import.id);
  json.Key("group").String(identity.group).Key("lane").String(identity.lane);
  json.Key("started_at_us").Int(import.started_at_us).EndObject();
  return text + "\n";
}

Result<Import> ReadEntry(runtime::FileSystem& files, const std::string& path,
                         const std::string& id) {
  TOKURA_ASSIGN_OR_RETURN(const std::string text, runtime::ReadFile(files, path, kEntryBytesMax));
  const Result<client::Json> json = client::ParseJson(text, kEntryBytesMax);
  if (!json.ok()) return Corrupt(path + ": " + json.status().message());
  const client::Json* format = json->Find("format");
  const client::Json* started = json->Find("started_at_us");
  if (format == nullptr || format->integer() == nullptr || started == nullptr ||
      started->integer() == nullptr || *started->integer() <= 0) {
    return Corrupt(path + ": not the entry of an import");
  }
  if (*format->integer() > kFormat) {
    return FailedPrecondition(path + ": written by a newer version of Tokura");
  }
  return Import{id, *started->integer()};
}

std::string DirectoryOf(const std::string& offline_root) { return offline_root + "/_imports"; }

std::string EntryPath(const std::string& offline_root, const std::string& id) {
  return DirectoryOf(offline_root) + "/" + id + ".json";
}

}  // namespace

Result<std::string> ImportId(runtime::FileSystem& files, const std::string& path,
                             const ImportIdentity& identity) {
  offline::FileDigest digest;
  // Each text ends in a NUL, which none can hold, so no two identities run together.
  for (const std::string& text :
       {identity.group, identity.lane, identity.format, identity.event_time_column,
        std::string(identity.skip_nulls ? "skip" : "write")}) {
    digest.Update({text.c_str(), text.size() + 1});
  }
  TOKURA_RETURN_IF_ERROR(runtime::ForEachChunk(files, path, [&](std::string_view bytes) {
    digest.Update(bytes);
    return OkStatus();
  }));
  return digest.ToHex();
}

Result<Import> RegisterImport(runtime::FileSystem& files, const std::string& offline_root,
                              const std::string& id, const ImportIdentity& identity,
                              int64_t now_us) {
  const std::string path = EntryPath(offline_root, id);
  TOKURA_ASSIGN_OR_RETURN(const bool known, files.Exists(path));
  if (known) return ReadEntry(files, path, id);
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(DirectoryOf(offline_root)));
  const Import import{id, now_us};
  const Status created = runtime::CreateFileAtomically(files, path, EntryJson(import, identity));
  if (created.code() == Code::kAlreadyExists) return ReadEntry(files, path, id);
  TOKURA_RETURN_IF_ERROR(created);
  return import;
}

Result<std::unique_ptr<runtime::FileLock>> LockImport(runtime::FileSystem& files,
                                                      const std::string& offline_root,
                                                      const std::string& id) {
  Result<std::unique_ptr<runtime::FileLock>> lock = files.Lock(EntryPath(offline_root, id));
  if (lock.status().code() != Code::kFailedPrecondition) return lock;
  return FailedPrecondition("another process is importing the same content; wait for it");
}

WriteId ImportWriteId(const Import& import, uint64_t ordinal) {
  const uint64_t ms = static_cast<uint64_t>(import.started_at_us) / 1000 + ordinal / kRowsPerMs;
  const uint64_t prefix = ms << 16 | uint64_t{7} << 12 | ordinal % kRowsPerMs;
  std::string seed = import.id;
  PutU64(&seed, ordinal);
  const uint64_t rest = DigestBytes(seed).low;
  WriteId id;
  PutBigEndian(prefix, id.bytes.data());
  PutBigEndian(rest, id.bytes.data() + 8);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3F) | 0x80);  // the variant of RFC 9562
  return id;
}

std::string FormatOfName(std::string path) {
  for (const char* suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) path.resize(path.size() - std::string(suffix).size());
  }
  for (const char* format : {"csv", "jsonl", "parquet"}) {
    if (path.ends_with("." + std::string(format))) return format;
  }
  return "";
}

}  // namespace tokura::cli
