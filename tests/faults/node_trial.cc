#include "tests/faults/node_trial.h"

#include <algorithm>
#include <utility>

#include "client/wire_proto.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "proto/api.pb.h"

namespace tokura::faults {
namespace {

using runtime::DiskFault;
using runtime::Task;
using namespace std::chrono_literals;

constexpr char kCatalog[] = "/data/catalog";
constexpr char kNode[] = "/data/n1";
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kHourUs = 3600 * kSecondUs;

// The definitions, grown step by step.
std::string Definitions(size_t step) {
  std::string text = R"(
project: shop
entities:
  - {name: user, keys: [{name: id, type: string}]}
  - {name: visit, keys: [{name: id, type: string}, {name: n, type: int64}], partition_keys: [id]}
feature_groups:
  - name: profile
    entity: user
    owner: me
    features:
      - {name: age, type: int32}
      - {name: name, type: string}
      - {name: score, type: float64, ttl: 1h}
)";
  if (step >= 1) text += "      - {name: extra, type: int64}\n";
  text += R"(  - name: visits
    entity: visit
    owner: me
    merge: record
    features:
      - {name: page, type: string}
      - {name: ms, type: int64}
)";
  if (step >= 2) text += "      - {name: note, type: string}\n";
  if (step >= 3)
    text += "  - {name: late, entity: user, owner: me, features: [{name: x, type: int64}]}\n";
  return text;
}
constexpr size_t kSteps = 4;

template <typename T>
Task<void> Store(Task<T> task, std::shared_ptr<std::optional<T>> value) {
  T result = co_await task;
  value->emplace(std::move(result));
}
Task<bool> Done(Task<void> task) {
  co_await task;
  co_return true;
}

std::vector<const Feature*> OnlineFeatures(const FeatureGroup& group) {
  std::vector<const Feature*> features;
  for (const Feature& feature : group.features) {
    if (!feature.dropped && feature.online) features.push_back(&feature);
  }
  return features;
}

}  // namespace

NodeTrial::NodeTrial(TrialOptions options)
    : options_(options),
      random_(options.seed),
      world_(options.seed),
      machine_(world_.AddProcess("machine", "n1")),
      process_(world_.AddProcess("node", "n1")),
      second_(world_.AddProcess("second thread", "n1")),
      client_(world_.AddProcess("client")),
      transport_(process_.transport(), process_.executor()),
      files_(process_.files()) {
  files_.Inject(options.fault, options.call, options.seed * 7919 + options.call);
}

NodeTrial::~NodeTrial() {
  client_.Crash();
  second_.Crash();
  process_.Crash();
}

std::string NodeTrial::Run() {
  for (int life = 0; life < options_.lives && wrong_.empty(); ++life) {
    if (Begin()) Operate();
    Finish(static_cast<End>(Draw(3)));
    if (!files_.reached()) continue;
    Heal();
    if (!std::exchange(reached_, true) && options_.twice) {
      files_.Inject(options_.fault, Draw(60), random_());
      healed_ = false;
    }
  }
  // The machine is well again, for good.
  reached_ = reached_ || files_.reached();
  Heal();
  if (wrong_.empty() && Begin()) world_.RunFor(2s);
  Finish(End::kPowerCut);
  if (wrong_.empty() && Begin()) Put();
  Finish(End::kStop);
  return wrong_;
}

void NodeTrial::Heal() {
  files_.Heal();
  healed_ = true;
}

bool NodeTrial::Begin() {
  Status status = OpenCatalog();
  if (status.ok()) status = StartNode();
  if (!status.ok()) {
    Judge("start", status);
    return false;
  }
  if (!over()) CheckEverything();
  return !over();
}

Status NodeTrial::OpenCatalog() {
  Result<std::unique_ptr<catalog::FileCatalog>> opened =
      catalog::FileCatalog::Open(files_, kCatalog);
  if (!opened.ok()) return opened.status();
  catalog_ = std::move(*opened);
  if (catalog_->Current()->revision.value < revision_) {
    Wrong("revision " + std::to_string(revision_) + " of the definitions was lost");
  }
  if (catalog_->Current()->revision.value == 0) {
    const auto plan = catalog_->Apply({{"shop.yaml", Definitions(0)}}, {});
    if (!plan.ok()) return plan.status();
  }
  TOKURA_RETURN_IF_ERROR(FindStep());
  revision_ = catalog_->Current()->revision.value;
  return OkStatus();
}

// Which definitions are there: those applied last, or the next, whose apply did not return.
Status NodeTrial::FindStep() {
  for (size_t step = defined_ == 0 ? 0 : defined_ - 1; step < std::min(defined_ + 1, kSteps);
       ++step) {
    catalog::ApplyOptions dry_run;
    dry_run.dry_run = dry_run.allow_destroy = true;
    const auto plan = catalog_->Apply({{"shop.yaml", Definitions(step)}}, dry_run);
    if (!plan.ok()) return plan.status();
    if (!plan->changes.empty()) continue;
    defined_ = step + 1;
    return OkStatus();
  }
  Wrong("the definitions are none of those that were applied");
  return OkStatus();
}

Status NodeTrial::StartNode() {
  node::NodeOptions options;
  options.directory = kNode;
  options.listen = runtime::Address{"127.0.0.1", 7401};
  options.durability = options_.durability;
  // Few rows stay in memory, and the view is written all the time.
  options.row_memory_bytes = 64 << 10;
  options.view.flush_interval = 300ms;
  options.view.view.write_buffer_bytes = 64 << 10;
  options.view.view.wait_for_compaction = true;
  node::NodeRuntime runtime;
  runtime.threads = {&process_.executor(), &second_.executor()};
  runtime.transport = &transport_;
  runtime.clock = &world_.clock();
  runtime.files = &files_;
  runtime.blocking = &process_.blocking();
  runtime.metrics = metrics_.get();
  runtime.logger = logger_.get();
  node_ = std::make_unique<node::Node>(options, runtime, *catalog_, [this](const Status&) {
    if (!failed_us_) failed_us_ = world_.clock().NowUs();
  });
  const std::optional<Status> started = Await(process_, node_->Start());
  if (!started || !started->ok()) return started ? *started : OkStatus();
  channel_ = std::make_unique<runtime::rpc::RpcChannel>(client_.executor(), client_.transport(),
                                                        options.listen);
  return OkStatus();
}

void NodeTrial::Operate() {
  int after_failure = 0;
  for (int i = 0; i < options_.operations && !over() && after_failure < 3; ++i) {
    switch (Draw(12)) {
      case 0:
        world_.RunFor(2s);
        break;
      case 1:
        Define();
        break;
      case 2:
      case 3:
        Delete();
        break;
      case 4:
      case 5:
        ReadOne();
        break;
      default:
        Put();
    }
    // The program would exit; what it says until then still counts.
    after_failure += failed_us_ ? 1 : 0;
  }
}

void NodeTrial::Finish(End end) {
  if (files_.crashed() && end == End::kStop) end = Draw(2) == 0 ? End::kKill : End::kPowerCut;
  if (end == End::kStop && node_ != nullptr) {
    if (channel_ != nullptr) Await(client_, Done(channel_->Stop()));
    channel_.reset();
    if (!Await(process_, Done(node_->Stop()))) end = End::kKill;  // it crashed meanwhile
  }
  if (end == End::kStop) {
    node_.reset();
  } else {
    if (end == End::kPowerCut) {
      const int64_t now_us = world_.clock().NowUs();
      if (options_.durability == replication::Durability::kFlushed) {
        book_.Doubt(std::min(now_us, failed_us_.value_or(now_us)) - kSecondUs);
      }
      machine_.Crash();
    }
    second_.Crash();
    process_.Crash();
    node_.reset();
    if (end == End::kPowerCut) machine_.Restart();
    process_.Restart();
    second_.Restart();
    if (channel_ != nullptr) {
      if (files_.crashed()) files_.Heal();  // Await must not take that for the end of the client
      Await(client_, Done(channel_->Stop()));
    }
    channel_.reset();
  }
  catalog_.reset();
  failed_us_.reset();
}

void NodeTrial::Put() {
  const auto definitions = catalog_->Current();
  std::vector<Record> records;
  const size_t count = 1 + Draw(3);
  for (size_t i = 0; i < count; ++i) {
    const FeatureGroup& group = definitions->groups[Draw(definitions->groups.size())];
    Record record = NewRecord(group);
    AddCells(group, &record);
    records.push_back(std::move(record));
  }
  Write(records);
}

void NodeTrial::Delete() {
  const auto definitions = catalog_->Current();
  const FeatureGroup& group = definitions->groups[Draw(definitions->groups.size())];
  Record record = NewRecord(group);
  if (group.merge == MergeMode::kCell && Draw(2) == 0) {
    record.cells.push_back({group.features.front().id, CellState::kDelete, Value()});
  } else {
    record.delete_row = true;
  }
  Write({record});
}

void NodeTrial::Define() {
  if (defined_ >= kSteps) return;
  const Result<catalog::Plan> plan = catalog_->Apply({{"shop.yaml", Definitions(defined_)}}, {});
  if (!plan.ok()) return Judge("apply", plan.status());
  ++defined_;
  revision_ = catalog_->Current()->revision.value;
}

void NodeTrial::ReadOne() {
  const std::set<std::string> keys = book_.Keys();
  if (!keys.empty()) CheckRow(*std::next(keys.begin(), static_cast<long>(Draw(keys.size()))));
}

Record NodeTrial::NewRecord(const FeatureGroup& group) {
  Record record;
  std::vector<Value> key = {std::string(1, static_cast<char>('a' + Draw(4)))};
  if (group.entity.keys.size() == 2) key.emplace_back(static_cast<int64_t>(Draw(2)));
  record.key = EncodeRowKey(group.id, key).value();
  const int64_t now_us = world_.clock().NowUs();
  // Some late, some with values that have expired, some at one time.
  const int64_t ages[] = {0, 0, 5 * kSecondUs, 2 * kHourUs, now_us % kHourUs};
  record.event_time_us = now_us - ages[Draw(std::size(ages))];
  record.write_id = ids_.Next(now_us, random_());
  if (Draw(4) == 0) record.ttl_us = (Draw(2) == 0 ? 1 : 100) * kHourUs;
  return record;
}

void NodeTrial::AddCells(const FeatureGroup& group, Record* record) {
  for (const Feature& feature : group.features) {
    if (Draw(3) == 0) continue;
    Cell cell{feature.id, CellState::kValue, Value()};
    if (Draw(8) == 0) {
      cell.state = CellState::kNull;
    } else if (feature.type.kind == Kind::kString) {
      cell.value = std::string(Draw(8) == 0 ? 1500 : Draw(20), static_cast<char>('a' + Draw(26)));
    } else if (feature.type.kind == Kind::kFloat64) {
      cell.value = static_cast<double>(Draw(1000)) / 8;
    } else {
      cell.value = static_cast<int64_t>(Draw(1000));
    }
    record->cells.push_back(std::move(cell));
  }
}

void NodeTrial::Write(const std::vector<Record>& records) {
  v1::NodeAppendRequest request;
  for (const Record& record : records) EncodeRecord(record, request.add_records());
  const Result<std::string> answer = Call(v1::NODE_APPEND, request.SerializeAsString());
  v1::NodeAppendResponse response;
  const bool answered = answer.ok() && response.ParseFromString(*answer) &&
                        response.results_size() == static_cast<int>(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const Status status =
        answered ? Status(static_cast<Code>(response.results(static_cast<int>(i)).code()),
                          response.results(static_cast<int>(i)).message())
                 : answer.status();
    WriteBook::Fate fate = WriteBook::Fate::kUnknown;
    if (status.ok()) fate = WriteBook::Fate::kHeld;
    // These say that nothing was written.
    const bool refused =
        status.code() == Code::kUnavailable || status.code() == Code::kResourceExhausted;
    if (refused && !files_.crashed()) fate = WriteBook::Fate::kGone;
    book_.Add(records[i], fate, world_.clock().NowUs());
    if (!status.ok() && !files_.crashed() && !excused()) {
      Wrong("a write was refused: " + status.ToString());
    }
  }
}

void NodeTrial::CheckEverything() {
  CheckLog();
  CheckRows();
  CheckDigests();
}

void NodeTrial::CheckLog() {
  std::vector<std::string> bodies;
  v1::NodeWatchRequest request;
  request.set_bytes_max(2000);
  for (bool more = true; more;) {
    const Result<std::string> answer = Call(v1::NODE_WATCH, request.SerializeAsString());
    if (!answer.ok()) return Judge("watch", answer.status());
    v1::NodeWatchResponse response;
    if (!response.ParseFromString(*answer)) return Wrong("a watch answered something else");
    for (const auto& record : response.records()) bodies.push_back(record.body());
    request.set_cursor(response.cursor());
    more = !response.at_end();
  }
  const std::string wrong = book_.Settle(bodies);
  if (!wrong.empty()) Wrong(wrong);
}

void NodeTrial::CheckRows() {
  for (const std::string& key : book_.Keys()) {
    if (over()) return;
    CheckRow(key);
  }
}

void NodeTrial::CheckRow(const std::string& key) {
  const auto definitions = catalog_->Current();
  const FeatureGroup* group = definitions->FindGroup(*RowKeyGroup(key));
  if (group == nullptr) return Wrong("a group that was defined is not there");
  const std::vector<const Feature*> features = OnlineFeatures(*group);
  v1::NodeReadRequest request;
  auto* read = request.add_reads();
  read->set_group(group->id.value);
  for (const Feature* feature : features) read->add_features(feature->id.value);
  read->set_keys(key);
  read->add_key_ends(static_cast<uint32_t>(key.size()));
  const Result<std::string> answer = Call(v1::NODE_READ, request.SerializeAsString());
  if (!answer.ok()) return Judge("read", answer.status());
  v1::NodeReadResponse response;
  if (!response.ParseFromString(*answer) || response.reads_size() != 1 ||
      response.reads(0).features_size() != static_cast<int>(features.size())) {
    return Wrong("a read answered something else");
  }
  std::vector<WriteBook::Cell> cells;
  for (v1::FeatureColumn& column : *response.mutable_reads(0)->mutable_features()) {
    Result<client::wire::DecodedFeatureColumn> decoded = client::wire::FromProto(std::move(column));
    if (!decoded.ok() || decoded->statuses.size() != 1) return Wrong("a column does not decode");
    // A view that failed is being made again, and the row is not in memory.
    if (decoded->statuses[0] == ReadStatus::kUnknown && excused()) return;
    cells.push_back({decoded->statuses[0], decoded->values.At(0)});
  }
  const std::string wrong = book_.CheckRow(key, *group, features, world_.clock().NowUs(), cells);
  if (!wrong.empty()) Wrong(wrong);
}

void NodeTrial::CheckDigests() {
  if (over()) return;
  v1::DigestRequest request;
  request.set_now_us(world_.clock().NowUs());
  const Result<std::string> answer = Call(v1::NODE_DIGEST, request.SerializeAsString());
  if (!answer.ok()) return Judge("digest", answer.status());
  v1::DigestResponse response;
  if (!response.ParseFromString(*answer)) return Wrong("a digest answered something else");
  for (const auto& group : response.rows()) {
    if (group.digest() != group.log_digest()) Wrong("rows and log have different digests");
  }
}

void NodeTrial::Judge(const std::string& doing, const Status& status) {
  if (files_.crashed()) return;
  const bool names_a_file = status.message().find("/data/") != std::string::npos;
  if (!excused()) {
    Wrong(doing + ": " + status.ToString());
  } else if (!names_a_file && status.code() != Code::kUnavailable) {
    Wrong(doing + " does not say where: " + status.ToString());
  }
}

void NodeTrial::Wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

Result<std::string> NodeTrial::Call(uint8_t method, const std::string& body) {
  if (channel_ == nullptr || files_.crashed()) return Unavailable("the process is gone");
  std::optional<Result<std::string>> answer = Await(client_, channel_->Call(method, body, 5s));
  if (!answer) return Status(Code::kUnknownOutcome, "the process ended");
  return *std::move(answer);
}

template <typename T>
std::optional<T> NodeTrial::Await(runtime::sim::SimProcess& process, Task<T> task) {
  auto value = std::make_shared<std::optional<T>>();  // joint owners: this frame and the task
  world_.Spawn(process, Store(std::move(task), value));
  const bool ended = world_.RunUntil([&] { return value->has_value() || files_.crashed(); });
  if (!ended) Wrong("no answer in an hour");
  return std::move(*value);
}

}  // namespace tokura::faults
