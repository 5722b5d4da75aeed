#include "catalog/plan.h"

#include <algorithm>
#include <memory>

#include "catalog/limits.h"
#include "catalog/planner.h"

namespace tokura::catalog {
namespace {

constexpr size_t kListedMax = 20;

std::string FlagText(bool flag) { return flag ? "true" : "false"; }
std::string TtlText(std::optional<int64_t> ttl_us) {
  return ttl_us.has_value() ? FormatDuration(*ttl_us) : "";
}

std::string Describe(const Change& change) {
  std::string text = change.action + " " + change.object;
  if (change.field.empty()) return text;
  const auto shown = [](const std::string& value) { return value.empty() ? "none" : value; };
  return text + " " + change.field + " from " + shown(change.from) + " to " + shown(change.to);
}

}  // namespace

Planner::Planner(const Definitions& current) : current_(current), next_(current) {}

void Planner::Compare(Section section, const std::string& object, const std::string& field,
                      const std::string& from, const std::string& to, bool destructive) {
  if (from != to) Add(section, {"update", object, field, from, to, destructive});
}

void Planner::CompareFlag(Section section, const std::string& object, const std::string& field,
                          bool from, bool to, bool destructive) {
  Compare(section, object, field, FlagText(from), FlagText(to), destructive);
}

void Planner::CompareTtl(Section section, const std::string& object, std::optional<int64_t> from,
                         std::optional<int64_t> to) {
  const bool shorter = to.has_value() && (!from.has_value() || *to < *from);
  Compare(section, object, "ttl", TtlText(from), TtlText(to), shorter);
}

void Planner::CompareDeprecated(Section section, const std::string& object, bool from, bool to) {
  if (!from && to) {
    Add(section, {"deprecate", object, "", "", "", false});
  } else {
    CompareFlag(section, object, "deprecated", from, to);
  }
}

Result<Plan> Planner::Run(const std::vector<ProjectSpec>& specs) {
  std::map<std::string, const ProjectSpec*> by_name;
  for (const ProjectSpec& spec : specs) {
    if (!by_name.emplace(spec.project, &spec).second) {
      return InvalidArgument("project '" + spec.project + "' is there twice");
    }
  }
  for (const auto& [name, spec] : by_name) {
    TOKURA_RETURN_IF_ERROR(PlanEntities(*spec));
    TOKURA_RETURN_IF_ERROR(PlanGroups(*spec));
  }
  if (next_.groups.size() > kGroupsMax) {
    return FailedPrecondition(std::to_string(next_.groups.size()) + " feature groups; at most " +
                              std::to_string(kGroupsMax));
  }
  // Services last, by what the groups of all projects will be.
  next_.services.clear();
  next_.BuildIndex();
  for (const FeatureService& service : current_.services) {
    if (!by_name.contains(service.project)) TOKURA_RETURN_IF_ERROR(KeepService(service));
  }
  for (const auto& [name, spec] : by_name) TOKURA_RETURN_IF_ERROR(PlanServices(*spec));
  std::sort(next_.services.begin(), next_.services.end(),
            [](const FeatureService& a, const FeatureService& b) {
              return std::tie(a.project, a.name, a.version) <
                     std::tie(b.project, b.name, b.version);
            });
  next_.BuildIndex();
  DropEmptyProjects();

  Plan plan;
  for (std::vector<Change>& section : sections_) {
    plan.changes.insert(plan.changes.end(), std::make_move_iterator(section.begin()),
                        std::make_move_iterator(section.end()));
  }
  plan.warnings = Warnings();
  if (!plan.changes.empty()) next_.revision = Revision(current_.revision.value + 1);
  plan.next = std::make_shared<const Definitions>(std::move(next_));
  return plan;
}

// A project is there as long as it holds something; a group always has its entity.
void Planner::DropEmptyProjects() {
  std::set<std::string> with_services;
  for (const FeatureService& service : next_.services) with_services.insert(service.project);
  std::erase_if(next_.projects, [&](const auto& item) {
    return item.second.entities.empty() && !with_services.contains(item.first);
  });
}

Result<Plan> MakePlan(const Definitions& current, const std::vector<ProjectSpec>& specs) {
  return Planner(current).Run(specs);
}

Status CheckDestructive(const Plan& plan, bool allow_destroy) {
  if (allow_destroy) return OkStatus();
  std::string listed;
  size_t count = 0;
  for (const Change& change : plan.changes) {
    if (!change.destructive) continue;
    if (++count <= kListedMax) listed += (listed.empty() ? "" : "; ") + Describe(change);
  }
  if (count == 0) return OkStatus();
  if (count > kListedMax) listed += "; and " + std::to_string(count - kListedMax) + " more";
  return FailedPrecondition("this would lose data: " + listed +
                            ". If that is meant, apply with --allow-destroy "
                            "(over HTTP ?allow_destroy=true)");
}

}  // namespace tokura::catalog
