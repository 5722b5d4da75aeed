// The JSON of each definition, as documents spell it: shared by GET /v1/definitions, `describe` and
// the catalog's files. Internal to catalog/. The reader of the same fields is spec_reader.h.
#pragma once

#include <boost/json/object.hpp>

#include "core/schema.h"

namespace tokura::catalog {

boost::json::object EntityToJson(const Entity& entity);
boost::json::object FeatureToJson(const Feature& feature);
// All but the features; the entity by name.
boost::json::object GroupToJson(const FeatureGroup& group);
// The references as written.
boost::json::object ServiceToJson(const FeatureService& service);

}  // namespace tokura::catalog
