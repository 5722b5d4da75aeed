#include "cli/table_care.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "client/json_value.h"
#include "offline/table/table_care.h"

namespace tokura::cli {
namespace {

// Another's care of a table, perhaps the compactor's, takes a while.
constexpr int kCareAttempts = 300;
constexpr std::chrono::milliseconds kCarePause{200};

struct CareFlags {
  std::string group;
  std::string target = "128MiB";
  std::string older_than;
};

struct Place {
  client::Api::Definitions definitions;
  std::string root;
  std::vector<const FeatureGroup*> groups;
};

Result<Place> FindTables(const std::string& group, Session& session) {
  Place place;
  TOKURA_ASSIGN_OR_RETURN(place.definitions, session.GetDefinitions());
  if (!group.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureGroup* found, place.definitions->ResolveGroup(group));
    if (!found->offline) {
      return FailedPrecondition("feature group '" + found->QualifiedName() + "' is not offline");
    }
    place.groups.push_back(found);
  } else {
    for (const FeatureGroup& of_all : place.definitions->groups) {
      if (of_all.offline) place.groups.push_back(&of_all);
    }
  }
  TOKURA_ASSIGN_OR_RETURN(place.root, session.OfflineRoot());
  return place;
}

Result<std::unique_ptr<offline::TableCare>> OpenCare(const Place& place, const FeatureGroup& group,
                                                     const offline::CareOptions& options,
                                                     Session& session, Context& context) {
  for (int attempt = 1;; ++attempt) {
    auto care = offline::TableCare::Open(context.files, place.root, group, options);
    if (care.status().code() != Code::kFailedPrecondition || attempt == kCareAttempts) return care;
    TOKURA_RETURN_IF_ERROR(session.Pause(kCarePause));
  }
}

Result<Exit> RunCompact(const CareFlags& flags, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Place place, FindTables(flags.group, session));
  const offline::CareOptions options{.target_bytes = BytesOf(flags.target)};
  TextTable text({{"GROUP"},
                  {"FILES BEFORE", Align::kRight},
                  {"AFTER", Align::kRight},
                  {"ROWS", Align::kRight},
                  {"SIZE BEFORE", Align::kRight},
                  {"AFTER", Align::kRight}});
  std::string json_text;
  client::JsonWriter json(&json_text);
  json.BeginObject().Key("groups").BeginArray();
  for (const FeatureGroup* group : place.groups) {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::TableCare> care,
                            OpenCare(place, *group, options, session, context));
    bool more = true;
    while (more) {
      TOKURA_ASSIGN_OR_RETURN(more, care->Advance(context.clock.NowUs()));
    }
    const offline::CareOutcome& outcome = care->outcome();
    const std::string name = group->QualifiedName();
    text.Add({name, FormatCount(outcome.files_before), FormatCount(outcome.files_after),
              FormatCount(outcome.rows), FormatBytes(outcome.bytes_before),
              FormatBytes(outcome.bytes_after)});
    json.BeginObject().Key("group").String(name).Key("rows").UInt(outcome.rows);
    json.Key("files_before").UInt(outcome.files_before);
    json.Key("files_after").UInt(outcome.files_after);
    json.Key("bytes_before").UInt(outcome.bytes_before);
    json.Key("bytes_after").UInt(outcome.bytes_after).EndObject();
  }
  json.EndArray().EndObject();
  context.console.Out(context.json ? json_text + "\n" : text.ToString());
  return Exit::kDone;
}

Result<Exit> RunExpire(const CareFlags& flags, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const Place place, FindTables(flags.group, session));
  TextTable text(
      {{"GROUP"}, {"EXPIRED", Align::kRight}, {"KEPT", Align::kRight}, {"PINS", Align::kRight}});
  std::string json_text;
  client::JsonWriter json(&json_text);
  json.BeginObject().Key("groups").BeginArray();
  for (const FeatureGroup* group : place.groups) {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::Table> table,
                            offline::Table::OpenForRead(context.files, place.root, *group));
    const int64_t age_us = DurationOf(flags.older_than).count();
    const int64_t now_us = context.clock.NowUs();
    TOKURA_ASSIGN_OR_RETURN(const uint64_t expired, table->Expire(now_us - age_us, now_us));
    TOKURA_RETURN_IF_ERROR(table->RemoveOrphans(context.clock.NowUs() - age_us));
    TOKURA_RETURN_IF_ERROR(table->Refresh());
    const std::string name = group->QualifiedName();
    const uint64_t kept = table->snapshots().size();
    const uint64_t pins = table->pins().size();
    text.Add({name, FormatCount(expired), FormatCount(kept), FormatCount(pins)});
    json.BeginObject().Key("group").String(name).Key("expired").UInt(expired);
    json.Key("snapshots").UInt(kept).Key("pins").UInt(pins).EndObject();
  }
  json.EndArray().EndObject();
  context.console.Out(context.json ? json_text + "\n" : text.ToString());
  return Exit::kDone;
}

}  // namespace

void RegisterTableCare(CommandLine& line, CLI::App& parent, Context& context) {
  auto flags = std::make_shared<CareFlags>();  // joint owners: the parser's options, the actions
  CLI::App& compact =
      line.AddVerb(parent,
                   {"compact", "make large files of the small ones of each day or hour",
                    kOfflineSection, "[--group G] [--target 128MiB] [--json]",
                    "tokura offline compact\ntokura offline compact --group flights/weather"},
                   [flags, &context] { return RunCompact(*flags, context); });
  compact.add_option("--group", flags->group, "only this one; default all")->type_name("G");
  AddBytes(compact, "--target", &flags->target, "the size of a file to come to, about");
  CLI::App& expire = line.AddVerb(
      parent,
      {"expire", "forget old snapshots, and remove the files that only they have", kOfflineSection,
       "--older-than D [--group G] [--json]", "tokura offline expire --older-than 30d"},
      [flags, &context] { return RunExpire(*flags, context); });
  expire.add_option("--group", flags->group, "only this one; default all")->type_name("G");
  AddDuration(expire, "--older-than", &flags->older_than,
              "those committed so long ago, but for the newest, and what a tag or branch names")
      ->required();
}

}  // namespace tokura::cli
