#include "tests/router/router_world.h"

#include <array>

#include "runtime/sync.h"

namespace tokura::router {
namespace {

using runtime::Task;

const runtime::Address kNodeAddress{"127.0.0.1", 7401};
const runtime::Address kRouterAddress{"127.0.0.1", 7400};
const runtime::Address kHttpAddress{"127.0.0.1", 7480};

constexpr char kDefinitions[] = R"(
project: flights
entities:
  - name: airport
    keys: [{name: origin, type: string}]
  - name: route
    keys: [{name: carrier, type: string}, {name: dest, type: string}]
    partition_keys: [carrier]
  - name: day
    keys: [{name: number, type: int32}]
feature_groups:
  - name: weather
    entity: airport
    owner: forecasting@example.org
    ttl: 6h
    features:
      - {name: temp, type: float64}
      - {name: visib, type: float64, default: 10.0}
      - {name: pilot_note, type: string, online: false}
  - name: legs
    entity: route
    owner: forecasting@example.org
    merge: record
    features:
      - {name: count, type: int64}
      - {name: mean, type: float32}
  - name: history
    entity: day
    owner: forecasting@example.org
    online: false
    features: [{name: total, type: int64}]
  - name: kinds
    entity: day
    owner: forecasting@example.org
    features:
      - {name: flag, type: bool}
      - {name: small, type: int32}
      - {name: big, type: int64}
      - {name: ratio, type: float32}
      - {name: raw, type: bytes}
      - {name: at, type: timestamp}
      - {name: tags, type: list<string>}
      - {name: sky, type: "vector<float32, 2>"}
feature_services:
  - name: delay_model
    features: ["weather:[temp, visib]", "legs:*"]
)";

Task<std::string> ExchangeBytes(runtime::Executor& executor, runtime::Transport& transport,
                                std::string bytes, std::chrono::nanoseconds wait) {
  Result<std::unique_ptr<runtime::Connection>> made =
      co_await transport.Connect(kHttpAddress, std::chrono::seconds(1));
  if (!made.ok()) co_return made.status().ToString();
  runtime::Connection& connection = **made;
  const auto timer = executor.After(wait, [&connection] { connection.Close(); });
  std::string received;
  Status sent = co_await connection.Write(bytes);
  while (sent.ok()) {
    std::array<char, 4096> buffer;
    Result<size_t> n = co_await connection.Read(buffer);
    if (!n.ok() || *n == 0) break;
    received.append(buffer.data(), *n);
  }
  executor.Cancel(timer);
  co_return received;
}

Task<void> StartRouter(Router* router, std::optional<Status>* started) {
  Status status = co_await router->Start();
  *started = std::move(status);
}

}  // namespace

testing::AssertionResult Contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

testing::AssertionResult Begins(const std::string& text, const std::string& part) {
  if (text.starts_with(part)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' does not begin: " << text;
}

std::string Answer::error_code() const {
  const client::Json* error = json.Find("error");
  return error != nullptr ? *error->Find("code")->string() : "";
}

std::string Answer::message() const {
  const client::Json* error = json.Find("error");
  return error != nullptr ? *error->Find("message")->string() : "";
}

RouterWorld::RouterWorld()
    : world_(7),
      server_process_(world_.AddProcess("router")),
      node_process_(world_.AddProcess("node")),
      client_process_(world_.AddProcess("client")),
      metrics_(runtime::MakeNullMetrics()),
      logger_(runtime::MakeNullLogger()) {}

RouterWorld::~RouterWorld() {
  client_process_.Crash();
  server_process_.Crash();
  if (node_ != nullptr) node_process_.Crash();
}

void RouterWorld::SetUp() {
  auto catalog = catalog::FileCatalog::Open(server_process_.files(), "/catalog");
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  catalog_ = std::move(*catalog);
  const auto applied = catalog_->Apply({{"flights.yaml", kDefinitions}}, {});
  ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  RouterOptions options;
  options.listen = kRouterAddress;
  options.http = kHttpAddress;
  RouterRuntime runtime{&server_process_.executor(),
                        &server_process_.transport(),
                        &world_.clock(),
                        &world_.random(),
                        &server_process_.blocking(),
                        metrics_.get(),
                        logger_.get()};
  router_ = std::make_unique<Router>(options, runtime, *catalog_,
                                     std::vector<NodeEndpoint>{{"n1", kNodeAddress, 1}}, &offline_);
  std::optional<Status> started;
  world_.Spawn(server_process_, StartRouter(router_.get(), &started));
  ASSERT_TRUE(world_.RunUntil([&] { return started.has_value(); }));
  ASSERT_TRUE(started->ok()) << started->ToString();
  remote_ = std::make_unique<client::RemoteApi>(client_process_.executor(),
                                                client_process_.transport(), kRouterAddress);
  StartNode();
}

void RouterWorld::StartNode() {
  node::NodeOptions options;
  options.directory = "/node";
  options.view.view.wait_for_compaction = true;
  options.listen = kNodeAddress;
  options.pid = 1;
  node::NodeRuntime runtime{{&node_process_.executor()},
                            &node_process_.transport(),
                            &world_.clock(),
                            &node_process_.files(),
                            &node_process_.blocking(),
                            metrics_.get(),
                            logger_.get()};
  node_ = std::make_unique<node::Node>(options, runtime, *catalog_, [](const Status& status) {
    ADD_FAILURE() << status.ToString();
  });
  std::optional<Status> started;
  world_.Spawn(node_process_, Store(node_->Start(), &started));
  ASSERT_TRUE(world_.RunUntil([&] { return started.has_value(); }));
  ASSERT_TRUE(started->ok()) << started->ToString();
}

void RouterWorld::CrashNode() {
  node_process_.Crash();
  node_.reset();
  node_process_.Restart();
}

std::string RouterWorld::Exchange(const std::string& bytes, std::chrono::nanoseconds wait) {
  return Await(ExchangeBytes(client_process_.executor(), client_process_.transport(), bytes, wait));
}

Answer RouterWorld::Send(const std::string& method, const std::string& target,
                         const std::string& body) {
  const std::string received =
      Exchange(method + " " + target + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
               std::chrono::seconds(120));
  Answer answer;
  const size_t end = received.find("\r\n\r\n");
  if (!received.starts_with("HTTP/1.1 ") || end == std::string::npos) {
    ADD_FAILURE() << "not an HTTP answer: " << received.substr(0, 200);
    return answer;
  }
  answer.status = std::stoi(received.substr(9, 3));
  answer.head = received.substr(0, end);
  answer.body = received.substr(end + 4);
  Result<client::Json> json = client::ParseJson(answer.body, 64 << 20);
  if (json.ok()) answer.json = std::move(*json);
  return answer;
}

Answer RouterWorld::Post(const std::string& path, const std::string& body) {
  return Send("POST", path, body);
}

Answer RouterWorld::Get(const std::string& path) { return Send("GET", path, ""); }

std::string RouterWorld::PutWeather(const std::string& origin, const std::string& time,
                                    const std::string& values) {
  const Answer answer =
      Post("/v1/records:put", R"({"group": "flights/weather", "records": [{"key": {"origin": ")" +
                                  origin + R"("}, "event_time": ")" + time + R"(", "values": )" +
                                  values + "}]}");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(*answer.json.Find("accepted")->integer(), 1) << answer.body;
  return *answer.json.Find("token")->string();
}

}  // namespace tokura::router
