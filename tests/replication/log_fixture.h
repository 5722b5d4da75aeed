// The verbs of the log's tests: a simulated process with a disk, the logs of one node on it, and
// damage to its files.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replication/change_log.h"
#include "replication/log_directory.h"
#include "replication/segment.h"
#include "runtime/metrics.h"
#include "runtime/sim/sim_world.h"
#include "runtime/sync.h"
#include "tests/runtime/faulty_files.h"

namespace tokura::replication {

inline constexpr char kLogDirectory[] = "/n1/log";

struct PendingRecord {
  ShardId shard;
  std::string body;
};

class LogFixture {
 public:
  using Dots = std::vector<Dot>;

  explicit LogFixture(uint64_t seed = 1)
      : world_(seed), process_(world_.AddProcess("n1")), files_(process_.files()) {
    EXPECT_TRUE(files_.CreateDirectories(kLogDirectory).ok());
  }

  runtime::sim::SimWorld& world() { return world_; }
  runtime::FaultyFiles& files() { return files_; }
  ChangeLog& log(uint16_t index = 0) { return *logs_.at(index); }
  const std::vector<LogRecord>& applied() const { return applied_; }
  const std::vector<Status>& failures() const { return failures_; }

  // Begins a life of the node with so many logs.
  void Start(uint32_t incarnation, uint16_t log_count = 1, ChangeLogOptions options = {}) {
    logs_.clear();
    origin_ = Origin{"n1", incarnation};
    for (uint16_t i = 0; i < log_count; ++i) {
      options.directory = kLogDirectory;
      options.origin = origin_;
      options.log_index = i;
      logs_.push_back(std::make_unique<ChangeLog>(
          options, process_.executor(), world_.clock(), files_, process_.blocking(), *metrics_,
          [this](Status status) { failures_.push_back(std::move(status)); }));
      logs_.back()->SetApplier([this](std::span<const LogRecordView> records) {
        for (const LogRecordView& record : records) {
          applied_.push_back({Dot{record.shard, origin_, record.seq}, record.epoch, record.hlc_us,
                              record.chain, std::string(record.body)});
        }
      });
      logs_.back()->Start();
    }
  }
  void Stop() {
    for (auto& log : logs_) {
      bool stopped = false;
      world_.Spawn(process_, StopLog(*log, &stopped));
      EXPECT_TRUE(world_.RunUntil([&] { return stopped; }));
    }
    logs_.clear();
  }
  // The power is cut: what was not synced may be lost.
  void Crash() {
    process_.Crash();
    logs_.clear();
    process_.Restart();
  }

  // Begins an Append; its outcome appears when the world runs on.
  std::shared_ptr<std::optional<Result<Dots>>> Begin(std::vector<PendingRecord> records,
                                                     uint16_t log_index = 0) {
    auto outcome = std::make_shared<std::optional<Result<Dots>>>();
    world_.Spawn(process_, Append(log(log_index), origin_, std::move(records), outcome));
    return outcome;
  }
  Result<Dots> Write(std::vector<PendingRecord> records, uint16_t log_index = 0) {
    auto outcome = Begin(std::move(records), log_index);
    EXPECT_TRUE(world_.RunUntil([&] { return outcome->has_value(); })) << "no answer";
    return **outcome;
  }
  Result<Dots> Write(uint16_t shard, const std::string& body, uint16_t log_index = 0) {
    return Write({{ShardId(shard), body}}, log_index);
  }
  void WriteMany(int count, uint16_t shard = 1, uint16_t log_index = 0) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(Write(shard, "record " + std::to_string(i), log_index).ok());
    }
  }
  // Longer than the log waits before it marks its end.
  void Idle() { world_.RunFor(std::chrono::seconds(3)); }

  Result<RecoveredLog> Recover(std::vector<LogRecord>* records = nullptr) {
    return RecoverLog(files_, kLogDirectory, [records](const LogRecord& record) {
      if (records != nullptr) records->push_back(record);
      return OkStatus();
    });
  }
  // The bodies that recovery gives, or its error.
  std::vector<std::string> Recovered() {
    std::vector<LogRecord> records;
    Result<RecoveredLog> recovered = Recover(&records);
    if (!recovered.ok()) return {recovered.status().ToString()};
    return Bodies(records);
  }
  static std::vector<std::string> Bodies(const std::vector<LogRecord>& records) {
    std::vector<std::string> bodies;
    for (const LogRecord& record : records) bodies.push_back(record.body);
    return bodies;
  }

  std::vector<std::string> Segments() { return files_.List(kLogDirectory).value(); }
  std::string Path(const std::string& segment) { return kLogDirectory + ("/" + segment); }
  std::string Contents(const std::string& segment) {
    return runtime::ReadFile(files_, Path(segment)).value();
  }
  void Replace(const std::string& segment, const std::string& bytes) {
    ASSERT_TRUE(files_.Remove(Path(segment)).ok());
    Put(segment, bytes);
  }
  void Put(const std::string& segment, const std::string& bytes) {
    auto file = files_.Create(Path(segment));
    ASSERT_TRUE(file.ok() && (*file)->Append(bytes).ok() && (*file)->Sync().ok());
  }
  void FlipByte(const std::string& segment, size_t offset) {
    std::string bytes = Contents(segment);
    bytes.at(offset) ^= 0x40;
    Replace(segment, bytes);
  }
  void CutTail(const std::string& segment, size_t bytes) {
    std::string contents = Contents(segment);
    contents.resize(contents.size() - bytes);
    Replace(segment, contents);
  }

 private:
  static runtime::Task<void> StopLog(ChangeLog& log, bool* stopped) {
    co_await log.Stop();
    *stopped = true;
  }
  static runtime::Task<void> Append(ChangeLog& log, Origin origin,
                                    std::vector<PendingRecord> records,
                                    std::shared_ptr<std::optional<Result<Dots>>> outcome) {
    RecordBatch batch;
    for (const PendingRecord& record : records) batch.Add(record.shard, record.body);
    Result<std::vector<Seq>> seqs = co_await log.Append(std::move(batch));
    if (!seqs.ok()) {
      outcome->emplace(seqs.status());
      co_return;
    }
    Dots dots;
    for (size_t i = 0; i < records.size(); ++i) {
      dots.push_back({records[i].shard, origin, seqs->at(i)});
    }
    outcome->emplace(std::move(dots));
  }

  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& process_;
  runtime::FaultyFiles files_;
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  Origin origin_;  // of this life
  std::vector<LogRecord> applied_;
  std::vector<Status> failures_;
  std::vector<std::unique_ptr<ChangeLog>> logs_;
};

inline const char kFirstSegment[] = "0000000001-00-000001.seg";

}  // namespace tokura::replication
