#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <string>

#include "catalog/tree.h"

namespace tokura::catalog {
namespace {

// Thrown through yaml-cpp, which has no other way to stop, and caught in ParseYamlTrees.
struct Stop {};

// yaml-cpp holds a whole flow collection, as tokens of a hundred times its size, before it tells of
// its beginning, and only then could a bracket too many be refused. Nothing sound comes close.
constexpr size_t kUntoldBytesMax = 256 << 10;

// The text, which ends early if yaml-cpp reads on for too long without telling anything.
class Source : public std::streambuf {
 public:
  explicit Source(std::string_view text) : rest_(text) {}
  void Told() { untold_bytes_ = 0; }
  bool starved() const { return starved_; }

 protected:
  int_type underflow() override {
    const size_t n = std::min(rest_.size(), kBlockBytes);
    untold_bytes_ += n;
    starved_ = starved_ || untold_bytes_ > kUntoldBytesMax;
    if (n == 0 || starved_) return traits_type::eof();
    // Read only: no put area is ever set, and nothing is put back that differs.
    char* begin = const_cast<char*>(rest_.data());
    setg(begin, begin, begin + n);
    rest_.remove_prefix(n);
    return traits_type::to_int_type(*begin);
  }

 private:
  static constexpr size_t kBlockBytes = 4 << 10;
  std::string_view rest_;
  size_t untold_bytes_ = 0;
  bool starved_ = false;
};

// yaml-cpp's events rather than its Node: no graph is built for what we would refuse anyway.
class Handler : public YAML::EventHandler {
 public:
  Handler(TreeBuilder& builder, Source& source) : builder_(builder), source_(source) {}

  // At a stray bracket yaml-cpp makes one empty document after the other, and never moves on.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos <= document_pos_) Refuse(mark, "not YAML: nothing opens what is closed here");
    document_pos_ = mark.pos;
    source_.Told();
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
  // The end of every event.
  void StopUnless(bool ok) {
    if (!ok) throw Stop();
    source_.Told();
  }
  void Refuse(const YAML::Mark& mark, std::string_view message) {
    StopUnless(builder_.Fail(Line(mark), message));
  }
  void Begin(Node::Kind kind, const YAML::Mark& mark) {
    if (builder_.expects_key()) Refuse(mark, "the name of a field must be text");
    StopUnless(builder_.Begin(kind, Line(mark)));
  }

  TreeBuilder& builder_;
  Source& source_;
  int document_pos_ = -1;  // where the document under construction begins
};

}  // namespace

namespace {

Result<std::vector<Node>> ParseSource(const std::string& name, Source& source,
                                      const TreeLimits& limits) {
  TreeBuilder builder(name, limits);
  Handler handler(builder, source);
  std::vector<Node> documents;
  try {
    std::istream stream(&source);
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

}  // namespace

Result<std::vector<Node>> ParseYamlTrees(const std::string& name, std::string_view text,
                                         const TreeLimits& limits) {
  Source source(text);
  Result<std::vector<Node>> documents = ParseSource(name, source, limits);
  if (!source.starved()) return documents;
  return ResourceExhausted(name + ": a flow collection ([...] or {...}), text or comment of more " +
                           "than " + std::to_string(kUntoldBytesMax) +
                           " bytes; write it in block style, or split it");
}

}  // namespace tokura::catalog
