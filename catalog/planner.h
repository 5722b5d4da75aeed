// Planner: works out one plan. Internal to plan.cc and its two halves, plan_groups.cc (entities,
// groups, features) and plan_services.cc. Not thread-safe; used once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catalog/names.h"
#include "catalog/plan.h"

namespace tokura::catalog {

class Planner {
 public:
  explicit Planner(const Definitions& current);
  Result<Plan> Run(const std::vector<ProjectSpec>& specs);

 private:
  // In the order in which a plan lists them.
  enum Section { kEntities, kGroups, kFeatures, kServices, kSections };

  void Add(Section section, Change change) { sections_[section].push_back(std::move(change)); }
  // An update, if the two texts differ.
  void Compare(Section section, const std::string& object, const std::string& field,
               const std::string& from, const std::string& to, bool destructive = false);
  void CompareFlag(Section section, const std::string& object, const std::string& field, bool from,
                   bool to, bool destructive = false);
  void CompareTtl(Section section, const std::string& object, std::optional<int64_t> from,
                  std::optional<int64_t> to);
  void CompareDeprecated(Section section, const std::string& object, bool from, bool to);

  void DropEmptyProjects();

  // plan_groups.cc
  Status PlanEntities(const ProjectSpec& spec);
  Status CheckEntityChange(const ProjectSpec& spec, const Entity& from, const Entity& to);
  Status PlanGroups(const ProjectSpec& spec);
  Result<const Entity*> EntityOf(const ProjectSpec& spec, const FeatureGroupSpec& group) const;
  Status CreateGroup(const FeatureGroupSpec& spec, const std::string& project,
                     const Entity& entity);
  Status UpdateGroup(const FeatureGroupSpec& spec, const Entity& entity, FeatureGroup* group);
  Status UpdateFeatures(const FeatureGroupSpec& spec, FeatureGroup* group);
  Status UpdateFeature(const FeatureSpec& spec, FeatureGroup* group, Feature* feature);
  void CompareOrder(const FeatureGroup& group, const std::vector<Feature>& before,
                    const std::vector<Feature>& after);
  // The group's next schema version, once per plan. FAILED_PRECONDITION when there is none left.
  Status RaiseSchemaVersion(FeatureGroup* group);

  // plan_services.cc
  struct Taken {  // what a service under construction has: by name alone, and by `*` too
    std::set<FeatureRef> named;
    std::set<FeatureRef> all;
  };
  Status PlanServices(const ProjectSpec& spec);
  // A service of a project that is not named: what was dropped leaves it, or is refused.
  Status KeepService(FeatureService service);
  Result<FeatureService> MakeService(const FeatureServiceSpec& spec, const std::string& project,
                                     const FeatureService* before) const;
  Result<const FeatureGroup*> FixGroup(const FeatureService& service, const Reference& reference,
                                       const FeatureService* before, size_t index) const;
  Status Expand(const Reference& reference, const FeatureGroup& group, FeatureService* service,
                Taken* taken) const;
  void CompareService(const FeatureService& before, const FeatureService& after);
  std::string FeaturesText(const Definitions& definitions, const FeatureService& service) const;
  std::vector<std::string> Warnings() const;

  const Definitions& current_;
  Definitions next_;
  std::set<GroupId> raised_;  // groups whose schema version rose in this plan
  std::vector<Change> sections_[kSections];
};

}  // namespace tokura::catalog
