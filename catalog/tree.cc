#include "catalog/tree.h"

#include <utility>

#include "core/value.h"

namespace tokura::catalog {

bool TreeBuilder::Fail(int line, std::string_view message) {
  if (status_.ok()) {
    status_ = InvalidArgument(name_ + ":" + std::to_string(line) + ": " + std::string(message));
  }
  return false;
}

bool TreeBuilder::Add(Node node) {
  if (!status_.ok()) return false;
  if (++nodes_ > limits_.nodes_max) {
    status_ = ResourceExhausted(name_ + ": more than " + std::to_string(limits_.nodes_max) +
                                " values in one text; split it");
    return false;
  }
  if (open_.empty()) {
    root_ = std::move(node);
  } else {
    open_.back().items.push_back(std::move(node));
  }
  return true;
}

bool TreeBuilder::Scalar(std::string text, bool quoted, int line) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.line = line;
  node.text = std::move(text);
  node.quoted = quoted;
  return Add(std::move(node));
}

bool TreeBuilder::Null(int line) {
  Node node;
  node.line = line;
  return Add(std::move(node));
}

bool TreeBuilder::Begin(Node::Kind kind, int line) {
  if (!status_.ok()) return false;
  if (open_.size() >= limits_.depth_max) {
    status_ =
        ResourceExhausted(name_ + ":" + std::to_string(line) + ": nested more than " +
                          std::to_string(limits_.depth_max) + " deep, which no definition needs");
    return false;
  }
  Node node;
  node.kind = kind;
  node.line = line;
  open_.push_back(std::move(node));
  return true;
}

bool TreeBuilder::End() {
  if (!status_.ok()) return false;
  Node node = std::move(open_.back());
  open_.pop_back();
  return Add(std::move(node));
}

bool TreeBuilder::Key(std::string name, int line) {
  if (!status_.ok()) return false;
  open_.back().keys.push_back({std::move(name), line});
  return true;
}

bool TreeBuilder::expects_key() const {
  return !open_.empty() && open_.back().kind == Node::Kind::kMap &&
         open_.back().keys.size() == open_.back().items.size();
}

Node TreeBuilder::Take() {
  nodes_ = 0;
  return std::exchange(root_, Node());
}

Result<std::vector<Node>> ParseTrees(const std::string& name, std::string_view text,
                                     const TreeLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return ResourceExhausted(name + ": " + std::to_string(text.size()) + " bytes, at most " +
                             std::to_string(limits.bytes_max) + " are allowed; split it");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  if (!IsValidUtf8(text) || text.find('\0') != std::string_view::npos) {
    return InvalidArgument(name + ": not UTF-8 text");
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    return ParseYamlTrees(name, text, limits);
  }
  TOKURA_ASSIGN_OR_RETURN(Node node, ParseJsonTree(name, text, limits));
  std::vector<Node> nodes;
  nodes.push_back(std::move(node));
  return nodes;
}

}  // namespace tokura::catalog
