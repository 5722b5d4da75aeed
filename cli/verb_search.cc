#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/catalog_text.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

using client::Json;

constexpr size_t kListBytesMax = size_t{1} << 30;

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Everything that describes an object, features' descriptions and tags included, in lower case.
Result<std::string> Haystack(const catalog::Definitions& definitions, const std::string& kind,
                             const Json& item) {
  const Json* name = item.Find("name");
  std::string text;
  client::JsonWriter writer(&text);
  client::AppendJson(item, &writer);
  if (name == nullptr || name->string() == nullptr) return Lower(text);
  TOKURA_ASSIGN_OR_RETURN(const std::string described,
                          catalog::DescribeJson(definitions, kind + " " + *name->string()));
  return Lower(text + described);
}

Result<Json> Search(const catalog::Definitions& definitions,
                    const std::vector<std::string>& words) {
  TOKURA_ASSIGN_OR_RETURN(Json list,
                          client::ParseJson(catalog::ListJson(definitions), kListBytesMax));
  Json::Object found;
  for (const auto& [section, items] : *list.object()) {
    const std::string kind = section == "entities"         ? "entity"
                             : section == "feature_groups" ? "feature_group"
                                                           : "feature_service";
    Json::Array hits;
    for (const Json& item : *items.array()) {
      TOKURA_ASSIGN_OR_RETURN(const std::string haystack, Haystack(definitions, kind, item));
      const bool all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return haystack.find(Lower(word)) != std::string::npos;
      });
      if (all) hits.push_back(item);
    }
    found.emplace_back(section, Json{std::move(hits)});
  }
  return Json{std::move(found)};
}

Result<Exit> RunSearch(const std::vector<std::string>& words, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(const Json found, Search(*definitions, words));
  if (context.json) {
    client::JsonWriter writer(context.console.out());
    client::AppendJson(found, &writer);
    context.console.Out("\n");
    return Exit::kDone;
  }
  const std::string text = ListText(found);
  context.console.Out(text);
  if (text.empty()) context.console.Note("nothing matches all of these words");
  return Exit::kDone;
}

}  // namespace

void RegisterSearch(CommandLine& line, Context& context) {
  // Joint owners: the option and the action.
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App& app = line.AddVerb(
      line.root(),
      {"search", "find definitions by words in names, descriptions, owners and tags",
       kDefineSection, "WORD...", "tokura search weather\ntokura search hourly origin"},
      [words, &context] { return RunSearch(*words, context); });
  app.add_option("WORD", *words, "all of them must occur, in any case")->required();
}

}  // namespace tokura::cli
