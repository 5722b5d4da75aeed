// The answers of GetFeatures as table, JSON or CSV. A lookup of many keys is answered in pages.
#pragma once

#include <string>
#include <vector>

#include "cli/key_rows.h"
#include "client/api.h"

namespace tokura::cli {

using AnswerPages = std::vector<client::GetFeaturesResponse>;

// "39.02", "NULL", "-" for not found, "10 (default)", "expired", "stale", "unknown", "denied".
std::string AnswerCell(const client::FeatureAnswer& answer, size_t row);

// REQUIRES: the pages cover the rows of `keys`, in order, with the same features.
std::string AnswersTable(const KeyRows& keys, const AnswerPages& pages, bool event_times);
std::string AnswersCsv(const KeyRows& keys, const AnswerPages& pages, bool event_times);
std::string AnswersJson(const AnswerPages& pages, bool event_times);  // as HTTP answers

// "flights/weather@1:temp" as short as it stays unlike the others: "temp", "weather:temp", …
std::vector<std::string> ShortNames(const std::vector<std::string>& names);

}  // namespace tokura::cli
