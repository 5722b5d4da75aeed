#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "client/json_value.h"
#include "router/http_json.h"

namespace tokura::cli {
namespace {

std::string StatusText(const Console& console, const client::ClusterStatus& status) {
  TextTable nodes({{"NODE"},
                   {"STATE"},
                   {"LISTEN"},
                   {"PID", Align::kRight},
                   {"SHARDS", Align::kRight},
                   {"LAG", Align::kRight},
                   {"INCARNATION", Align::kRight}});
  bool all_up = true;
  for (const client::NodeStatus& node : status.nodes) {
    all_up = all_up && node.state == "UP";
    nodes.Add({node.id, node.state, node.listen, std::to_string(node.pid), FormatCount(node.shards),
               Counted(node.lag_records, "record"), std::to_string(node.incarnation)});
  }
  const std::string summary = FormatCount(status.under_replicated) + " under-replicated, " +
                              FormatCount(status.moving) + " moving";
  return nodes.ToString() + console.Paint(all_up ? Colour::kGreen : Colour::kRed, summary) + "\n";
}

Result<Exit> RunStatus(Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::ClusterStatus status,
                          session.Call(session.api().GetClusterStatus(session.options())));
  context.console.Out(context.json ? router::WriteJson(status) + "\n"
                                   : StatusText(context.console, status));
  return Exit::kDone;
}

}  // namespace

void RegisterCluster(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(line.root(), {"cluster", "look at the nodes", kOperateSection,
                                             "status", "tokura cluster status"});
  line.AddVerb(app,
               {"status", "state, address and shards of every node", kOperateSection, "[--json]",
                "tokura cluster status\ntokura cluster status --json"},
               [&context] { return RunStatus(context); });
  for (const char* verb : {"init", "add", "drain", "replace"}) {
    const std::string name = verb;
    CLI::App& sub = line.AddVerb(
        app, {name, "comes with a later release", kOperateSection, "", "tokura cluster " + name},
        [name] {
          return InvalidArgument("'cluster " + name +
                                 "': clusters come with a later release; this one runs one node");
        });
    sub.fallthrough(false)->allow_extras();  // whatever follows: the answer is the same
  }
}

}  // namespace tokura::cli
