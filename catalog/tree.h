// Tree: a definition document before it has a meaning, whether it came as YAML or as JSON. The
// parsers bound what they build and refuse aliases, so a small text cannot become a large tree.
//
//   text --ParseTrees--> Node --FieldReader (fields.h)--> specs
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.h"
#include "core/status.h"

namespace tokura::catalog {

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Key {
    std::string name;
    int line = 0;
  };

  Kind kind = Kind::kNull;
  int line = 0;             // from 1
  std::string text;         // of a scalar, as spelled, escapes resolved
  bool quoted = false;      // a scalar that is text whatever it looks like
  std::vector<Key> keys;    // of a map: the name of each item, doubled ones too
  std::vector<Node> items;  // of a list or map
};

struct TreeLimits {
  size_t bytes_max = 4 << 20;
  size_t nodes_max = 500'000;
  size_t depth_max = kNestingMax;
};

// The documents of a text: JSON (one) if it begins with '{', else YAML; empty documents are left
// out. INVALID_ARGUMENT ("features.yaml:12: ...") if it is malformed, RESOURCE_EXHAUSTED over a
// limit.
Result<std::vector<Node>> ParseTrees(const std::string& name, std::string_view text,
                                     const TreeLimits& limits = {});

// The two parsers behind ParseTrees. REQUIRES: valid UTF-8 within limits.bytes_max.
Result<std::vector<Node>> ParseYamlTrees(const std::string& name, std::string_view text,
                                         const TreeLimits& limits);
Result<Node> ParseJsonTree(const std::string& name, std::string_view text,
                           const TreeLimits& limits);

// What both parsers feed: puts nodes together and counts them. The first fault sticks.
class TreeBuilder {
 public:
  TreeBuilder(const std::string& name, const TreeLimits& limits) : name_(name), limits_(limits) {}

  // Each returns false once there was a fault.
  bool Scalar(std::string text, bool quoted, int line);
  bool Null(int line);
  bool Begin(Node::Kind kind, int line);
  bool End();
  bool Key(std::string name, int line);  // of the map under construction
  // YAML does not tell keys from values: true if the next node is a key.
  bool expects_key() const;
  bool Fail(int line, std::string_view message);

  const Status& status() const { return status_; }
  // REQUIRES: status is OK and every Begin had its End.
  Node Take();

 private:
  bool Add(Node node);

  const std::string& name_;
  TreeLimits limits_;
  Status status_;
  size_t nodes_ = 0;
  std::vector<Node> open_;  // from the root down to the container under construction
  Node root_;
};

}  // namespace tokura::catalog
