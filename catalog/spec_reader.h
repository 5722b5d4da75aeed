// The fields of each definition, read from a tree: shared by the documents people write and by the
// catalog's own files, which hold the same fields and ids beside them. Internal to catalog/.
#pragma once

#include "catalog/fields.h"
#include "catalog/spec.h"

namespace tokura::catalog {

// Each asks `reader` for its fields; the caller finishes the reader.
void ReadEntityFields(FieldReader& reader, Entity* entity);
void ReadFeatureFields(FieldReader& reader, FeatureSpec* feature);
// All but the features.
void ReadGroupFields(FieldReader& reader, FeatureGroupSpec* group);
void ReadServiceFields(FieldReader& reader, FeatureServiceSpec* service);

}  // namespace tokura::catalog
