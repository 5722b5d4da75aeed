#include "node/view_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "node/view_checks.h"

namespace tokura::node {
namespace {

constexpr size_t kAppendBytes = 64 << 10;
// A MANIFEST grows by some 100 bytes with each table, until the view is opened again.
constexpr uint64_t kWholeFileBytesMax = 256 << 20;

std::string_view NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}
bool IsTable(std::string_view path) { return path.ends_with(".ldb"); }
bool IsLog(std::string_view path) { return path.ends_with(".log"); }
bool IsManifest(std::string_view path) { return NameOf(path).starts_with("MANIFEST-"); }

}  // namespace

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

ViewFiles::Writer::Writer(ViewFiles& owner, std::string path,
                          std::unique_ptr<runtime::WritableFile> file)
    : owner_(owner), path_(std::move(path)), file_(std::move(file)) {}

Status ViewFiles::Writer::Append(std::string_view bytes) {
  if (file_ == nullptr) return OkStatus();
  if (status_.ok()) gathered_.append(bytes);
  if (gathered_.size() >= kAppendBytes) WriteGathered();
  return status_;
}

Status ViewFiles::Writer::Sync() {
  if (file_ == nullptr) return OkStatus();
  // The tables that a MANIFEST names must be in the directory before it names them.
  if (status_.ok() && IsManifest(path_)) {
    status_ = owner_.files_.SyncDirectory(DirectoryOf(path_));
  }
  WriteGathered();
  if (status_.ok()) status_ = file_->Sync();
  return status_;
}

Status ViewFiles::Writer::Close() {
  if (file_ == nullptr) return OkStatus();
  WriteGathered();
  if (status_.ok()) status_ = file_->Close();
  if (status_.ok() && IsTable(path_)) owner_.SetTable(path_, file_->size());
  return status_;
}

void ViewFiles::Writer::WriteGathered() {
  if (status_.ok() && !gathered_.empty()) status_ = file_->Append(gathered_);
  gathered_.clear();
}

Result<std::unique_ptr<ViewFiles::Writer>> ViewFiles::Create(const std::string& path) {
  if (IsLog(path)) return std::make_unique<Writer>(*this, path, nullptr);
  Result<std::unique_ptr<runtime::WritableFile>> file = files_.Create(path);
  if (!file.ok() && file.status().code() == Code::kAlreadyExists) {  // a crash left it
    TOKURA_RETURN_IF_ERROR(files_.Remove(path));
    file = files_.Create(path);
  }
  if (!file.ok()) return file.status();
  return std::make_unique<Writer>(*this, path, std::move(*file));
}

Result<std::string> ViewFiles::ReadWhole(const std::string& path) {
  Result<std::string> bytes = runtime::ReadFile(files_, path, kWholeFileBytesMax);
  if (!bytes.ok() && bytes.status().code() == Code::kResourceExhausted) {
    return Corrupt(bytes.status().message());
  }
  if (!bytes.ok()) return bytes.status();
  if (!IsManifest(path)) return bytes;
  const Result<size_t> whole = WholeManifestBytes(*bytes);
  if (!whole.ok()) return whole.status().WithContext(path);
  bytes->resize(*whole);
  return bytes;
}

Result<std::unique_ptr<runtime::ReadableFile>> ViewFiles::OpenTable(const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<runtime::ReadableFile> file, files_.Open(path));
  TOKURA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::array<char, kTableFooterBytes> footer{};
  const uint64_t at = size - std::min<uint64_t>(size, footer.size());
  TOKURA_ASSIGN_OR_RETURN(const size_t read, file->ReadAt(at, footer));
  const Status checked = CheckTableFooter({footer.data(), read}, size);
  if (!checked.ok()) return checked.WithContext(path);
  return file;
}

Result<std::vector<std::string>> ViewFiles::List(const std::string& directory) {
  TOKURA_ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List(directory));
  std::erase_if(names, IsLog);
  return names;
}

Status ViewFiles::Remove(const std::string& path) {
  TOKURA_RETURN_IF_ERROR(files_.Remove(path));
  SetTable(path, 0);
  return OkStatus();
}

Status ViewFiles::Rename(const std::string& from, const std::string& to) {
  // To CURRENT. The files that only the old one names are removed next.
  TOKURA_RETURN_IF_ERROR(files_.Rename(from, to));
  return files_.SyncDirectory(DirectoryOf(to));
}

Status ViewFiles::Measure(const std::string& directory) {
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory));
  for (const std::string& name : names) {
    if (!IsTable(name)) continue;
    const std::string path = directory + "/" + name;
    TOKURA_ASSIGN_OR_RETURN(const auto file, files_.Open(path));
    TOKURA_ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
    SetTable(path, bytes);
  }
  return OkStatus();
}

void ViewFiles::SetTable(const std::string& path, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  table_bytes_ += bytes - std::exchange(tables_[path], bytes);
  if (bytes == 0) tables_.erase(path);
  metrics_.disk_bytes.Set(static_cast<double>(table_bytes_));
  metrics_.tables.Set(static_cast<double>(tables_.size()));
}

}  // namespace tokura::node
