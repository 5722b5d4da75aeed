#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/feature_answers.h"
#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "core/limits.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura get --features flights/weather:temp --key origin=JFK --key origin=LGA\n"
    "tokura get --service flights/delay_model --key origin=JFK,carrier=UA,dest=SFO\n"
    "tokura get --features 'flights/weather:*' --keys-file airports.csv --format csv";

struct GetFlags {
  std::string service;
  std::string features;
  std::vector<std::string> keys;
  std::string keys_file;
  std::string format = "table";
  std::string max_staleness;
  std::string include;
  std::vector<std::string> tokens;
};

Result<std::vector<catalog::ResolvedFeature>> Resolve(const catalog::Definitions& definitions,
                                                      const client::GetFeaturesRequest& request) {
  if (!request.service.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const FeatureService* service,
                            definitions.ResolveService(request.service));
    return definitions.FeaturesOf(*service);
  }
  std::vector<catalog::ResolvedFeature> all;
  for (const std::string& reference : request.features) {
    TOKURA_ASSIGN_OR_RETURN(const std::vector<catalog::ResolvedFeature> some,
                            definitions.ResolveFeatures(reference, "", true));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

Result<KeyRows> ReadKeys(const GetFlags& flags, Context& context, std::vector<KeyColumn> columns) {
  KeyRows keys(std::move(columns));
  for (const std::string& text : flags.keys) {
    const Status added = keys.AddText(text);
    if (!added.ok()) return added.WithContext("--key");
  }
  if (!flags.keys_file.empty()) {
    TOKURA_RETURN_IF_ERROR(keys.AddFile(context.files, flags.keys_file));
  }
  return keys;
}

Result<Exit> RunGet(const GetFlags& flags, Context& context) {
  if (flags.service.empty() == flags.features.empty()) {
    return InvalidArgument("get: say either --service or --features");
  }
  if (flags.keys.empty() && flags.keys_file.empty()) {
    return InvalidArgument("get: say for which keys, with --key or --keys-file");
  }
  client::GetFeaturesRequest request;
  request.service = flags.service;
  if (!flags.features.empty()) request.features = SplitReferences(flags.features);
  if (!flags.max_staleness.empty()) {
    request.max_staleness_us = DurationOf(flags.max_staleness).count();
  }
  request.want_event_time = !flags.include.empty();
  request.tokens = flags.tokens;

  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(const std::vector<catalog::ResolvedFeature> features,
                          Resolve(*definitions, request));
  TOKURA_ASSIGN_OR_RETURN(const KeyRows keys, ReadKeys(flags, context, KeysOf(features)));
  AnswerPages pages;
  for (size_t from = 0; from < keys.size(); from += kRequestKeysMax) {
    request.keys = keys.Slice(from, std::min(kRequestKeysMax, keys.size() - from));
    TOKURA_ASSIGN_OR_RETURN(client::GetFeaturesResponse page,
                            session.Call(session.api().GetFeatures(request, session.options())));
    pages.push_back(std::move(page));
  }
  const std::string format = context.json ? "json" : flags.format;
  context.console.Out(format == "json"  ? AnswersJson(pages, request.want_event_time)
                      : format == "csv" ? AnswersCsv(keys, pages, request.want_event_time)
                                        : AnswersTable(keys, pages, request.want_event_time));
  return Exit::kDone;
}

}  // namespace

void RegisterGet(CommandLine& line, Context& context) {
  auto flags = std::make_shared<GetFlags>();  // joint owners: the parser's options and the action
  CLI::App& app = line.AddVerb(
      line.root(),
      {"get", "read the latest values of features", kOnlineSection,
       "(--service S | --features REF,...) (--key col=value,... | --keys-file FILE)", kExamples},
      [flags, &context] { return RunGet(*flags, context); });
  app.add_option("--service", flags->service, "project/service[@version]")->type_name("S");
  app.add_option("--features", flags->features,
                 "project/group[@version]:feature, :* or :[a, b]; several by commas")
      ->type_name("REF,...");
  app.add_option("--key", flags->keys,
                 "one row, col=value,...; may be repeated; quote a value that holds a comma: "
                 "name=\"a,b\"")
      ->type_name("col=value,...")
      ->allow_extra_args(false);
  app.add_option("--keys-file", flags->keys_file, "rows of keys: .csv, .jsonl or .parquet")
      ->type_name("FILE");
  AddChoice(app, "--format", &flags->format, "how to print", {"table", "json", "csv"});
  AddDuration(app, "--max-staleness", &flags->max_staleness,
              "values with an older event time read as stale");
  AddChoice(app, "--include", &flags->include, "what to print with each value", {"event_time"});
  app.add_option("--token", flags->tokens, "see at least the writes of this token")
      ->type_name("TOKEN")
      ->allow_extra_args(false);
}

}  // namespace tokura::cli
