// RandomTable: a table of a random group, whose definition changes while its history is written:
// partial writes, deletes of rows and features, TTLs, ties, repeats, late and early records, any
// stores.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/schema.h"
#include "offline/records/data_file.h"
#include "offline/table/table.h"
#include "tests/offline/memory_files.h"
#include "tests/offline/random_history.h"

namespace tokura::offline::testing {

class RandomTable {
 public:
  RandomTable(RandomHistory& random, MemoryFiles& files, uint32_t id);

  const FeatureGroup& group() const { return group_; }
  const Table& table() const { return *table_; }
  // Its records, each once.
  const std::vector<HistoryRow>& rows() const { return rows_; }

  // Key columns of its history or others, encoded; nullopt: one of them is null.
  std::optional<std::string> SpineKey();
  // Near what happened, or long before.
  int64_t SpineTime();
  std::vector<const Feature*> SomeFeatures();

 private:
  void DefineKeys();
  void AddFeature();
  void Evolve();
  std::string RandomKey();
  HistoryRow RandomRow();
  void AddCells(Record* record);
  void Commit(uint64_t count);

  RandomHistory& random_;
  MemoryFiles& files_;
  FeatureGroup group_;
  bool tidy_ = false;  // most records say all and delete nothing; else little and much
  int64_t begin_us_ = 0;
  uint32_t next_feature_ = 1;
  int64_t next_seq_ = 0;
  std::vector<std::string> keys_;
  std::vector<HistoryRow> rows_;
  std::set<std::string> seen_;
  std::unique_ptr<Table> table_;
};

}  // namespace tokura::offline::testing
