// Counts: what became of rows that were written, as put, delete and import report it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/program/console.h"
#include "cli/program/exit_code.h"
#include "client/json_value.h"
#include "core/position_vector.h"
#include "core/status.h"

namespace tokura::cli {

struct Reject {
  uint64_t line = 0;
  Status why;
};

// Handlers count the records of a request, people the rows of a file: "records[3].values.temp: ..."
// becomes "temp: ...".
Status AboutRow(const Status& result);

class Counts {
 public:
  // Rejects beyond this many are counted, not kept.
  static constexpr size_t kRejectsMax = 1'000;

  void Accept(uint64_t rows = 1) { accepted_ += rows; }
  // `status` is a row's result: OK, UNKNOWN_OUTCOME, or why it was rejected.
  void Add(uint64_t line, const Status& status);
  // Joins the token of an answer; an empty one is none.
  void AddToken(const std::string& token);
  void Add(const Counts& other);
  // Takes the token, the rejected and the unknown ones of writes that were no rows of their own.
  void AddOutcome(Counts other);
  // So many of the accepted rows were there already.
  void AddRepeated(uint64_t rows) { repeated_ += rows; }

  uint64_t accepted() const { return accepted_; }
  uint64_t rejected() const { return rejected_; }
  uint64_t unknown() const { return unknown_; }
  uint64_t repeated() const { return repeated_; }
  uint64_t rows() const { return accepted_ + rejected_ + unknown_; }
  const std::vector<Reject>& rejects() const { return rejects_; }
  std::string token() const;
  // The members "accepted" to "token" of a JSON object that `json` is inside of.
  void AppendJson(client::JsonWriter* json) const;
  // "accepted 1,000 rows, rejected 2"; with the token on a line of its own.
  std::string ToText(const std::string& verb) const;
  // The first few rejects on standard error, for people; `where` precedes "line 7".
  void NoteRejects(Console& console, const std::string& where = "") const;
  // kDone, or kDifference when rows were rejected or may not have been written.
  Exit exit() const;

 private:
  uint64_t accepted_ = 0;
  uint64_t rejected_ = 0;
  uint64_t unknown_ = 0;
  uint64_t repeated_ = 0;
  std::vector<Reject> rejects_;
  PositionVector tokens_;
  std::string foreign_token_;  // one that is no position vector: the last is kept
};

}  // namespace tokura::cli
