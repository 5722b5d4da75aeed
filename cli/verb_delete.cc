#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/ingest/counts.h"
#include "cli/key_rows.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "core/limits.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura delete flights/weather --key origin=JFK\n"
    "tokura delete flights/route_stats --prefix carrier=UA\n"
    "tokura delete flights/weather --key origin=JFK --features temp,visib "
    "--event-time 2026-01-01T00:00:00Z";

struct DeleteFlags {
  std::string group;
  std::vector<std::string> keys;
  std::string prefix;
  std::string event_time;
  std::string features;
};

// Deletes the rows of `keys` in requests of at most kRequestKeysMax, counting as it goes.
Status DeleteKeys(Session& session, client::DeleteRecordsRequest request, const KeyRows& keys,
                  Counts* counts, uint64_t* deleted) {
  for (size_t from = 0; from < keys.size(); from += kRequestKeysMax) {
    request.keys = keys.Slice(from, std::min(kRequestKeysMax, keys.size() - from));
    TOKURA_ASSIGN_OR_RETURN(const client::DeleteRecordsResponse answer,
                            session.Call(session.api().DeleteRecords(request, session.options())));
    for (size_t i = 0; i < answer.results.size(); ++i) {
      counts->Add(from + i + 1, answer.results[i]);
    }
    counts->AddToken(answer.token);
    *deleted += answer.deleted;
  }
  return OkStatus();
}

Status DeletePrefix(Session& session, client::DeleteRecordsRequest request, Counts* counts,
                    uint64_t* deleted) {
  TOKURA_ASSIGN_OR_RETURN(const client::DeleteRecordsResponse answer,
                          session.Call(session.api().DeleteRecords(request, session.options())));
  for (size_t i = 0; i < answer.results.size(); ++i) counts->Add(i + 1, answer.results[i]);
  counts->AddToken(answer.token);
  *deleted += answer.deleted;
  return OkStatus();
}

Result<Exit> RunDelete(const DeleteFlags& flags, Context& context) {
  if (flags.keys.empty() == flags.prefix.empty()) {
    return InvalidArgument("delete: say either --key or --prefix");
  }
  client::DeleteRecordsRequest request;
  request.group = flags.group;
  if (!flags.features.empty()) request.features = SplitReferences(flags.features);
  if (!flags.event_time.empty()) {
    Result<Timestamp> said = ParseTimestamp(flags.event_time);
    if (!said.ok()) return said.status().WithContext("--event-time");
    request.event_time = Value(*said);
  }
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Session::Group found, session.ResolveGroup(flags.group));
  const std::vector<KeyColumn>& columns = found.group->entity.keys;
  Counts counts;
  uint64_t deleted = 0;
  if (flags.prefix.empty()) {
    KeyRows keys(columns);
    for (const std::string& text : flags.keys) {
      const Status added = keys.AddText(text);
      if (!added.ok()) return added.WithContext("--key");
    }
    TOKURA_RETURN_IF_ERROR(DeleteKeys(session, std::move(request), keys, &counts, &deleted));
  } else {
    Result<Assignments> parsed = ParseAssignments(flags.prefix);
    if (!parsed.ok()) return parsed.status().WithContext("--prefix");
    TOKURA_ASSIGN_OR_RETURN(request.prefix, CoerceKeys(*parsed, columns));
    TOKURA_RETURN_IF_ERROR(DeletePrefix(session, std::move(request), &counts, &deleted));
  }
  counts.NoteRejects(context.console);
  if (context.json) {
    client::JsonWriter json(context.console.out());
    json.BeginObject();
    counts.AppendJson(&json);
    json.Key("deleted").UInt(deleted).EndObject();
    context.console.Out("\n");
  } else {
    context.console.Out(counts.ToText("deleted"));
  }
  return counts.exit();
}

}  // namespace

void RegisterDelete(CommandLine& line, Context& context) {
  auto flags = std::make_shared<DeleteFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = line.AddVerb(
      line.root(),
      {"delete", "delete rows, or named features of rows", kOnlineSection,
       "GROUP (--key col=value,... | --prefix col=value,...) [--event-time T]", kExamples},
      [flags, &context] { return RunDelete(*flags, context); });
  app.add_option("GROUP", flags->group, "project/group[@version]")->required();
  app.add_option("--key", flags->keys, "one row, col=value,...; may be repeated")
      ->type_name("col=value,...")
      ->allow_extra_args(false);
  app.add_option("--prefix", flags->prefix,
                 "the partition keys (and more): the rows that are there now")
      ->type_name("col=value,...");
  app.add_option("--event-time", flags->event_time,
                 "since when the rows are gone; what is newer stays; default now")
      ->type_name("TIME");
  app.add_option("--features", flags->features, "only these (merge: cell)")->type_name("a,b");
}

}  // namespace tokura::cli
