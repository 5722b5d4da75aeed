#include "cli/catalog_text.h"

#include "cli/text/format.h"
#include "cli/text/table.h"

namespace tokura::cli {
namespace {

using client::Json;

// A scalar as text; a list as "a, b"; a map as "a: 1, b: 2".
std::string TextOf(const Json& json) {
  if (const std::string* text = json.string()) return *text;
  std::string out;
  if (const Json::Array* items = json.array()) {
    for (const Json& item : *items) out += (out.empty() ? "" : ", ") + TextOf(item);
    return out;
  }
  if (const Json::Object* members = json.object()) {
    // A key column reads best as "origin string".
    const Json* name = json.Find("name");
    const Json* type = json.Find("type");
    if (name != nullptr && type != nullptr && members->size() == 2) {
      return TextOf(*name) + " " + TextOf(*type);
    }
    for (const auto& [key, value] : *members) {
      out += (out.empty() ? "" : ", ") + key + ": " + TextOf(value);
    }
    return out;
  }
  if (json.is_null()) return "";
  client::JsonWriter writer(&out);
  client::AppendJson(json, &writer);
  return out;
}

std::string Field(const Json& object, std::string_view name) {
  const Json* value = object.Find(name);
  return value == nullptr ? "" : TextOf(*value);
}

size_t CountOf(const Json& object, std::string_view name) {
  const Json* value = object.Find(name);
  return value == nullptr || value->array() == nullptr ? 0 : value->array()->size();
}

std::string NameOf(const Json& object) {
  const Json* deprecated = object.Find("deprecated");
  const bool is_deprecated =
      deprecated != nullptr && deprecated->boolean() != nullptr && *deprecated->boolean();
  return Field(object, "name") + (is_deprecated ? " (deprecated)" : "");
}

const Json::Array& ItemsOf(const Json& list, std::string_view name) {
  static const Json::Array kNone;
  const Json* items = list.Find(name);
  return items == nullptr || items->array() == nullptr ? kNone : *items->array();
}

// Yes as the word, no as nothing: exceptions stand out.
std::string Marks(const Json& feature) {
  std::string marks;
  for (const char* mark : {"pii", "deprecated"}) {
    const Json* value = feature.Find(mark);
    if (value != nullptr && value->boolean() != nullptr && *value->boolean()) {
      marks += (marks.empty() ? "" : ", ") + std::string(mark);
    }
  }
  const Json* online = feature.Find("online");
  if (online != nullptr && online->boolean() != nullptr && !*online->boolean()) {
    marks += (marks.empty() ? "" : ", ") + std::string("offline only");
  }
  return marks;
}

std::string FeatureTable(const Json::Array& features) {
  TextTable table({{"FEATURE"}, {"TYPE"}, {"TTL"}, {"DEFAULT"}, {"NOTES"}, {"DESCRIPTION"}});
  for (const Json& feature : features) {
    table.Add({Field(feature, "name"), Field(feature, "type"), Field(feature, "ttl"),
               Field(feature, "default"), Marks(feature), Field(feature, "description")});
  }
  return table.ToString();
}

// What a service reads, in its order.
std::string ResolvedTable(const Json::Array& features) {
  TextTable table({{"READS"}, {"TYPE"}});
  for (const Json& feature : features) {
    table.Add({Field(feature, "name"), Field(feature, "type")});
  }
  return table.ToString();
}

}  // namespace

std::string ListText(const Json& list) {
  TextTable entities({{"ENTITY"}, {"KEYS"}, {"DESCRIPTION"}});
  for (const Json& entity : ItemsOf(list, "entities")) {
    entities.Add({NameOf(entity), Field(entity, "keys"), Field(entity, "description")});
  }
  TextTable groups(
      {{"FEATURE GROUP"}, {"ENTITY"}, {"FEATURES", Align::kRight}, {"OWNER"}, {"DESCRIPTION"}});
  for (const Json& group : ItemsOf(list, "feature_groups")) {
    groups.Add({NameOf(group), Field(group, "entity"), FormatCount(CountOf(group, "features")),
                Field(group, "owner"), Field(group, "description")});
  }
  TextTable services({{"FEATURE SERVICE"}, {"FEATURES", Align::kRight}, {"DESCRIPTION"}});
  for (const Json& service : ItemsOf(list, "feature_services")) {
    services.Add({NameOf(service), FormatCount(CountOf(service, "features")),
                  Field(service, "description")});
  }
  std::string out;
  for (const TextTable* table : {&entities, &groups, &services}) {
    if (!table->empty()) out += (out.empty() ? "" : "\n") + table->ToString();
  }
  return out;
}

std::string DescribeText(const Json& object) {
  const Json::Object* members = object.object();
  if (members == nullptr) return TextOf(object) + "\n";
  size_t width = 0;
  for (const auto& [name, value] : *members) width = std::max(width, name.size());
  std::string out;
  const Json::Array* features = nullptr;
  const Json::Array* resolved = nullptr;
  const bool is_group = Field(object, "kind") == "feature_group";
  for (const auto& [name, value] : *members) {
    if (is_group && name == "features" && value.array() != nullptr) {
      features = value.array();
      continue;
    }
    if (name == "resolved" && value.array() != nullptr) {
      resolved = value.array();
      continue;
    }
    const std::string text = TextOf(value);
    if (text.empty()) continue;
    out += name + std::string(width + 2 - name.size(), ' ') + Printable(text) + "\n";
  }
  if (features != nullptr) out += "\n" + FeatureTable(*features);
  if (resolved != nullptr) out += "\n" + ResolvedTable(*resolved);
  return out;
}

}  // namespace tokura::cli
