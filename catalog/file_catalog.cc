#include <algorithm>
#include <charconv>

#include "catalog/catalog.h"

namespace tokura::catalog {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr size_t kDigits = 10;
constexpr uint64_t kRevisionBytesMax = uint64_t{1} << 30;
// Each lost race means that another apply won, so this many in a row is no race.
constexpr int kRacesMax = 100;

std::string RevisionsDirectory(const std::string& directory) { return directory + "/revisions"; }

// "0000000007.jsonl"
std::string RevisionPath(const std::string& directory, Revision revision) {
  std::string digits = std::to_string(revision.value);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return RevisionsDirectory(directory) + "/" + digits + std::string(kSuffix);
}

// nullopt for whatever else lies there, as the temporary file of a write that did not end.
std::optional<Revision> RevisionOfName(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data(), end, number);
  if (name.size() < kDigits || error != std::errc() || at != end || number == 0) {
    return std::nullopt;
  }
  return Revision(number);
}

Result<std::shared_ptr<const Definitions>> Load(runtime::FileSystem& files, const std::string& path,
                                                Revision revision) {
  TOKURA_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(files, path, kRevisionBytesMax));
  Result<std::shared_ptr<const Definitions>> definitions = DecodeDefinitions(text);
  if (!definitions.ok()) return definitions.status().WithContext(path);
  if ((*definitions)->revision != revision) {
    return Corrupt(path + ": holds revision " + std::to_string((*definitions)->revision.value));
  }
  return definitions;
}

}  // namespace

FileCatalog::FileCatalog(runtime::FileSystem& files, std::string directory)
    : files_(files),
      directory_(std::move(directory)),
      current_(std::make_shared<const Definitions>()) {}

FileCatalog::~FileCatalog() = default;

Result<std::unique_ptr<FileCatalog>> FileCatalog::Open(runtime::FileSystem& files,
                                                       std::string directory) {
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(RevisionsDirectory(directory)));
  std::unique_ptr<FileCatalog> catalog(new FileCatalog(files, std::move(directory)));
  TOKURA_ASSIGN_OR_RETURN([[maybe_unused]] const bool found, catalog->Refresh());
  return catalog;
}

std::shared_ptr<const Definitions> FileCatalog::Current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

Result<bool> FileCatalog::Refresh() {
  const Revision known = Current()->revision;
  const std::string directory = RevisionsDirectory(directory_);
  // Revisions have no gaps, so mostly one look is enough. Before the first there is none to go by.
  if (known.value != 0) {
    const std::string next = RevisionPath(directory_, Revision(known.value + 1));
    TOKURA_ASSIGN_OR_RETURN(const bool exists, files_.Exists(next));
    if (!exists) return false;
  }
  TOKURA_ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List(directory));
  Revision newest = known;
  for (const std::string& name : names) {
    if (const auto revision = RevisionOfName(name)) newest = std::max(newest, *revision);
  }
  if (newest == known) return false;
  // Whoever wrote it may have died before this, and others act on what is shown here.
  TOKURA_RETURN_IF_ERROR(files_.SyncDirectory(directory));
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<const Definitions> loaded,
                          Load(files_, RevisionPath(directory_, newest), newest));
  std::lock_guard lock(mutex_);
  if (loaded->revision <= current_->revision) return false;
  current_ = std::move(loaded);
  return true;
}

Result<std::shared_ptr<const Definitions>> FileCatalog::At(Revision revision) const {
  if (revision.value == 0) {
    return std::shared_ptr<const Definitions>(std::make_shared<const Definitions>());
  }
  const std::string path = RevisionPath(directory_, revision);
  TOKURA_ASSIGN_OR_RETURN(const bool exists, files_.Exists(path));
  if (exists) return Load(files_, path, revision);
  return NotFound("revision " + std::to_string(revision.value) + " of the definitions does not " +
                  "exist; the newest is " + std::to_string(Current()->revision.value));
}

Result<Plan> FileCatalog::Apply(const std::vector<DefinitionText>& texts, ApplyOptions options) {
  TOKURA_ASSIGN_OR_RETURN(std::vector<ProjectSpec> specs, ParseDefinitions(texts));
  std::lock_guard applying(apply_mutex_);
  for (int race = 0; race < kRacesMax; ++race) {
    TOKURA_ASSIGN_OR_RETURN([[maybe_unused]] const bool found, Refresh());
    const std::shared_ptr<const Definitions> before = Current();
    if (options.if_revision.has_value() && *options.if_revision != before->revision) {
      return FailedPrecondition("the definitions are at revision " +
                                std::to_string(before->revision.value) + ", not at " +
                                std::to_string(options.if_revision->value));
    }
    TOKURA_ASSIGN_OR_RETURN(Plan plan, MakePlan(*before, specs));
    if (plan.changes.empty()) plan.next = before;
    if (options.dry_run || plan.changes.empty()) return plan;
    TOKURA_RETURN_IF_ERROR(CheckDestructive(plan, options.allow_destroy));
    const std::string path = RevisionPath(directory_, plan.next->revision);
    Status written = runtime::CreateFileAtomically(files_, path, EncodeDefinitions(*plan.next));
    if (written.code() == Code::kAlreadyExists) continue;  // another process was faster
    if (!written.ok()) {
      const Result<bool> exists = files_.Exists(path);
      if (exists.ok() && !*exists) return written;
      return Status(
          Code::kUnknownOutcome,
          written.message() + "; the definitions may or may not have changed: apply again");
    }
    std::lock_guard lock(mutex_);
    current_ = plan.next;
    return plan;
  }
  return Unavailable("other processes changed the definitions " + std::to_string(kRacesMax) +
                     " times meanwhile; try again");
}

}  // namespace tokura::catalog
