#include "router/session_token.h"

#include "core/position_vector.h"

namespace tokura::router {
namespace {

Result<PositionVector> FromNode(const std::string& vector) {
  if (vector.empty()) return PositionVector();
  Result<PositionVector> decoded = PositionVector::Decode(vector);
  if (!decoded.ok()) return Internal("position vector: " + decoded.status().message());
  return decoded;
}

}  // namespace

Result<std::string> JoinTokens(const std::vector<std::string>& tokens) {
  PositionVector joined;
  for (const std::string& token : tokens) {
    const Result<PositionVector> vector = PositionVector::FromToken(token);
    if (!vector.ok()) {
      return InvalidArgument("token: not one that Tokura gave: " + vector.status().message());
    }
    joined.JoinWith(*vector);
  }
  return joined.empty() ? std::string() : joined.Encode();
}

Result<std::string> JoinVectors(const std::vector<std::string>& vectors) {
  PositionVector joined;
  for (const std::string& vector : vectors) {
    TOKURA_ASSIGN_OR_RETURN(const PositionVector decoded, FromNode(vector));
    joined.JoinWith(decoded);
  }
  return joined.Encode();
}

Result<std::string> ToUserToken(const std::string& vector) {
  TOKURA_ASSIGN_OR_RETURN(const PositionVector decoded, FromNode(vector));
  return decoded.empty() ? std::string() : decoded.ToToken();
}

Result<bool> VectorCovers(const std::string& held, const std::string& wanted) {
  TOKURA_ASSIGN_OR_RETURN(const PositionVector have, FromNode(held));
  TOKURA_ASSIGN_OR_RETURN(const PositionVector want, FromNode(wanted));
  return have.Covers(want);
}

}  // namespace tokura::router
