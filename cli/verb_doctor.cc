#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/up/data_directory.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura doctor\n"
    "tokura doctor --data-dir /var/lib/tokura";

constexpr uint64_t kFreeBytesWarning = uint64_t{5} << 30;
constexpr uint64_t kFreeBytesError = uint64_t{512} << 20;
constexpr double kLagSecondsWarning = 600;
// Watermarks are a commit old at most, so only a grosser difference tells of a clock.
constexpr int64_t kClockAheadUs = 60'000'000;

struct Finding {
  const char* level;  // "error", "warning"
  std::string what;
  std::string advice;
};
using Findings = std::vector<Finding>;

void CheckOffline(Session& session, const catalog::Definitions& definitions, Context& context,
                  Findings* findings) {
  const auto tables = session.OfflineTables(definitions);
  if (!tables.ok()) {
    findings->push_back({"error", "the offline side does not answer: " + tables.status().message(),
                         "look at the compactor's log"});
    return;
  }
  for (const std::string& group : UnopenedTables(definitions, *tables)) {
    findings->push_back({"error", group + " has no offline table that can be opened",
                         "look at the server's log, and at the folder with 'tokura inspect table'; "
                         "its rows are in the change log"});
  }
  for (const client::OfflineGroupStatus& table : *tables) {
    const bool committed = table.watermark_us > 0;  // else the table is only just there
    if (committed && table.lag_seconds > kLagSecondsWarning) {
      findings->push_back({"warning",
                           table.group + " lags " + FormatSeconds(table.lag_seconds) +
                               " behind in its offline table",
                           "look at the log for commits that fail; is the disk full?"});
    }
    if (table.watermark_us > context.clock.NowUs() + kClockAheadUs) {
      findings->push_back({"warning",
                           "the server's clock is ahead of this machine's by more than " +
                               FormatSeconds(kClockAheadUs / 1e6),
                           "run NTP on both: event times more than 5 min ahead are refused"});
      return;
    }
  }
}

void CheckServer(Context& context, Findings* findings) {
  Session session(context);
  const auto cluster = session.Call(session.api().GetClusterStatus(session.options()));
  if (!cluster.ok()) {
    findings->push_back({"error", cluster.status().message(),
                         "start it ('tokura up'), or say where it is (--endpoint)"});
    return;
  }
  for (const client::NodeStatus& node : cluster->nodes) {
    if (node.state == "UP") continue;
    findings->push_back({"error", "node " + node.id + " at " + node.listen + " is " + node.state,
                         "look at its log; start it again"});
  }
  const auto definitions = session.GetDefinitions();
  if (!definitions.ok()) {
    findings->push_back({"error",
                         "the definitions cannot be had: " + definitions.status().message(),
                         "look at the server's log"});
    return;
  }
  if ((*definitions)->groups.empty()) {
    findings->push_back({"warning", "no feature group is defined", "see 'tokura apply --help'"});
  }
  CheckOffline(session, **definitions, context, findings);
}

void CheckFreeSpace(runtime::FileSystem& files, const std::string& directory, Findings* findings) {
  const Result<uint64_t> free = files.FreeBytes(directory);
  if (!free.ok()) {
    findings->push_back({"error", free.status().message(), "check the file system"});
  } else if (*free < kFreeBytesWarning) {
    findings->push_back({*free < kFreeBytesError ? "error" : "warning",
                         "only " + FormatBytes(*free) + " are free at " + directory,
                         "make room: writes are refused when the disk is full"});
  }
}

void CheckDataDirectory(runtime::FileSystem& files, const std::string& directory,
                        Findings* findings) {
  const Result<bool> exists = files.IsDirectory(directory);
  if (!exists.ok() || !*exists) {
    findings->push_back({"error", directory + " is not a directory that can be read",
                         "check --data-dir and its permissions"});
    return;
  }
  const Result<std::string> format = runtime::ReadFile(files, directory + "/FORMAT", 4096);
  const Status checked =
      format.ok() ? CheckDataFormat(directory + "/FORMAT", *format) : format.status();
  if (!checked.ok()) {
    findings->push_back(
        {"error", checked.message(), "is this the directory that 'tokura up --data-dir' made?"});
  }
  const std::string probe =
      directory + "/doctor-" + std::to_string(runtime::real::ProcessId()) + ".tmp";
  const Status written = runtime::WriteFileAtomically(files, probe, "probe\n");
  if (!written.ok()) {
    findings->push_back({"error", directory + " cannot be written: " + written.message(),
                         "check owner, permissions and free space"});
  } else {
    (void)files.Remove(probe);
  }
  CheckFreeSpace(files, directory, findings);
}

Result<Exit> RunDoctor(const std::string& data_dir, Context& context) {
  Findings findings;
  CheckServer(context, &findings);
  if (!data_dir.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const std::string directory, runtime::real::AbsolutePath(data_dir));
    CheckDataDirectory(context.files, directory, &findings);
  }
  if (context.json) {
    client::JsonWriter json(context.console.out());
    json.BeginObject().Key("findings").BeginArray();
    for (const Finding& finding : findings) {
      json.BeginObject().Key("level").String(finding.level);
      json.Key("what").String(finding.what).Key("advice").String(finding.advice).EndObject();
    }
    json.EndArray().EndObject();
    context.console.Out("\n");
  } else if (findings.empty()) {
    context.console.Out(context.console.Paint(Colour::kGreen, "nothing is wrong") + "\n");
  } else {
    for (const Finding& finding : findings) {
      const bool error = std::string_view(finding.level) == "error";
      context.console.Out(
          context.console.Paint(error ? Colour::kRed : Colour::kYellow, finding.level) + ": " +
          Printable(finding.what) + "\n  " + finding.advice + "\n");
    }
  }
  return findings.empty() ? Exit::kDone : Exit::kDifference;
}

}  // namespace

void RegisterDoctor(CommandLine& line, Context& context) {
  auto data_dir = std::make_shared<std::string>();  // joint owners: the option and the action
  CLI::App& app = line.AddVerb(line.root(),
                               {"doctor", "say what is wrong, and what to do", kOperateSection,
                                "[--data-dir DIR]", kExamples},
                               [data_dir, &context] { return RunDoctor(*data_dir, context); });
  app.add_option("--data-dir", *data_dir, "also check this directory, of a server on this machine")
      ->type_name("DIR");
}

}  // namespace tokura::cli
