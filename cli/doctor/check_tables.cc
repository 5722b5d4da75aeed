#include <chrono>
#include <string>

#include "cli/doctor/findings.h"
#include "cli/text/format.h"
#include "offline/table/table.h"
#include "offline/table/table_care.h"

namespace tokura::cli {
namespace {

// The compactor looks every minute, and merges what has been there for ten.
constexpr std::chrono::hours kCareOverdue{6};

void CheckCare(const offline::Table& table, const FeatureGroup& group, int64_t now_us,
               Findings* findings) {
  const auto overdue = offline::FilesToMerge(
      table, group, {.only_overdue = true, .settled_after = kCareOverdue}, now_us);
  if (overdue.empty()) return;
  findings->Warning(group.QualifiedName() + ": " + FormatCount(overdue.size()) +
                        " small files of " + overdue.front().partition +
                        " have waited for more than " + std::to_string(kCareOverdue.count()) +
                        " h to be merged",
                    "look at the compactor's log for merges that fail; 'tokura offline compact "
                    "--group " +
                        group.QualifiedName() + "' merges them now, or says why not");
}

}  // namespace

void CheckTables(runtime::FileSystem& files, const catalog::Definitions& definitions,
                 const std::string& offline_root, int64_t now_us, Findings* findings) {
  for (const FeatureGroup& group : definitions.groups) {
    if (!group.offline) continue;
    const auto table = offline::Table::OpenForRead(files, offline_root, group);
    if (!table.ok()) continue;  // CheckServer tells of it
    CheckCare(**table, group, now_us, findings);
  }
}

}  // namespace tokura::cli
