// The verbs of the catalog's tests: definitions that texts are planned against and applied to.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "catalog/plan.h"

namespace tokura::catalog {

class Definer {
 public:
  Result<Plan> TryPlan(const std::string& text) const {
    TOKURA_ASSIGN_OR_RETURN(std::vector<ProjectSpec> specs,
                            ParseDefinitions({{"test.yaml", text}}));
    return MakePlan(*current_, specs);
  }

  // The plan of a text that is not refused.
  Plan PlanOf(const std::string& text) const {
    Result<Plan> plan = TryPlan(text);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString() << "\n" << text;
    return plan.ok() ? *plan : Plan{{}, {}, current_};
  }

  Plan Apply(const std::string& text) {
    Plan plan = PlanOf(text);
    current_ = plan.next;
    return plan;
  }

  // "update feature_group flights/weather@1 ttl 6h -> 1h !", one a change; '!' if destructive.
  std::vector<std::string> Changes(const std::string& text) const {
    std::vector<std::string> lines;
    for (const Change& change : PlanOf(text).changes) lines.push_back(Line(change));
    return lines;
  }

  // Why a text is refused: its code and message; "OK" if it is not.
  std::string Refusal(const std::string& text) const { return TryPlan(text).status().ToString(); }

  const Definitions& current() const { return *current_; }
  const FeatureGroup& group(const std::string& reference) const {
    Result<const FeatureGroup*> group = current_->ResolveGroup(reference);
    EXPECT_TRUE(group.ok()) << group.status().ToString();
    static const FeatureGroup kNone;
    return group.ok() ? **group : kNone;
  }
  // Qualified names of what a service reads.
  std::vector<std::string> Reads(const std::string& service) const {
    std::vector<std::string> names;
    Result<const FeatureService*> found = current_->ResolveService(service);
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    if (!found.ok()) return names;
    for (const ResolvedFeature& feature : current_->FeaturesOf(**found)) {
      names.push_back(feature.QualifiedName());
    }
    return names;
  }

  static std::string Line(const Change& change) {
    std::string line = change.action + " " + change.object;
    if (!change.field.empty()) {
      line += " " + change.field + " " + change.from + " -> " + change.to;
    }
    return line + (change.destructive ? " !" : "");
  }

 private:
  std::shared_ptr<const Definitions> current_ = std::make_shared<const Definitions>();
};

// A project of one entity, whose groups and services are given in flow style.
inline std::string Flights(const std::string& groups, const std::string& services = "",
                           const std::string& entities = "") {
  return "project: flights\nentities:\n"
         "  - {name: airport, keys: [{name: origin, type: string}]}\n" +
         entities + "feature_groups: [" + groups + "]\nfeature_services: [" + services + "]\n";
}

// One group of it: `fields` beside name, entity and owner, e.g. "ttl: 6h".
inline std::string Weather(const std::string& features, const std::string& fields = "") {
  return "{name: weather, entity: airport, owner: me" + (fields.empty() ? "" : ", " + fields) +
         ", features: [" + features + "]}";
}

using Lines = std::vector<std::string>;

}  // namespace tokura::catalog
