// FieldReader: reads the fields of one map of a definition document, and refuses what it was not
// asked for. The first fault sticks, so a reader asks for every field and looks once, at the end:
//
//   FieldReader reader(place, node);
//   reader.Name("name", &spec.name);
//   reader.Bool("online", &spec.online);
//   TOKURA_RETURN_IF_ERROR(reader.Finish());
//
// A field that is absent or null leaves its target as it was. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/tree.h"
#include "core/status.h"
#include "core/value.h"

namespace tokura::catalog {

// Where a node stands, for messages: "features.yaml:12: feature_groups[0].features[2]: ...".
struct Place {
  const std::string* file;  // outlives the place
  std::string path;         // empty at the top

  Place Field(std::string_view name) const;
  Place Item(size_t index) const;
  Status Fault(int line, std::string_view message) const;
};

class FieldReader {
 public:
  // `node` outlives the reader.
  FieldReader(Place place, const Node& node);

  void Name(std::string_view field, std::string* out);        // required; CheckName
  void ColumnName(std::string_view field, std::string* out);  // required; CheckColumnName
  void Text(std::string_view field, std::string* out);
  void RequiredText(std::string_view field, std::string* out);  // and not empty
  void Bool(std::string_view field, bool* out);
  void Number(std::string_view field, uint64_t min, uint64_t max, uint64_t* out);
  void Duration(std::string_view field, std::optional<int64_t>* out);  // "6h", into µs
  void Tags(std::string_view field, std::map<std::string, std::string>* out);
  void Texts(std::string_view field, std::vector<std::string>* out);
  void Numbers(std::string_view field, std::vector<uint32_t>* out);
  void TypeOf(std::string_view field, Type* out);  // required
  // One of `choices`, as its index.
  void Choice(std::string_view field, const std::vector<std::string>& choices, size_t* out);
  // A value of `type`, spelled as JSON or YAML does.
  void ValueOf(std::string_view field, const Type& type, std::optional<Value>* out);
  // Calls `read` with each item of a list.
  void Each(std::string_view field, const std::function<Status(const Place&, const Node&)>& read);
  // True if the field is there and not null.
  bool Has(std::string_view field) { return Find(field) != nullptr; }
  // Records a fault at `field`.
  void Fail(std::string_view field, std::string_view message);

  // A doubled field, else an unknown one, else the first fault.
  Status Finish();

 private:
  const Node* Find(std::string_view field);
  const Node* Scalar(std::string_view field, std::string_view expected);
  const Node* Required(std::string_view field, std::string_view expected);
  void Stick(Status status);

  Place place_;
  const Node& node_;
  std::vector<std::string> known_;
  std::map<std::string_view, size_t> index_;
  Status doubled_;
  Status fault_;
};

// The value that a node spells, if its feature is of `type`: plain scalars become booleans and
// numbers as YAML reads them, quoted ones text; then Coerce with Syntax::kJson.
Result<Value> ValueOfNode(const Node& node, const Type& type);

}  // namespace tokura::catalog
