// Datasets: what each training set was made from, kept so that the same bytes can be made again
// (docs/formats/dataset.md).
//
//   OFFLINE/_datasets/<id>/
//     spine.csv           the spine, as it was given
//     definitions.jsonl   the definitions of its groups
//     manifest.json       last: with it the dataset is there
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/definitions.h"
#include "core/ids.h"
#include "core/status.h"
#include "offline/join/join_mode.h"
#include "offline/training/spine_selection.h"
#include "offline/user_files/file_format.h"
#include "runtime/file_system.h"

namespace tokura::offline {

// Rows made from the tables instead of a spine: a row for each key of one entity and time of a
// change in [from, to), or one for each key, as of a time.
struct EntityRows {
  std::string entity;               // "flights/airport"
  std::optional<int64_t> as_of_us;  // this, or
  int64_t from_us = 0;              // these
  int64_t to_us = 0;
};

struct GroupSnapshot {
  std::string group;  // "flights/weather@1"
  GroupId group_id;
  int64_t snapshot_id = 0;
};

// All that the bytes of a training set follow from.
struct DatasetInputs {
  std::string spine_digest;  // this with the format, or entities
  FileFormat spine_format = FileFormat::kParquet;
  std::optional<EntityRows> entities;
  std::string time_column = "event_time";
  SpineSelection selection;
  JoinMode mode = JoinMode::kEvent;
  int64_t lag_us = 0;
  std::vector<std::string> features;  // "flights/weather@1:temp"
  uint64_t revision = 0;              // of the definitions
  std::vector<GroupSnapshot> snapshots;
  FileFormat format = FileFormat::kParquet;  // of the output
  std::string code_version;

  std::string Id() const;  // digest of all of it, 32 hex digits
};

struct Dataset {
  std::string id;
  DatasetInputs inputs;
  std::string service;               // "" if features were named
  std::string spine_name;            // "" without a spine
  std::vector<std::string> columns;  // of the features
  uint64_t rows = 0;
  uint64_t rows_without_any_value = 0;
  uint64_t rows_outside_history = 0;
  std::map<std::string, uint64_t> rows_of_parts;  // of a split
  std::string output_digest;
  int64_t created_us = 0;

  std::string ToJson() const;
};

// CORRUPT unless it is a manifest whose id is that of its inputs.
Result<Dataset> ParseDataset(const std::string& json);

std::string_view JoinModeName(JoinMode mode);  // "event", "known", "served"
Result<JoinMode> JoinModeFromName(std::string_view name);

// The datasets of one offline directory. Blocking.
class DatasetStore {
 public:
  DatasetStore(runtime::FileSystem& files, const std::string& offline_root);

  std::string Folder(const std::string& id) const;
  // Where the spine that was `spine` is kept.
  std::string SpinePath(const std::string& id, const std::string& spine) const;
  // Keep what is needed beside the manifest. Returned OK => durable. FAILED_PRECONDITION: the spine
  // has not got this digest any more.
  Status KeepSpine(const std::string& id, const std::string& spine, const std::string& digest);
  Status KeepDefinitions(const std::string& id, const catalog::Definitions& definitions);
  // Publishes the manifest, after which the dataset is there.
  Status Publish(const Dataset& dataset);

  // nullopt: there is none.
  Result<std::optional<Dataset>> Read(const std::string& id) const;
  // By a prefix of its id. NOT_FOUND; INVALID_ARGUMENT: several begin so.
  Result<Dataset> Find(const std::string& prefix) const;
  // The newest first.
  Result<std::vector<Dataset>> List() const;
  // FAILED_PRECONDITION names what is missing or changed.
  Status CheckSpine(const Dataset& dataset) const;
  Result<std::shared_ptr<const catalog::Definitions>> ReadDefinitions(const Dataset& dataset) const;
  // The manifest first. OK if it is not there.
  Status Remove(const std::string& id);

 private:
  Result<std::vector<std::string>> Ids() const;

  runtime::FileSystem& files_;
  const std::string root_;
};

}  // namespace tokura::offline
