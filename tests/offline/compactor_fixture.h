// CompactorTest: one real node and one compactor in a simulated world; the compactor's disk can be
// made to fail, and its process to end at any moment.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/definitions.h"
#include "client/node_client.h"
#include "node/node.h"
#include "offline/compactor.h"
#include "offline/records/data_file.h"
#include "offline/table/table.h"
#include "offline/verify.h"
#include "proto/node.pb.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/sim/sim_world.h"
#include "tests/offline/random_history.h"
#include "tests/runtime/faulty_files.h"

namespace tokura::offline {

class FixedDefinitions : public catalog::DefinitionsSource {
 public:
  void Set(std::vector<FeatureGroup> groups, uint32_t next_group_id) {
    auto made = std::make_shared<catalog::Definitions>();
    made->groups = std::move(groups);
    made->next_group_id = next_group_id;
    made->revision = Revision(revisions_.size());
    made->BuildIndex();
    current_ = std::move(made);
    revisions_.push_back(current_);
  }
  std::shared_ptr<const catalog::Definitions> At(Revision revision) const {
    return revisions_.at(revision.value);
  }
  std::shared_ptr<const catalog::Definitions> Current() const override { return current_; }

 private:
  std::shared_ptr<const catalog::Definitions> current_ = std::make_shared<catalog::Definitions>();
  std::vector<std::shared_ptr<const catalog::Definitions>> revisions_{current_};
};

class CompactorTest : public ::testing::Test {
 protected:
  explicit CompactorTest(uint64_t seed = 11) : world_(seed) {
    definitions_.Set({testing::PricesGroup()}, 4);
  }
  ~CompactorTest() override {
    if (compactor_ != nullptr) StopCompactor();
    StopNode();
  }
  void SetUp() override { StartNode(); }

  template <typename T>
  T Run(runtime::sim::SimProcess& process, runtime::Task<T> task) {
    std::optional<T> value;
    auto run = [](runtime::Task<T> inner, std::optional<T>* out) -> runtime::Task<void> {
      T result = co_await inner;
      out->emplace(std::move(result));
    };
    world_.Spawn(process, run(std::move(task), &value));
    EXPECT_TRUE(world_.RunUntil([&] { return value.has_value(); }));
    return std::move(*value);
  }
  void Run(runtime::sim::SimProcess& process, runtime::Task<void> task) {
    auto run = [](runtime::Task<void> inner) -> runtime::Task<bool> {
      co_await inner;
      co_return true;
    };
    Run(process, run(std::move(task)));
  }

  void StartNode() {
    node::NodeRuntime runtime;
    runtime.threads = {&node_process_.executor()};
    runtime.transport = &node_process_.transport();
    runtime.clock = &world_.clock();
    runtime.files = &node_process_.files();
    runtime.blocking = &node_process_.blocking();
    runtime.metrics = metrics_.get();
    runtime.logger = logger_.get();
    node::NodeOptions options;
    options.directory = "/node";
    options.view.view.wait_for_compaction = true;
    options.listen = {"127.0.0.1", 7401};
    node_ = std::make_unique<node::Node>(options, runtime, definitions_, [](Status) {});
    const Status started = Run(node_process_, node_->Start());
    ASSERT_TRUE(started.ok()) << started.ToString();
    client_ = std::make_unique<client::NodeClient>(client_process_.executor(),
                                                   client_process_.transport(), node_->listen());
  }
  void StopNode() {
    Run(client_process_, client_->Stop());
    Run(node_process_, node_->Stop());
  }

  Status StartCompactor(std::chrono::microseconds interval = std::chrono::seconds(60),
                        uint64_t buffer_bytes_max = 256 << 20) {
    CompactorRuntime runtime{&process_.executor(), &process_.transport(), &world_.clock(),
                             compactor_files_,     &process_.blocking(),  metrics_.get(),
                             logger_.get()};
    compactor_ = std::make_unique<Compactor>(
        CompactorOptions{
            "/offline", interval, buffer_bytes_max, care_,
            [this](Revision revision) -> Result<std::shared_ptr<const catalog::Definitions>> {
              return definitions_.At(revision);
            }},
        runtime, definitions_, std::vector<runtime::Address>{node_->listen()});
    return Run(process_, compactor_->Start());
  }
  void StopCompactor() {
    Run(process_, compactor_->Stop());
    compactor_.reset();
  }
  void CrashCompactor() {
    process_.Crash();
    compactor_.reset();
    process_.Restart();
  }

  std::string Put(const std::vector<Record>& records) {
    v1::NodeAppendRequest request;
    for (const Record& record : records) request.add_records(testing::CanonicalBytes(record));
    auto appended = Run(client_process_, client_->Append(request.SerializeAsString(),
                                                         records.size(), std::chrono::seconds(10)));
    EXPECT_TRUE(appended.ok()) << appended.status().ToString();
    for (const Status& result : appended->results) EXPECT_TRUE(result.ok()) << result.ToString();
    return appended->token;
  }
  Record Price(const std::string& item, uint64_t write,
               const FeatureGroup& group = testing::PricesGroup()) {
    Record record = testing::PriceRow(item, world_.clock().NowUs(), 1.5, write, 1).record;
    record.key = testing::KeyOf(group, item);
    return record;
  }

  std::vector<HistoryRow> Rows(const FeatureGroup& group = testing::PricesGroup()) {
    std::vector<HistoryRow> rows;
    auto table = Table::OpenForRead(process_.files(), "/offline", group);
    EXPECT_TRUE(table.ok()) << table.status().ToString();
    if (!table.ok()) return rows;
    for (const DataFile& file : (*table)->current().files) {
      auto reader = DataFileReader::Open(process_.files(), (*table)->folder(), file, group);
      EXPECT_TRUE(reader.ok()) << reader.status().ToString();
      for (auto row = (*reader)->Next(); row.ok() && row->has_value(); row = (*reader)->Next()) {
        rows.push_back(**row);
      }
    }
    return rows;
  }
  VerifyReport Verify() {
    const int64_t now_us = world_.clock().NowUs();
    const Snapshots snapshots =
        OpenSnapshots(process_.files(), *definitions_.Current(), "/offline");
    auto digest = Run(client_process_, client_->GetDigest({{}, now_us, snapshots.positions},
                                                          std::chrono::seconds(10)));
    EXPECT_TRUE(digest.ok()) << digest.status().ToString();
    auto report = VerifyFiles(process_.files(), *definitions_.Current(), "/offline", {}, snapshots,
                              *digest, now_us);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return *report;
  }

  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& node_process_ = world_.AddProcess("n1");
  runtime::sim::SimProcess& process_ = world_.AddProcess("compactor");
  runtime::sim::SimProcess& client_process_ = world_.AddProcess("client");
  runtime::FaultyFiles files_{process_.files()};
  runtime::FileSystem* compactor_files_ = &files_;
  CareOptions care_{.only_overdue = true};
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  FixedDefinitions definitions_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<client::NodeClient> client_;
  std::unique_ptr<Compactor> compactor_;
};

}  // namespace tokura::offline
