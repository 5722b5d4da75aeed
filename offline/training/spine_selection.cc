#include "offline/training/spine_selection.h"

#include <cmath>
#include <set>

namespace tokura::offline {
namespace {

constexpr double kShareSlack = 1e-9;  // shares are written in decimals

Status CheckSplit(const SpineSelection& selection) {
  double sum = 0;
  std::set<std::string> names;
  for (const auto& [part, share] : selection.split) {
    if (part.empty() || !names.insert(part).second) {
      return InvalidArgument("split: the parts need names, each once");
    }
    if (!(share > 0 && share <= 1)) {
      return InvalidArgument("split: the share of '" + part + "' must be above 0 and at most 1");
    }
    sum += share;
  }
  if (!selection.split.empty() && std::abs(sum - 1) > kShareSlack) {
    return InvalidArgument("split: the shares must add up to 1");
  }
  return OkStatus();
}

}  // namespace

std::vector<std::string> SpineSelection::parts() const {
  if (split_times_us.size() == 1) return {"train", "test"};
  if (split_times_us.size() == 2) return {"train", "validation", "test"};
  std::vector<std::string> parts;
  for (const auto& [part, share] : split) parts.push_back(part);
  return parts;
}

Status SpineSelection::Check() const {
  if (!(sample > 0 && sample <= 1)) {
    return InvalidArgument("sample: expected a share above 0 and at most 1");
  }
  TOKURA_RETURN_IF_ERROR(CheckSplit(*this));
  if (!split.empty() && !split_times_us.empty()) {
    return InvalidArgument("split either by shares or by time");
  }
  if (split_times_us.size() > 2 ||
      (split_times_us.size() == 2 && split_times_us[0] >= split_times_us[1])) {
    return InvalidArgument("split by time: expected one time, or two that ascend");
  }
  if (!split_by.empty() && split.empty()) {
    return InvalidArgument("split by columns goes only with shares of a split");
  }
  if (!stratify.empty() && sample == 1 && split.empty()) {
    return InvalidArgument("stratify goes only with a sample or with shares of a split");
  }
  if (!stratify.empty() && !split_by.empty()) {
    return InvalidArgument(
        "a split by columns cannot be stratified: rows that belong together may differ there");
  }
  return OkStatus();
}

}  // namespace tokura::offline
