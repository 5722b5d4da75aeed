// Values as messages: for scans, whose rows are sparse.
#pragma once

#include "core/value.h"
#include "proto/common.pb.h"

namespace tokura::node {

void ToProto(const Value& value, v1::Value* out);

}  // namespace tokura::node
