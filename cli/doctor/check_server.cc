#include <cstdlib>

#include "cli/doctor/findings.h"
#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/text/format.h"
#include "runtime/real/diagnosis.h"

namespace tokura::cli {
namespace {

constexpr double kLagSecondsWarning = 600;
constexpr uint64_t kOpenFilesMin = 4'096;
// Less than what event times are allowed to be ahead (5 min), more than NTP ever leaves.
constexpr int64_t kClockOffUs = 10'000'000;
// Watermarks are a commit old at most, so only a grosser difference tells of a clock.
constexpr int64_t kWatermarkAheadUs = 60'000'000;

void CheckClock(int64_t server_us, int64_t own_us, Findings* findings) {
  const int64_t ahead_us = server_us - own_us;
  if (server_us == 0 || (ahead_us <= kClockOffUs && ahead_us >= -kClockOffUs)) return;
  findings->Warning("the server's clock is " +
                        FormatSeconds(static_cast<double>(std::abs(ahead_us)) / 1e6) +
                        (ahead_us > 0 ? " ahead of" : " behind") + " this machine's",
                    "run NTP on both: event times more than 5 min ahead are refused");
}

void CheckOffline(Session& session, const catalog::Definitions& definitions, Context& context,
                  Findings* findings) {
  const auto tables = session.OfflineTables(definitions);
  if (!tables.ok()) {
    findings->Error("the offline side does not answer: " + tables.status().message(),
                    "look at the compactor's log");
    return;
  }
  for (const std::string& group : UnopenedTables(definitions, *tables)) {
    findings->Error(group + " has no offline table that can be opened",
                    "look at the server's log, and at the folder with 'tokura inspect table'; its "
                    "rows are in the change log");
  }
  for (const client::OfflineGroupStatus& table : *tables) {
    const bool committed = table.watermark_us > 0;  // else the table is only just there
    if (committed && table.lag_seconds > kLagSecondsWarning) {
      findings->Warning(table.group + " lags " + FormatSeconds(table.lag_seconds) +
                            " behind in its offline table",
                        "look at the log for commits that fail; is the disk full?");
    }
    if (table.watermark_us > context.clock.NowUs() + kWatermarkAheadUs) {
      findings->Warning("the tables were written by a clock more than " +
                            FormatSeconds(kWatermarkAheadUs / 1e6) + " ahead of this machine's",
                        "run NTP: event times more than 5 min ahead are refused");
      return;
    }
  }
}

void CheckNodes(const client::ClusterStatus& cluster, Findings* findings) {
  for (const client::NodeStatus& node : cluster.nodes) {
    const std::string name = "node " + node.id + " at " + node.listen;
    if (node.state == "FAILED") {
      findings->Error(name + " is FAILED: its disk lost a write",
                      "look at the disk (dmesg, smartctl), then start the node again: what was "
                      "acknowledged is replayed");
    } else if (node.state == "JOINING") {
      findings->Warning(name + " is JOINING: it reads its log",
                        "wait; /readyz tells when it serves");
    } else if (node.state != "UP") {
      findings->Error(name + " is " + node.state, "look at its log; start it again");
    }
    if (node.disk_low) {
      findings->Error("the disk of " + name + " is full up to its reserve: writes are refused",
                      "make room where its data directory is; writes go on by themselves");
    }
    CheckOpenFiles(node.pid, findings);
  }
}

// Nobody speaks our protocol there: somebody else, or nobody.
void CheckPort(const Context& context, const Status& status, Findings* findings) {
  const runtime::Address address = AddressOf(context.endpoint);
  if (!address.is_loopback() || !runtime::real::IsListening(address.port)) {
    findings->Error(status.message(), "start it ('tokura up'), or say where it is (--endpoint)");
    return;
  }
  const auto holder = runtime::real::FindListener(address.port);
  const std::string who =
      holder.has_value() ? "process " + std::to_string(holder->pid) + " (" + holder->program + ")"
                         : "a process of another user";
  if (status.code() == Code::kDeadline) {
    findings->Error(who + " listens on " + context.endpoint + " but does not answer",
                    "if it is tokura, look at its log and load; else choose another port "
                    "(--listen) or stop it");
  } else {
    findings->Error(context.endpoint + " is taken by " + who +
                        ", which does not speak Tokura: " + status.message(),
                    "stop it, or choose another port for tokura (--listen)");
  }
}

}  // namespace

void CheckOpenFiles(int64_t pid, Findings* findings) {
  const auto limit = runtime::real::OpenFilesLimit(pid);
  if (!limit.has_value() || *limit >= kOpenFilesMin) return;
  findings->Warning("process " + std::to_string(pid) + " may have only " + FormatCount(*limit) +
                        " files open, connections included",
                    "raise it to 65,536 ('ulimit -n', or LimitNOFILE= of the service) and start "
                    "it again");
}

void CheckServer(Context& context, Findings* findings) {
  Session session(context);
  const auto cluster = session.Call(session.api().GetClusterStatus(session.options()));
  if (!cluster.ok()) {
    CheckPort(context, cluster.status(), findings);
    return;
  }
  CheckNodes(*cluster, findings);
  CheckClock(cluster->now_us, context.clock.NowUs(), findings);
  const auto definitions = session.GetDefinitions();
  if (!definitions.ok()) {
    findings->Error("the definitions cannot be had: " + definitions.status().message(),
                    "look at the server's log");
    return;
  }
  if ((*definitions)->groups.empty()) {
    findings->Warning("no feature group is defined", "see 'tokura apply --help'");
  }
  CheckOffline(session, **definitions, context, findings);
  const auto root = session.OfflineRoot();
  if (!root.ok()) return;  // CheckOffline has told why
  CheckTables(context.files, **definitions, *root, context.clock.NowUs(), findings);
}

}  // namespace tokura::cli
