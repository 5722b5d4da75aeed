// TrainingSetFixture: tables on a disk in memory, and training sets built of them.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "catalog/definitions.h"
#include "gtest/gtest.h"
#include "offline/table/table_writer.h"
#include "offline/training/training_set.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline::testing {

class SettableClock : public runtime::Clock {
 public:
  int64_t NowUs() const override { return now_us; }
  std::chrono::nanoseconds Monotonic() const override { return {}; }
  int64_t now_us = kNoonUs + 30 * kDayUs;
};

inline TrainingSetRequest Features(std::vector<std::string> features) {
  TrainingSetRequest request;
  request.features = std::move(features);
  return request;
}

class TrainingSetFixture : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_.CreateDirectories("/w").ok()); }

  void Define(std::vector<FeatureGroup> groups) {
    definitions_.groups = std::move(groups);
    for (FeatureGroup& group : definitions_.groups) group.owner = "shop@example.org";
    definitions_.revision = Revision(7);
    definitions_.BuildIndex();
    for (const FeatureGroup& group : definitions_.groups) {
      definitions_.projects[group.project].name = group.project;
      ASSERT_TRUE(TableWriter::Open(files_, "/o", group, 1).ok());
    }
  }
  void Commit(const FeatureGroup& group, std::vector<HistoryRow> rows) {
    auto writer = TableWriter::Open(files_, "/o", group, 1);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    TableCommit commit;
    for (const HistoryRow& row : rows) {
      if (const auto dot = DotOf(row)) commit.position.Add(*dot);
    }
    const auto outcome = (*writer)->Commit(group, commit, rows);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  }
  void WriteText(const std::string& path, const std::string& text) {
    (void)files_.Remove(path);
    ASSERT_TRUE((*files_.Create(path))->Append(text).ok());
  }
  TrainingSetWork Work() {
    TrainingSetWork work{files_, clock_, "/o", code_version_};
    work.note = [this](const std::string& line) { notes_.push_back(line); };
    return work;
  }
  Result<Dataset> Build(const TrainingSetRequest& request) {
    return BuildTrainingSet(Work(), definitions_, request);
  }
  Result<Dataset> Build(const std::string& spine, TrainingSetRequest request) {
    WriteText("/w/spine.csv", spine);
    request.spine = "/w/spine.csv";
    request.out = "/w/out.csv";
    return Build(request);
  }
  std::string Out(const std::string& spine, TrainingSetRequest request) {
    const auto dataset = Build(spine, std::move(request));
    EXPECT_TRUE(dataset.ok()) << dataset.status().ToString();
    return dataset.ok() ? files_.Content("/w/out.csv") : "";
  }
  std::vector<Dataset> Listed() {
    const auto datasets = DatasetStore(files_, "/o").List();
    EXPECT_TRUE(datasets.ok()) << datasets.status().ToString();
    return datasets.ok() ? *datasets : std::vector<Dataset>();
  }

  MemoryFiles files_;
  SettableClock clock_;
  std::string code_version_ = "1.0";
  std::vector<std::string> notes_;
  catalog::Definitions definitions_;
};

}  // namespace tokura::offline::testing
