#include "catalog/fields.h"

#include <algorithm>
#include <charconv>

#include "catalog/names.h"
#include "core/nearest.h"

namespace tokura::catalog {
namespace {

std::string_view KindName(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "text";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "";
}

std::string Expected(std::string_view what, const Node& node) {
  return "expected " + std::string(what) + ", got " + std::string(KindName(node));
}

template <typename T>
bool ParseNumber(const Node& node, T* number) {
  const char* end = node.text.data() + node.text.size();
  const auto [at, error] = std::from_chars(node.text.data(), end, *number);
  return node.kind == Node::Kind::kScalar && !node.quoted && error == std::errc() && at == end;
}

}  // namespace

Place Place::Field(std::string_view name) const {
  return {file, path.empty() ? std::string(name) : path + "." + std::string(name)};
}

Place Place::Item(size_t index) const { return {file, path + "[" + std::to_string(index) + "]"}; }

Status Place::Fault(int line, std::string_view message) const {
  std::string text = *file + ":" + std::to_string(line) + ": ";
  if (!path.empty()) text += path + ": ";
  return InvalidArgument(text.append(message));
}

FieldReader::FieldReader(Place place, const Node& node) : place_(std::move(place)), node_(node) {
  if (node_.kind != Node::Kind::kMap) {
    fault_ = place_.Fault(node_.line, Expected("a map of fields", node_));
    return;
  }
  for (size_t i = 0; i < node_.keys.size(); ++i) {
    const Node::Key& key = node_.keys[i];
    if (!index_.emplace(key.name, i).second && doubled_.ok()) {
      doubled_ = place_.Field(key.name).Fault(key.line, "doubled field");
    }
  }
}

const Node* FieldReader::Find(std::string_view field) {
  known_.emplace_back(field);
  const auto it = index_.find(field);
  if (it == index_.end()) return nullptr;
  const Node& node = node_.items[it->second];
  return node.kind == Node::Kind::kNull ? nullptr : &node;
}

const Node* FieldReader::Scalar(std::string_view field, std::string_view expected) {
  const Node* node = Find(field);
  if (node != nullptr && node->kind != Node::Kind::kScalar) {
    Fail(field, Expected(expected, *node));
    return nullptr;
  }
  return node;
}

const Node* FieldReader::Required(std::string_view field, std::string_view expected) {
  const Node* node = Scalar(field, expected);
  if (node == nullptr) Fail(field, "required field is missing");
  return node;
}

void FieldReader::Stick(Status status) {
  if (fault_.ok()) fault_ = std::move(status);
}

void FieldReader::Fail(std::string_view field, std::string_view message) {
  const auto it = index_.find(field);
  const int line = it == index_.end() ? node_.line : node_.items[it->second].line;
  Stick(place_.Field(field).Fault(line, message));
}

void FieldReader::Name(std::string_view field, std::string* out) {
  const Node* node = Required(field, "a name");
  if (node == nullptr) return;
  if (Status status = CheckName(node->text); !status.ok()) Fail(field, status.message());
  *out = node->text;
}

void FieldReader::ColumnName(std::string_view field, std::string* out) {
  Name(field, out);
  if (Status status = CheckColumnName(*out); !status.ok()) Fail(field, status.message());
}

void FieldReader::Text(std::string_view field, std::string* out) {
  if (const Node* node = Scalar(field, "text"); node != nullptr) *out = node->text;
}

void FieldReader::RequiredText(std::string_view field, std::string* out) {
  const Node* node = Required(field, "text");
  if (node == nullptr) return;
  if (node->text.empty()) Fail(field, "must not be empty");
  *out = node->text;
}

void FieldReader::Bool(std::string_view field, bool* out) {
  const Node* node = Scalar(field, "true or false");
  if (node == nullptr) return;
  if (node->quoted || (node->text != "true" && node->text != "false")) {
    return Fail(field, "expected true or false");
  }
  *out = node->text == "true";
}

void FieldReader::Number(std::string_view field, uint64_t min, uint64_t max, uint64_t* out) {
  const Node* node = Scalar(field, "a number");
  if (node == nullptr) return;
  uint64_t number = 0;
  if (!ParseNumber(*node, &number) || number < min || number > max) {
    return Fail(field, "expected a whole number from " + std::to_string(min) + " to " +
                           std::to_string(max));
  }
  *out = number;
}

void FieldReader::Duration(std::string_view field, std::optional<int64_t>* out) {
  const Node* node = Scalar(field, "a duration such as 6h");
  if (node == nullptr) return;
  Result<int64_t> duration = ParseDuration(node->text);
  if (!duration.ok()) return Fail(field, duration.status().message());
  *out = *duration;
}

void FieldReader::Tags(std::string_view field, std::map<std::string, std::string>* out) {
  const Node* node = Find(field);
  if (node == nullptr) return;
  const Place place = place_.Field(field);
  if (node->kind != Node::Kind::kMap) {
    return Stick(place.Fault(node->line, Expected("a map of texts", *node)));
  }
  for (size_t i = 0; i < node->keys.size(); ++i) {
    const auto& [name, line] = node->keys[i];
    const Place at = place.Field(name);
    if (name.empty()) return Stick(place.Fault(line, "a tag needs a name"));
    if (node->items[i].kind != Node::Kind::kScalar) {
      return Stick(at.Fault(line, Expected("text", node->items[i])));
    }
    if (!out->emplace(name, node->items[i].text).second) {
      return Stick(at.Fault(line, "doubled field"));
    }
  }
}

void FieldReader::Texts(std::string_view field, std::vector<std::string>* out) {
  Each(field, [out](const Place& place, const Node& node) {
    if (node.kind != Node::Kind::kScalar) return place.Fault(node.line, Expected("text", node));
    out->push_back(node.text);
    return OkStatus();
  });
}

void FieldReader::Numbers(std::string_view field, std::vector<uint32_t>* out) {
  Each(field, [out](const Place& place, const Node& node) {
    uint32_t number = 0;
    if (!ParseNumber(node, &number)) return place.Fault(node.line, "expected a whole number");
    out->push_back(number);
    return OkStatus();
  });
}

void FieldReader::TypeOf(std::string_view field, Type* out) {
  const Node* node = Required(field, "a type");
  if (node == nullptr) return;
  Result<Type> type = ParseType(node->text);
  if (!type.ok()) return Fail(field, type.status().message());
  *out = *type;
}

void FieldReader::Choice(std::string_view field, const std::vector<std::string>& choices,
                         size_t* out) {
  const Node* node = Scalar(field, "text");
  if (node == nullptr) return;
  const auto it = std::find(choices.begin(), choices.end(), node->text);
  if (it == choices.end()) {
    std::string expected = "expected";
    for (const std::string& choice : choices) {
      expected += (choice == choices.front() ? " '" : " or '") + choice + "'";
    }
    return Fail(field, expected);
  }
  *out = static_cast<size_t>(it - choices.begin());
}

void FieldReader::ValueOf(std::string_view field, const Type& type, std::optional<Value>* out) {
  const Node* node = Find(field);
  if (node == nullptr) return;
  Result<Value> value = ValueOfNode(*node, type);
  if (!value.ok()) return Fail(field, value.status().message());
  *out = std::move(*value);
}

void FieldReader::Each(std::string_view field,
                       const std::function<Status(const Place&, const Node&)>& read) {
  const Node* node = Find(field);
  if (node == nullptr) return;
  const Place place = place_.Field(field);
  if (node->kind != Node::Kind::kList) {
    return Stick(place.Fault(node->line, Expected("a list", *node)));
  }
  for (size_t i = 0; i < node->items.size() && fault_.ok(); ++i) {
    Stick(read(place.Item(i), node->items[i]));
  }
}

Status FieldReader::Finish() {
  TOKURA_RETURN_IF_ERROR(doubled_);
  for (const Node::Key& key : node_.keys) {
    if (std::find(known_.begin(), known_.end(), key.name) != known_.end()) continue;
    return place_.Field(key.name).Fault(key.line, "unknown field" + DidYouMean(key.name, known_));
  }
  return fault_;
}

}  // namespace tokura::catalog
