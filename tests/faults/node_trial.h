// NodeTrial: a node on a simulated machine lives a few lives of random writes, deletes, reads, idle
// times and changed definitions, from one seed, while its disk fails once; then the machine is cut
// from power, and everything is looked at again. After each restart: what was acknowledged is
// there, what was refused is not, every row reads as the data model says, and the digests of rows
// and log agree. Only the fault itself excuses an error, and only one that says what and where.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "node/node.h"
#include "proto/node.pb.h"
#include "runtime/logger.h"
#include "runtime/metrics.h"
#include "runtime/rpc/channel.h"
#include "runtime/sim/sim_world.h"
#include "tests/faults/injecting_files.h"
#include "tests/faults/write_book.h"
#include "tests/node/node_fixture.h"

namespace tokura::faults {

struct TrialOptions {
  uint64_t seed = 1;
  replication::Durability durability = replication::Durability::kFsync;
  runtime::DiskFault fault = runtime::DiskFault::kNone;
  uint64_t call = 0;   // which of the calls that the fault can befall
  bool twice = false;  // and again soon after the restart
  int lives = 3;
  int operations = 7;  // of each life
};

class NodeTrial {
 public:
  explicit NodeTrial(TrialOptions options);
  ~NodeTrial();
  // "" or what went wrong. Once.
  std::string Run();

  bool reached() const { return reached_; }
  // The call that went wrong last.
  std::string fault() const { return files_.what(); }
  const WriteBook& book() const { return book_; }

 private:
  enum class End : uint8_t { kStop, kKill, kPowerCut };
  // Begins a life; false if it ended at once, by the fault or by something wrong.
  bool Begin();
  void Operate();
  void Finish(End end);
  void CheckEverything();

  Status OpenCatalog();
  Status FindStep();
  void Heal();
  Status StartNode();
  void Put();
  void Delete();
  void ReadOne();
  void Define();
  void Write(const std::vector<Record>& records);
  Record NewRecord(const FeatureGroup& group);
  void AddCells(const FeatureGroup& group, Record* record);
  void CheckLog();
  void CheckRows();
  void CheckDigests();
  void CheckRow(const std::string& key);

  // Whether an error may be blamed on the disk.
  bool excused() const { return files_.reached() && !healed_; }
  // Notes what an error means: nothing if it is excused and says where, else something wrong.
  void Judge(const std::string& doing, const Status& status);
  void Wrong(const std::string& what);
  bool over() const { return !wrong_.empty() || files_.crashed(); }
  uint64_t Draw(uint64_t below) { return random_() % below; }

  Result<std::string> Call(uint8_t method, const std::string& body);
  // nullopt: the process crashed meanwhile.
  template <typename T>
  std::optional<T> Await(runtime::sim::SimProcess& process, runtime::Task<T> task);

  const TrialOptions options_;
  std::mt19937_64 random_;
  runtime::sim::SimWorld world_;
  runtime::sim::SimProcess& machine_;  // up as long as the power is on
  runtime::sim::SimProcess& process_;
  runtime::sim::SimProcess& second_;  // its second storage thread
  runtime::sim::SimProcess& client_;
  node::FirstThreadTransport transport_;
  runtime::InjectingFiles files_;
  std::unique_ptr<runtime::Metrics> metrics_ = runtime::MakeNullMetrics();
  std::unique_ptr<runtime::Logger> logger_ = runtime::MakeNullLogger();
  std::unique_ptr<catalog::FileCatalog> catalog_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<runtime::rpc::RpcChannel> channel_;
  std::optional<int64_t> failed_us_;  // when the node said that it failed
  bool reached_ = false;
  bool healed_ = false;
  size_t defined_ = 0;     // texts applied for certain
  uint64_t revision_ = 0;  // that an apply returned
  WriteIdMaker ids_;
  WriteBook book_;
  std::string wrong_;
};

}  // namespace tokura::faults
