// Definitions' values as JSON, and as the text of a change. Internal to catalog/.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>

#include "core/value.h"

namespace tokura::catalog {

// As HTTP spells values; ValueOfNode reads it back. REQUIRES: a value of `type`.
boost::json::value ValueToJson(const Value& value, const Type& type);
boost::json::object TagsToJson(const std::map<std::string, std::string>& tags);

// As YAML would spell it: 10.0, "text", [1.5, 2.5], {source: noaa} in flow style.
std::string ValueText(const Value& value, const Type& type);
std::string TagsText(const std::map<std::string, std::string>& tags);

}  // namespace tokura::catalog
