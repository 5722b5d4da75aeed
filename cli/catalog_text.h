// The catalog as people read it: what list, search and describe print.
#pragma once

#include <string>

#include "catalog/definitions.h"
#include "client/json_value.h"

namespace tokura::cli {

// Tables of entities, groups and services from the JSON of `list`.
std::string ListText(const client::Json& list);

// One object of `describe`: its fields, then its features as a table.
std::string DescribeText(const client::Json& object);

}  // namespace tokura::cli
