#include "offline/training/dataset.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "offline/user_files/file_digest.h"

namespace tokura::offline {
namespace {

constexpr char kManifest[] = "/manifest.json";
constexpr char kDefinitions[] = "/definitions.jsonl";
constexpr size_t kIdDigits = 32;
constexpr uint64_t kDefinitionsBytesMax = uint64_t{1} << 30;

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// ".csv.gz" of "labels.csv.gz".
std::string ExtensionsOf(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  for (const std::string_view compressed : {".csv.gz", ".csv.zst"}) {
    if (name.ends_with(compressed)) return std::string(compressed);
  }
  return name.substr(name.rfind('.'));
}

}  // namespace

DatasetStore::DatasetStore(runtime::FileSystem& files, const std::string& offline_root)
    : files_(files), root_(offline_root + "/_datasets") {}

std::string DatasetStore::Folder(const std::string& id) const { return root_ + "/" + id; }

std::string DatasetStore::SpinePath(const std::string& id, const std::string& spine) const {
  return Folder(id) + "/spine" + ExtensionsOf(spine);
}

Status DatasetStore::KeepSpine(const std::string& id, const std::string& spine,
                               const std::string& digest) {
  TOKURA_RETURN_IF_ERROR(files_.CreateDirectories(Folder(id)));
  const std::string kept = SpinePath(id, spine);
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_.Exists(kept));
  if (is_there) {
    TOKURA_ASSIGN_OR_RETURN(const std::string kept_digest, DigestOfFile(files_, kept));
    if (kept_digest == digest) return OkStatus();
  }
  const std::string temporary = kept + ".tmp";
  TOKURA_ASSIGN_OR_RETURN(const bool left_over, files_.Exists(temporary));
  if (left_over) TOKURA_RETURN_IF_ERROR(files_.Remove(temporary));
  TOKURA_ASSIGN_OR_RETURN(const std::string copied, CopyFile(files_, spine, temporary));
  if (copied != digest) {
    (void)files_.Remove(temporary);
    return FailedPrecondition("spine '" + spine + "' was changed while it was read");
  }
  TOKURA_RETURN_IF_ERROR(files_.Rename(temporary, kept));
  return files_.SyncDirectory(Folder(id));
}

Status DatasetStore::KeepDefinitions(const std::string& id,
                                     const catalog::Definitions& definitions) {
  TOKURA_RETURN_IF_ERROR(files_.CreateDirectories(Folder(id)));
  return runtime::WriteFileAtomically(files_, Folder(id) + kDefinitions,
                                      catalog::EncodeDefinitions(definitions));
}

Status DatasetStore::Publish(const Dataset& dataset) {
  return runtime::WriteFileAtomically(files_, Folder(dataset.id) + kManifest,
                                      dataset.ToJson() + "\n");
}

Result<std::optional<Dataset>> DatasetStore::Read(const std::string& id) const {
  const std::string path = Folder(id) + kManifest;
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_.Exists(path));
  if (!is_there) return std::optional<Dataset>();
  TOKURA_ASSIGN_OR_RETURN(const std::string text, runtime::ReadFile(files_, path));
  Result<Dataset> dataset = ParseDataset(text);
  if (dataset.ok() && dataset->id != id) dataset = Corrupt("is the manifest of another one");
  if (!dataset.ok()) return dataset.status().WithContext(path);
  return std::optional<Dataset>(std::move(dataset).value());
}

Result<std::vector<std::string>> DatasetStore::Ids() const {
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_.Exists(root_));
  if (!is_there) return std::vector<std::string>();
  TOKURA_ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List(root_));
  std::erase_if(names,
                [](const std::string& name) { return name.size() != kIdDigits || !IsHex(name); });
  return names;
}

Result<Dataset> DatasetStore::Find(const std::string& prefix) const {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> ids, Ids());
  std::vector<Dataset> found;
  for (const std::string& id : ids) {
    if (!id.starts_with(prefix)) continue;
    TOKURA_ASSIGN_OR_RETURN(std::optional<Dataset> dataset, Read(id));
    if (dataset) found.push_back(*std::move(dataset));
  }
  if (found.empty() || prefix.empty()) {
    return NotFound("there is no training set '" + prefix + "'; 'tokura training-set list' has " +
                    "those that there are");
  }
  if (found.size() > 1) {
    return InvalidArgument("'" + prefix + "' is the beginning of " + std::to_string(found.size()) +
                           " training sets: " + found[0].id + ", " + found[1].id +
                           (found.size() > 2 ? ", ..." : ""));
  }
  return std::move(found.front());
}

Result<std::vector<Dataset>> DatasetStore::List() const {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> ids, Ids());
  std::vector<Dataset> datasets;
  for (const std::string& id : ids) {
    TOKURA_ASSIGN_OR_RETURN(std::optional<Dataset> dataset, Read(id));
    if (dataset) datasets.push_back(*std::move(dataset));
  }
  std::sort(datasets.begin(), datasets.end(), [](const Dataset& a, const Dataset& b) {
    return std::tie(b.created_us, b.id) < std::tie(a.created_us, a.id);
  });
  return datasets;
}

Status DatasetStore::CheckSpine(const Dataset& dataset) const {
  const std::string path = SpinePath(dataset.id, dataset.spine_name);
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_.Exists(path));
  if (!is_there) return FailedPrecondition("its spine is gone: " + path);
  TOKURA_ASSIGN_OR_RETURN(const std::string digest, DigestOfFile(files_, path));
  if (digest == dataset.inputs.spine_digest) return OkStatus();
  return FailedPrecondition("its spine is no longer what it was: " + path + " has digest " +
                            digest + ", the manifest says " + dataset.inputs.spine_digest);
}

Result<std::shared_ptr<const catalog::Definitions>> DatasetStore::ReadDefinitions(
    const Dataset& dataset) const {
  const std::string path = Folder(dataset.id) + kDefinitions;
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_.Exists(path));
  if (!is_there) return FailedPrecondition("its definitions are gone: " + path);
  TOKURA_ASSIGN_OR_RETURN(const std::string text,
                          runtime::ReadFile(files_, path, kDefinitionsBytesMax));
  Result<std::shared_ptr<const catalog::Definitions>> definitions =
      catalog::DecodeDefinitions(text);
  if (!definitions.ok()) return definitions.status().WithContext(path);
  return definitions;
}

Status DatasetStore::Remove(const std::string& id) {
  const std::string manifest = Folder(id) + kManifest;
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_.Exists(manifest));
  if (is_there) {
    TOKURA_RETURN_IF_ERROR(files_.Remove(manifest));
    TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(Folder(id)));
  }
  return files_.RemoveAll(Folder(id));
}

}  // namespace tokura::offline
