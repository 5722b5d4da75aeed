#include "offline/training/training_set_build.h"

#include <utility>

#include <boost/json.hpp>

#include "offline/table/location.h"
#include "offline/user_files/table_output.h"

namespace tokura::offline {
namespace {

constexpr char kPlan[] = "/plan.jsonl";
constexpr char kLock[] = "/lock";

// A lock reaches no other machine, and what is spilled has no place in an object store.
std::string BuildingFolder(const std::string& offline_root, const std::string& out) {
  return IsRemote(offline_root) ? FolderOf(out) + "/.tokura-building"
                                : offline_root + "/_datasets/_building";
}

// A line with the inputs as in a manifest, and one with what else there is.
std::string ToText(const BuildPlan& plan) {
  Dataset dataset;
  dataset.id = plan.inputs.Id();
  dataset.inputs = plan.inputs;
  dataset.created_us = plan.began_us;
  return dataset.ToJson() + "\n" +
         boost::json::serialize(boost::json::object{{"temporary", plan.temporary}}) + "\n";
}

// nullopt: a plan that this version cannot read is none.
std::optional<BuildPlan> FromText(const std::string& text) {
  const size_t newline = text.find('\n');
  if (newline == std::string::npos) return std::nullopt;
  const Result<Dataset> dataset = ParseDataset(text.substr(0, newline));
  boost::system::error_code error;
  const boost::json::value rest = boost::json::parse(text.substr(newline + 1), error);
  if (!dataset.ok() || error || !rest.is_object()) return std::nullopt;
  const boost::json::value* temporary = rest.get_object().if_contains("temporary");
  if (temporary == nullptr || !temporary->is_string()) return std::nullopt;
  return BuildPlan{dataset->inputs, dataset->created_us, std::string(temporary->get_string())};
}

}  // namespace

BuildFolder::BuildFolder(runtime::FileSystem& files, std::string folder)
    : files_(&files), folder_(std::move(folder)) {}

Result<BuildFolder> BuildFolder::Open(runtime::FileSystem& files, const std::string& offline_root,
                                      const std::string& out, const std::string& key) {
  BuildFolder folder(files, BuildingFolder(offline_root, out) + "/" + key);
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(folder.folder_));
  auto lock = files.Lock(folder.folder_ + kLock);
  if (lock.status().code() == Code::kFailedPrecondition) {
    return FailedPrecondition("another process is building this training set");
  }
  if (!lock.ok()) return lock.status();
  folder.lock_ = std::move(lock).value();
  return folder;
}

Result<std::optional<BuildPlan>> BuildFolder::ReadPlan() const {
  TOKURA_ASSIGN_OR_RETURN(const bool is_there, files_->Exists(folder_ + kPlan));
  if (!is_there) return std::optional<BuildPlan>();
  TOKURA_ASSIGN_OR_RETURN(const std::string text, runtime::ReadFile(*files_, folder_ + kPlan));
  return FromText(text);
}

Status BuildFolder::WritePlan(const BuildPlan& plan) {
  TOKURA_RETURN_IF_ERROR(runtime::WriteFileAtomically(*files_, folder_ + kPlan, ToText(plan)));
  return files_->CreateDirectories(work_folder());
}

Status BuildFolder::Clear() {
  TOKURA_RETURN_IF_ERROR(files_->RemoveAll(work_folder()));
  return files_->RemoveAll(folder_ + kPlan);
}

Status BuildFolder::Remove() {
  TOKURA_RETURN_IF_ERROR(Clear());
  return files_->RemoveAll(folder_);
}

Status BuildFolder::RemoveStale(runtime::FileSystem& files, const std::string& offline_root,
                                const std::string& out, int64_t now_us,
                                const std::function<Status(const BuildPlan&)>& abandon) {
  const std::string building = BuildingFolder(offline_root, out);
  TOKURA_ASSIGN_OR_RETURN(const bool any, files.Exists(building));
  if (!any) return OkStatus();
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> keys, files.List(building));
  for (const std::string& key : keys) {
    Result<BuildFolder> folder = Open(files, offline_root, out, key);
    if (!folder.ok()) continue;  // somebody is at work there
    TOKURA_ASSIGN_OR_RETURN(const std::optional<BuildPlan> plan, folder->ReadPlan());
    if (!plan || now_us - plan->began_us < kKeptUs) continue;
    TOKURA_RETURN_IF_ERROR(files.RemoveAll(plan->temporary));
    TOKURA_RETURN_IF_ERROR(abandon(*plan));
    TOKURA_RETURN_IF_ERROR(folder->Remove());
  }
  return OkStatus();
}

}  // namespace tokura::offline
