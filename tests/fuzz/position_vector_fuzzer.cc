// Position vectors and session tokens of any bytes: what is accepted encodes to the same bytes, and
// joining, meeting and covering keep the laws of a lattice. Scan cursors beside them, which are
// tokens of the same kind. The first byte says where the input is cut in two.
#include "core/bytes.h"
#include "core/position_vector.h"
#include "router/scan_cursor.h"
#include "router/session_token.h"

namespace {

using tokura::PositionVector;
using tokura::Result;

void CheckLaws(const PositionVector& a, const PositionVector& b) {
  PositionVector join = a;
  join.JoinWith(b);
  PositionVector other_join = b;
  other_join.JoinWith(a);
  TOKURA_CHECK(join == other_join && join.Covers(a) && join.Covers(b));
  PositionVector meet = a;
  meet.MeetWith(b);
  PositionVector other_meet = b;
  other_meet.MeetWith(a);
  TOKURA_CHECK(meet == other_meet && a.Covers(meet) && b.Covers(meet));
  TOKURA_CHECK(a.Covers(b) == (join == a) && a.Covers(b) == (meet == b));
  PositionVector again = meet;
  again.JoinWith(a);
  TOKURA_CHECK(again == a);
}

Result<PositionVector> Check(std::string_view bytes) {
  Result<PositionVector> vector = PositionVector::Decode(bytes);
  if (!vector.ok()) return vector;
  TOKURA_CHECK(vector->Encode() == bytes);
  TOKURA_CHECK(*PositionVector::FromToken(vector->ToToken()) == *vector);
  const auto token = tokura::router::ToUserToken(std::string(bytes));
  TOKURA_CHECK(token.ok() && token->empty() == vector->empty());
  return vector;
}

void CheckToken(std::string_view text) {
  const Result<PositionVector> vector = PositionVector::FromToken(text);
  const auto joined = tokura::router::JoinTokens({std::string(text)});
  TOKURA_CHECK(text.empty() || joined.ok() == vector.ok());
  if (!vector.ok()) return;
  TOKURA_CHECK(*PositionVector::FromToken(vector->ToToken()) == *vector);
  TOKURA_CHECK(joined->empty() ? vector->empty() : *PositionVector::Decode(*joined) == *vector);
}

void CheckCursor(std::string_view text, std::string_view prefix) {
  const Result<std::string> key = tokura::router::DecodeCursor(text, prefix);
  if (!key.ok()) return;
  TOKURA_CHECK(key->starts_with(prefix));
  TOKURA_CHECK(*tokura::router::DecodeCursor(tokura::router::EncodeCursor(*key), prefix) == *key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = std::min<size_t>(data[0], input.size());
  const std::string_view first = input.substr(0, cut);
  const std::string_view second = input.substr(cut);
  const Result<PositionVector> a = Check(first);
  const Result<PositionVector> b = Check(second);
  if (a.ok() && b.ok()) {
    CheckLaws(*a, *b);
    const std::string one(first);
    const std::string two(second);
    TOKURA_CHECK(*tokura::router::VectorCovers(one, two) == a->Covers(*b));
    PositionVector join = *a;
    join.JoinWith(*b);
    TOKURA_CHECK(*tokura::router::JoinVectors({one, two}) == join.Encode());
  }
  CheckToken(first);
  CheckToken(second);
  CheckCursor(first, second);
  CheckCursor(second, first.substr(0, 4));
  return 0;
}
