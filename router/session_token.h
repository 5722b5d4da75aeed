// Session tokens: position vectors as users hold them. Kept behind plain strings, so that this is
// the one file of the router that knows what a token is.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"

namespace tokura::router {

// The join of user tokens as one encoded vector; "" if there are none. INVALID_ARGUMENT if one is
// malformed.
Result<std::string> JoinTokens(const std::vector<std::string>& tokens);
// The join of encoded vectors, encoded. INTERNAL if one is malformed: they come from nodes.
Result<std::string> JoinVectors(const std::vector<std::string>& vectors);
// An encoded vector as a user token; "" for an empty one.
Result<std::string> ToUserToken(const std::string& vector);
// Whether `held` covers `wanted`, both encoded.
Result<bool> VectorCovers(const std::string& held, const std::string& wanted);

}  // namespace tokura::router
