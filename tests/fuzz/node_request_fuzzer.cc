// Requests to a node as bytes, through its real handlers. It answers each one, never blames itself,
// and what it accepted is in the change feed as sent and reads as the fold of the feed. The input
// is a run of requests: method u8, length u16, body.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/plan.h"
#include "core/bytes.h"
#include "core/key_codec.h"
#include "core/record.h"
#include "core/row.h"
#include "node/node.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/channel.h"
#include "tests/core/oracle.h"
#include "tests/fuzz/gateway_world.h"

namespace {

using namespace tokura;

class FixedDefinitions final : public catalog::DefinitionsSource {
 public:
  FixedDefinitions() {
    auto specs = catalog::ParseDefinitions({{"shop.yaml", fuzz::kDefinitions}});
    current_ = catalog::MakePlan(catalog::Definitions(), *specs)->next;
  }
  std::shared_ptr<const catalog::Definitions> Current() const override { return current_; }

 private:
  std::shared_ptr<const catalog::Definitions> current_;
};

class NodeWorld {
 public:
  NodeWorld() {
    node::NodeOptions options;
    options.directory = "/node";
    options.view.view.wait_for_compaction = true;
    options.listen = runtime::Address{"127.0.0.1", 7401};
    node::NodeRuntime runtime{{&process_.executor()}, &process_.transport(), &world_.clock(),
                              &process_.files(),      &process_.blocking(),  metrics_.get(),
                              logger_.get()};
    node_ = std::make_unique<node::Node>(options, runtime, definitions_,
                                         [](const Status&) { TOKURA_CHECK(false); });
    TOKURA_CHECK(fuzz::Await(world_, process_, node_->Start()).ok());
    channel_ = std::make_unique<runtime::rpc::RpcChannel>(client_.executor(), client_.transport(),
                                                          options.listen);
  }
  ~NodeWorld() {
    client_.Crash();
    process_.Crash();
  }

  // Appends something, so that what was learned of it must not outlive this input.
  bool changed() const { return !accepted_.empty(); }
  int64_t now_us() { return world_.clock().NowUs(); }

  void Send(uint8_t method, const std::string& body) {
    const Result<std::string> answer = Call(method, body);
    if (!answer.ok()) {
      const Code code = answer.status().code();
      TOKURA_CHECK(code != Code::kInternal && code != Code::kCorrupt);
      return;
    }
    if (method == v1::NODE_APPEND) Remember(body, *answer);
  }

  // The feed holds exactly what was accepted, and rows are its fold.
  void CheckAccepted() {
    v1::NodeWatchRequest request;
    request.set_bytes_max(4 << 20);
    const Result<std::string> answer = Call(v1::NODE_WATCH, request.SerializeAsString());
    v1::NodeWatchResponse feed;
    TOKURA_CHECK(answer.ok() && feed.ParseFromString(*answer) && feed.at_end());
    TOKURA_CHECK(static_cast<size_t>(feed.records_size()) == accepted_.size());
    std::map<std::string, std::vector<Record>> rows;
    std::multiset<std::string> bodies(accepted_.begin(), accepted_.end());
    for (const auto& logged : feed.records()) {
      const auto at = bodies.find(logged.body());
      TOKURA_CHECK(at != bodies.end());
      bodies.erase(at);
      const Result<Record> record = DecodeRecord(logged.body());
      TOKURA_CHECK(record.ok());
      if (record->stores != Stores::kOffline) rows[record->key].push_back(*record);
    }
    for (const auto& [key, records] : rows) CheckRow(key, records);
  }

 private:
  Result<std::string> Call(uint8_t method, const std::string& body) {
    return fuzz::Await(world_, client_, channel_->Call(method, body, std::chrono::seconds(40)));
  }

  void Remember(const std::string& body, const std::string& answer) {
    v1::NodeAppendRequest request;
    v1::NodeAppendResponse response;
    TOKURA_CHECK(request.ParseFromString(body) && response.ParseFromString(answer));
    TOKURA_CHECK(request.records_size() == response.results_size());
    for (int i = 0; i < request.records_size(); ++i) {
      TOKURA_CHECK(response.results(i).code() != static_cast<uint32_t>(Code::kInternal));
      if (response.results(i).code() == 0) accepted_.push_back(request.records(i));
    }
  }

  void CheckRow(const std::string& key, const std::vector<Record>& records) {
    const FeatureGroup* group = definitions_.Current()->FindGroup(*RowKeyGroup(key));
    TOKURA_CHECK(group != nullptr);
    if (!group->online) return;
    Oracle oracle(*group);
    for (const Record& record : records) oracle.Add(record);
    v1::NodeReadRequest request;
    auto* read = request.add_reads();
    read->set_group(group->id.value);
    read->set_keys(key);
    read->add_key_ends(static_cast<uint32_t>(key.size()));
    std::vector<const Feature*> features;
    for (const Feature& feature : group->features) {
      if (!feature.online) continue;
      features.push_back(&feature);
      read->add_features(feature.id.value);
    }
    const Result<std::string> answer = Call(v1::NODE_READ, request.SerializeAsString());
    v1::NodeReadResponse response;
    TOKURA_CHECK(answer.ok() && response.ParseFromString(*answer));
    TOKURA_CHECK(response.reads_size() == 1);
    TOKURA_CHECK(response.reads(0).features_size() == static_cast<int>(features.size()));
    for (size_t f = 0; f < features.size(); ++f) {
      const OracleAnswer expected = oracle.Read(*features[f], now_us(), std::nullopt);
      const std::string& statuses = response.reads(0).features(static_cast<int>(f)).statuses();
      TOKURA_CHECK(statuses.size() == 1 && static_cast<ReadStatus>(statuses[0]) == expected.status);
    }
  }

  FixedDefinitions definitions_;
  runtime::sim::SimWorld world_{1};
  runtime::sim::SimProcess& process_ = world_.AddProcess("node");
  runtime::sim::SimProcess& client_ = world_.AddProcess("client");
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<runtime::rpc::RpcChannel> channel_;
  std::vector<std::string> accepted_;  // canonical records
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<NodeWorld> world;
  if (world == nullptr) world = std::make_unique<NodeWorld>();
  ByteReader reader({reinterpret_cast<const char*>(data), size});
  uint8_t method = 0;
  uint16_t length = 0;
  for (int requests = 0; requests < 8 && reader.U8(&method) && reader.U16(&length); ++requests) {
    std::string_view body;
    if (!reader.Take(std::min<size_t>(length, reader.rest().size()), &body)) break;
    if (method < 64) method = static_cast<uint8_t>(v1::NODE_READ + method % 6);
    world->Send(method, std::string(body));
  }
  if (!world->changed()) return 0;
  world->CheckAccepted();
  world.reset();
  return 0;
}
