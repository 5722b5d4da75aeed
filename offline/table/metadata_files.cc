#include "offline/table/metadata_files.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "core/bytes.h"
#include "core/digest.h"

namespace tokura::offline {
namespace {

constexpr std::string_view kVersionPrefix = "v";
constexpr std::string_view kVersionSuffix = ".metadata.json";
constexpr std::string_view kHint = "version-hint.text";
constexpr uint64_t kContentBytesMax = uint64_t{1} << 30;
constexpr size_t kDigestDigits = 32;

// 0 if it is not the name of a version.
int64_t VersionOf(std::string_view name) {
  if (!name.starts_with(kVersionPrefix) || !name.ends_with(kVersionSuffix)) return 0;
  name.remove_prefix(kVersionPrefix.size());
  name.remove_suffix(kVersionSuffix.size());
  int64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && version > 0 ? version : 0;
}

// The digits in "m-<32 digits>-w0.avro"; empty if it is no such name.
std::string_view ContentDigits(std::string_view name) {
  const size_t begin = name.find('-');
  if (begin == std::string_view::npos) return {};
  const size_t end = name.find_first_of("-.", begin + 1);
  if (end != begin + 1 + kDigestDigits) return {};
  const std::string_view digits = name.substr(begin + 1, kDigestDigits);
  return Digest::FromHex(digits).ok() ? digits : std::string_view();
}

// The text ends with the checksum of what stands before it, as one more member of the object. A
// program that writes the file anew leaves it out.
constexpr std::string_view kChecksumBegin = ",\"tokura-crc32c\":\"";
constexpr std::string_view kChecksumEnd = "\"}\n";
constexpr size_t kChecksumBytes = kChecksumBegin.size() + 8 + kChecksumEnd.size();

std::string WithChecksum(std::string text) {
  TOKURA_CHECK(text.ends_with("}\n"));
  text.resize(text.size() - 2);
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", Crc32c(text));
  return text.append(kChecksumBegin).append(digits).append(kChecksumEnd);
}

Status CheckChecksum(std::string_view text) {
  if (text.size() < kChecksumBytes) return OkStatus();
  const std::string_view body = text.substr(0, text.size() - kChecksumBytes);
  const std::string_view end = text.substr(body.size());
  if (!end.starts_with(kChecksumBegin)) return OkStatus();
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", Crc32c(body));
  if (end.substr(kChecksumBegin.size(), 8) == digits) return OkStatus();
  return Corrupt("fails its checksum");
}

}  // namespace

MetadataFiles::MetadataFiles(runtime::FileSystem& files, std::string folder)
    : files_(files), folder_(std::move(folder) + "/metadata") {}

std::string MetadataFiles::VersionPath(int64_t version) const {
  return folder_ + "/" + std::string(kVersionPrefix) + std::to_string(version) +
         std::string(kVersionSuffix);
}

Result<std::vector<int64_t>> MetadataFiles::Versions() const {
  std::vector<int64_t> versions;
  Result<std::vector<std::string>> names = files_.List(folder_);
  if (!names.ok() && names.status().code() == Code::kNotFound) return versions;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (const int64_t version = VersionOf(name); version > 0) versions.push_back(version);
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

Result<int64_t> MetadataFiles::NewestVersion() const {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<int64_t> versions, Versions());
  return versions.empty() ? 0 : versions.back();
}

Result<iceberg::TableMetadata> MetadataFiles::Read(int64_t version) const {
  const std::string path = VersionPath(version);
  TOKURA_ASSIGN_OR_RETURN(const std::string text,
                          runtime::ReadFile(files_, path, iceberg::kMetadataBytesMax));
  if (Status sum = CheckChecksum(text); !sum.ok()) return sum.WithContext(path);
  Result<iceberg::TableMetadata> metadata = iceberg::DecodeTableMetadata(text);
  if (!metadata.ok()) return metadata.status().WithContext(path);
  metadata->others.erase("tokura-crc32c");
  return metadata;
}

Status MetadataFiles::Commit(int64_t version, const iceberg::TableMetadata& metadata) {
  const std::string path = VersionPath(version);
  const Status taken = AlreadyExists(path + ": another writer committed first; reload");
  // A writer far ahead may have removed the version of our name already.
  TOKURA_ASSIGN_OR_RETURN(const int64_t newest, NewestVersion());
  if (newest >= version) return taken;
  if (newest != version - 1) {
    return FailedPrecondition(folder_ + ": the table was replaced by another");
  }
  const std::string text = WithChecksum(iceberg::EncodeTableMetadata(metadata));
  Status created = runtime::CreateFileAtomically(files_, path, text, Mark());
  if (created.code() == Code::kAlreadyExists) return taken;
  if (!created.ok()) {
    // Perhaps it took its name all the same. Only what is there, and durable, counts.
    Result<std::string> found = runtime::ReadFile(files_, path, iceberg::kMetadataBytesMax);
    if (!found.ok() || *found != text) return created;
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(folder_));
  }
  // A hint that is behind is still one: readers look for later versions.
  (void)runtime::WriteFileAtomically(files_, folder_ + "/" + std::string(kHint),
                                     std::to_string(version), Mark());
  return OkStatus();
}

std::string MetadataFiles::Mark() const { return writer_.empty() ? "" : "." + writer_; }

Result<std::string> MetadataFiles::Write(std::string_view prefix, std::string_view bytes,
                                         std::string_view suffix) {
  std::string name(prefix);
  name.append("-").append(DigestBytes(bytes).ToHex());
  if (!writer_.empty()) name.append("-").append(writer_);
  name.append(suffix);
  Status created = runtime::CreateFileAtomically(files_, folder_ + "/" + name, bytes);
  // A name stands only for a whole file, but perhaps not durably yet.
  if (created.code() == Code::kAlreadyExists) created = files_.SyncDirectory(folder_);
  TOKURA_RETURN_IF_ERROR(created);
  return name;
}

Result<std::string> MetadataFiles::ReadContent(const std::string& name) const {
  const std::string path = folder_ + "/" + name;
  TOKURA_ASSIGN_OR_RETURN(std::string bytes, runtime::ReadFile(files_, path, kContentBytesMax));
  const std::string_view digits = ContentDigits(name);
  if (!digits.empty() && DigestBytes(bytes).ToHex() != digits) {
    return Corrupt(path + ": is not what its name says");
  }
  return bytes;
}

Status MetadataFiles::RemoveIf(const std::function<bool(const std::string&)>& unwanted) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder_));
  for (const std::string& name : names) {
    const bool of_ours = !ContentDigits(name).empty() || name.find(".tmp.") != std::string::npos;
    if (!of_ours || !unwanted(name)) continue;
    TOKURA_RETURN_IF_ERROR(files_.Remove(folder_ + "/" + name));
  }
  return OkStatus();
}

Status MetadataFiles::RemoveVersion(int64_t version) { return files_.Remove(VersionPath(version)); }

}  // namespace tokura::offline
