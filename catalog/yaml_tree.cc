#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>

#include "catalog/tree.h"

namespace tokura::catalog {
namespace {

// Thrown through yaml-cpp, which has no other way to stop, and caught in ParseYamlTrees.
struct Stop {};

// yaml-cpp's events rather than its Node: no graph is built for what we would refuse anyway.
class Handler : public YAML::EventHandler {
 public:
  explicit Handler(TreeBuilder& builder) : builder_(builder) {}

  // At a stray bracket yaml-cpp makes one empty document after the other, and never moves on.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos <= document_pos_) Refuse(mark, "not YAML: nothing opens what is closed here");
    document_pos_ = mark.pos;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (builder_.expects_key()) Refuse(mark, "a field needs a name");
    StopUnless(builder_.Null(Line(mark)));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases are not supported; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    if (builder_.expects_key()) return StopUnless(builder_.Key(value, Line(mark)));
    // "?" is a plain scalar, "!" a quoted one.
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!quoted && !tag.empty() && tag != "?") Refuse(mark, "tags such as " + tag + " are refused");
    StopUnless(builder_.Scalar(value, quoted, Line(mark)));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Begin(Node::Kind::kList, mark);
  }
  void OnSequenceEnd() override { StopUnless(builder_.End()); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Begin(Node::Kind::kMap, mark);
  }
  void OnMapEnd() override { StopUnless(builder_.End()); }

 private:
  static int Line(const YAML::Mark& mark) { return mark.line + 1; }
  static void StopUnless(bool ok) {
    if (!ok) throw Stop();
  }
  void Refuse(const YAML::Mark& mark, std::string_view message) {
    StopUnless(builder_.Fail(Line(mark), message));
  }
  void Begin(Node::Kind kind, const YAML::Mark& mark) {
    if (builder_.expects_key()) Refuse(mark, "the name of a field must be text");
    StopUnless(builder_.Begin(kind, Line(mark)));
  }

  TreeBuilder& builder_;
  int document_pos_ = -1;  // where the document under construction begins
};

}  // namespace

Result<std::vector<Node>> ParseYamlTrees(const std::string& name, std::string_view text,
                                         const TreeLimits& limits) {
  TreeBuilder builder(name, limits);
  Handler handler(builder);
  std::vector<Node> documents;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
      Node document = builder.Take();
      if (document.kind == Node::Kind::kNull) continue;
      documents.push_back(std::move(document));
      if (documents.size() > limits.nodes_max) break;
    }
  } catch (const Stop&) {
    return builder.status();
  } catch (const YAML::Exception& e) {
    return InvalidArgument(name + ":" + std::to_string(e.mark.line + 1) + ": not YAML: " + e.msg);
  } catch (const std::exception& e) {
    return InvalidArgument(name + ": not YAML: " + e.what());
  }
  return documents;
}

}  // namespace tokura::catalog
