#include "cli/feature_answers.h"

#include <algorithm>
#include <functional>
#include <set>

#include "cli/text/format.h"
#include "cli/text/table.h"
#include "client/json_value.h"

namespace tokura::cli {
namespace {

std::vector<std::string> NamesOf(const AnswerPages& pages) {
  std::vector<std::string> names;
  if (pages.empty()) return names;
  for (const client::FeatureAnswer& answer : pages.front().features) names.push_back(answer.name);
  return names;
}

// Calls `visit` with each row's answers: (row of all, page, row of the page).
void ForEachRow(
    const AnswerPages& pages,
    const std::function<void(size_t, const client::GetFeaturesResponse&, size_t)>& visit) {
  size_t row = 0;
  for (const client::GetFeaturesResponse& page : pages) {
    for (size_t i = 0; i < page.rows; ++i) visit(row++, page, i);
  }
}

std::string TimeOf(const client::FeatureAnswer& answer, size_t row) {
  if (row >= answer.event_times_us.size() || !answer.event_times_us[row].has_value()) return "";
  return FormatTimestamp(Timestamp{*answer.event_times_us[row]});
}

}  // namespace

std::string AnswerCell(const client::FeatureAnswer& answer, size_t row) {
  const bool has_value = row < answer.has_value.size() && answer.has_value[row];
  const std::string value =
      has_value ? FormatShort(answer.values.At(row), answer.values.type()) : "";
  switch (answer.statuses[row]) {
    case ReadStatus::kPresent:
      return value;
    case ReadStatus::kNull:
      return "NULL";
    case ReadStatus::kNotFound:
      return has_value ? value + " (default)" : "-";
    case ReadStatus::kExpired:
      return has_value ? value + " (default)" : "expired";
    case ReadStatus::kStale:
      return "stale";
    case ReadStatus::kUnknown:
      return "unknown";
    case ReadStatus::kDenied:
      return "denied";
  }
  return "unknown";
}

std::string AnswersTable(const KeyRows& keys, const AnswerPages& pages, bool event_times) {
  std::vector<TextTable::Heading> headings;
  for (const KeyColumn& key : keys.columns()) {
    headings.push_back({key.name, AlignOf(key.type)});
  }
  const std::vector<std::string> names = ShortNames(NamesOf(pages));
  for (size_t i = 0; i < names.size(); ++i) {
    const Type& type = pages.front().features[i].values.type();
    headings.push_back({names[i], AlignOf(type)});
    if (event_times) headings.push_back({names[i] + " at", Align::kLeft});
  }
  TextTable table(std::move(headings));
  ForEachRow(pages, [&](size_t row, const client::GetFeaturesResponse& page, size_t i) {
    std::vector<std::string> cells;
    for (size_t k = 0; k < keys.columns().size(); ++k) {
      cells.push_back(FormatValue(keys.at(row, k), keys.columns()[k].type));
    }
    for (const client::FeatureAnswer& answer : page.features) {
      cells.push_back(AnswerCell(answer, i));
      if (event_times) cells.push_back(TimeOf(answer, i));
    }
    table.Add(std::move(cells));
  });
  return table.ToString();
}

std::string AnswersCsv(const KeyRows& keys, const AnswerPages& pages, bool event_times) {
  std::string out;
  const auto append = [&out](const std::string& cell) {
    if (!out.empty() && out.back() != '\n') out += ',';
    out += cell;
  };
  for (const KeyColumn& key : keys.columns()) append(CsvCell(key.name));
  for (const std::string& name : NamesOf(pages)) {
    append(CsvCell(name));
    if (event_times) append(CsvCell(name + ".event_time"));
  }
  out += '\n';
  ForEachRow(pages, [&](size_t row, const client::GetFeaturesResponse& page, size_t i) {
    for (size_t k = 0; k < keys.columns().size(); ++k) {
      append(CsvCell(FormatValue(keys.at(row, k), keys.columns()[k].type)));
    }
    for (const client::FeatureAnswer& answer : page.features) {
      // An empty cell without quotes is null; the empty string is "".
      append(answer.has_value[i] ? CsvCell(FormatValue(answer.values.At(i), answer.values.type()))
                                 : "");
      if (event_times) append(TimeOf(answer, i));
    }
    out += '\n';
  });
  return out;
}

std::string AnswersJson(const AnswerPages& pages, bool event_times) {
  std::string text;
  client::JsonWriter json(&text);
  size_t rows = 0;
  for (const client::GetFeaturesResponse& page : pages) rows += page.rows;
  json.BeginObject().Key("rows").UInt(rows).Key("features").BeginArray();
  const size_t features = pages.empty() ? 0 : pages.front().features.size();
  for (size_t f = 0; f < features; ++f) {
    const Type& type = pages.front().features[f].values.type();
    json.BeginObject().Key("name").String(pages.front().features[f].name);
    json.Key("type").String(type.ToString()).Key("values").BeginArray();
    ForEachRow(pages, [&](size_t, const client::GetFeaturesResponse& page, size_t i) {
      const client::FeatureAnswer& answer = page.features[f];
      json.TypedValue(answer.has_value[i] ? answer.values.At(i) : Value(), type);
    });
    json.EndArray().Key("status").BeginArray();
    ForEachRow(pages, [&](size_t, const client::GetFeaturesResponse& page, size_t i) {
      json.String(ReadStatusName(page.features[f].statuses[i]));
    });
    json.EndArray();
    if (event_times) {
      json.Key("event_time").BeginArray();
      ForEachRow(pages, [&](size_t, const client::GetFeaturesResponse& page, size_t i) {
        const std::string time = TimeOf(page.features[f], i);
        time.empty() ? json.Null() : json.String(time);
      });
      json.EndArray();
    }
    json.EndObject();
  }
  json.EndArray().EndObject();
  return text + "\n";
}

std::vector<std::string> ShortNames(const std::vector<std::string>& names) {
  // Ever more of "project/group@version:feature", until all differ.
  const auto feature = [](const std::string& name) { return name.substr(name.rfind(':') + 1); };
  const auto with_group = [&](const std::string& name) {
    const size_t slash = name.find('/');
    const std::string group = name.substr(slash + 1, name.find('@') - slash - 1);
    return group + ":" + feature(name);
  };
  const auto with_version = [](const std::string& name) { return name.substr(name.find('/') + 1); };
  const auto whole = [](const std::string& name) { return name; };
  const std::vector<std::function<std::string(const std::string&)>> forms = {feature, with_group,
                                                                             with_version, whole};
  for (const auto& form : forms) {
    std::vector<std::string> shortened;
    for (const std::string& name : names) shortened.push_back(form(name));
    const std::set<std::string> distinct(shortened.begin(), shortened.end());
    const std::set<std::string> all(names.begin(), names.end());
    if (distinct.size() == all.size()) return shortened;
  }
  return names;
}

}  // namespace tokura::cli
