// What the columns of a row file mean for one feature group, and how cells become a PutRecord.
// Shared by the readers of CSV, JSON lines and Parquet; internal to offline/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/api.h"
#include "core/schema.h"
#include "core/status.h"
#include "offline/user_files/decompress.h"
#include "offline/user_files/row_file.h"

namespace tokura::offline {

// One use of a column. A column can have two: a key that is also the event time.
struct ColumnUse {
  enum class Role : uint8_t { kKey, kEventTime, kFeature, kTtl, kWriteId };
  Role role = Role::kFeature;
  size_t key_index = 0;  // of kKey: which key column
  Type type;             // of kKey, kFeature and kEventTime
};
using ColumnUses = std::vector<ColumnUse>;

// The columns that a group's row files have. Immutable.
class ColumnPlan {
 public:
  ColumnPlan(const FeatureGroup& group, const ImportOptions& options);

  // Null for a name that means nothing to the group; empty for one that is ignored.
  const ColumnUses* Find(std::string_view name) const;
  // INVALID_ARGUMENT with all that is unknown, missing or given twice; `source` names the file.
  // `mistyped`: what its types show to be wrong besides, "'temp' (expected float64, got string)".
  Status CheckHeader(const std::string& source, std::span<const std::string> names,
                     const std::vector<std::string>& mistyped = {}) const;
  // "'tmp' (did you mean 'temp'?)".
  std::string DescribeUnknown(std::string_view name) const;
  std::span<const KeyColumn> keys() const { return keys_; }
  const std::string& event_time_column() const { return event_time_column_; }
  bool needs_event_time() const { return !event_time_column_.empty(); }
  bool skip_nulls() const { return skip_nulls_; }

 private:
  void AddUse(const std::string& name, ColumnUse use);

  std::string group_name_;
  std::string event_time_column_;
  std::vector<KeyColumn> keys_;
  std::unordered_map<std::string, ColumnUses> uses_;
  std::vector<std::string> names_;  // of all that can be named, in the order defined
  bool skip_nulls_;
  bool ignore_extra_;
  ColumnUses ignored_;
};

// A cell as its format spells it, as a value of `type`. Never called with null.
using CellConverter = Result<Value> (*)(Value cell, const Type& type);

// Gathers the cells of one row.
class RowBuilder {
 public:
  // REQUIRES: `plan` outlives the builder.
  RowBuilder(const ColumnPlan& plan, CellConverter convert);
  void Add(const std::string& column, const ColumnUses& uses, Value cell);
  // A fault of the row as a whole, or of a column that has no use.
  void AddFault(std::string fault);
  // The record; malformed with every fault found (the first few) or missing key column.
  client::PutRecord Finish();

 private:
  void AddOne(const std::string& column, const ColumnUse& use, Value cell);

  const ColumnPlan& plan_;
  CellConverter convert_;
  client::PutRecord record_;
  std::vector<std::optional<Value>> keys_;
  std::vector<bool> key_named_;
  bool event_time_named_ = false;
  std::vector<std::string> faults_;
};

// The readers. `source` is decompressed already; `name` is the path, for messages.
Result<std::unique_ptr<ImportReader>> OpenCsvReader(std::unique_ptr<ByteSource> source,
                                                    const std::string& name,
                                                    const FeatureGroup& group,
                                                    const ImportOptions& options);
Result<std::unique_ptr<ImportReader>> OpenJsonLinesReader(std::unique_ptr<ByteSource> source,
                                                          const std::string& name,
                                                          const FeatureGroup& group,
                                                          const ImportOptions& options);
Result<std::unique_ptr<ImportReader>> OpenParquetReader(runtime::FileSystem& files,
                                                        const std::string& path,
                                                        const FeatureGroup& group,
                                                        const ImportOptions& options);

// `text` with U+FFFD for every byte that is not UTF-8.
std::string ReplaceInvalidUtf8(std::string_view text);
// True for the columns that a rejects file adds.
bool IsRejectsColumn(std::string_view name);

}  // namespace tokura::offline
