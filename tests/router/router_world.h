// A router with its node and catalog in one simulated process, and a client in another. Its verbs
// speak HTTP over the simulated network, so a test reads as a conversation.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "client/json_value.h"
#include "client/remote_api.h"
#include "node/node.h"
#include "router/router.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/sim/sim_world.h"

namespace tokura::router {

// What a test looks at of an HTTP answer.
struct Answer {
  int status = 0;
  std::string head;
  std::string body;
  client::Json json;
  std::string error_code() const;
  std::string message() const;
};

// Whether `text` has `part` in it, or begins with it; failures show both.
testing::AssertionResult Contains(const std::string& text, const std::string& part);
testing::AssertionResult Begins(const std::string& text, const std::string& part);

// An offline side that covers everything at once and remembers what it was asked.
class FakeOffline : public OfflinePort {
 public:
  runtime::Task<Result<std::vector<client::OfflineGroupStatus>>> Status() override {
    co_return groups;
  }
  runtime::Task<tokura::Status> WaitCovered(std::string vector,
                                            std::chrono::microseconds timeout) override {
    asked = std::move(vector);
    co_return covers ? OkStatus() : DeadlineExceeded("the tables do not cover it yet");
  }
  std::vector<client::OfflineGroupStatus> groups;
  std::string asked;
  bool covers = true;
};

class RouterWorld : public testing::Test {
 protected:
  RouterWorld();
  ~RouterWorld() override;

  // Applies definitions that most tests share: flights/weather (cell), flights/legs (record, many
  // keys), flights/history (offline only), and the service flights/delay_model.
  void SetUp() override;
  void StartNode();
  void CrashNode();

  Answer Post(const std::string& path, const std::string& body);
  Answer Get(const std::string& path);
  Answer Send(const std::string& method, const std::string& target, const std::string& body);
  // Sends bytes as they are on a fresh connection and returns all that comes back until the server
  // closes it or `wait` passes.
  std::string Exchange(const std::string& bytes,
                       std::chrono::nanoseconds wait = std::chrono::seconds(1));
  // A put of one JFK weather record that must be accepted; its token.
  std::string PutWeather(const std::string& origin, const std::string& time,
                         const std::string& values);

  template <typename T>
  T Await(runtime::Task<T> task) {
    std::optional<T> value;
    world_.Spawn(client_process_, Store(std::move(task), &value));
    EXPECT_TRUE(world_.RunUntil([&] { return value.has_value(); }));
    return std::move(*value);
  }

  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& server_process_;
  runtime::sim::SimProcess& node_process_;
  runtime::sim::SimProcess& client_process_;
  std::unique_ptr<runtime::Metrics> metrics_;
  std::unique_ptr<runtime::Logger> logger_;
  std::unique_ptr<catalog::FileCatalog> catalog_;
  std::unique_ptr<node::Node> node_;
  FakeOffline offline_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<client::RemoteApi> remote_;

 private:
  template <typename T>
  static runtime::Task<void> Store(runtime::Task<T> task, std::optional<T>* value) {
    T result = co_await task;
    value->emplace(std::move(result));
  }
};

}  // namespace tokura::router
