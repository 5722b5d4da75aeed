// Records of a log as people (and jq) read them. With definitions, ids become names and keys become
// columns; without, both stay as they are.
#pragma once

#include <memory>
#include <string>

#include "catalog/definitions.h"
#include "client/json_value.h"
#include "core/record.h"
#include "replication/segment.h"
#include "runtime/file_system.h"

namespace tokura::cli {

class RecordText {
 public:
  // `definitions` may be null.
  explicit RecordText(std::shared_ptr<const catalog::Definitions> definitions)
      : definitions_(std::move(definitions)) {}
  // "n1.3/512 #17  <write time>  flights/weather@1 origin=JFK @ <event time>  temp=39.02".
  Result<std::string> Line(const replication::LogRecord& record) const;
  Status AppendJson(const replication::LogRecord& record, client::JsonWriter* json) const;
  // "flights/weather@1", or "group 7".
  std::string GroupName(GroupId group) const;

 private:
  const FeatureGroup* GroupOf(const Record& record, GroupId* id) const;
  std::shared_ptr<const catalog::Definitions> definitions_;
};

// The definitions of the data directory that `path` lies in, if there is one above it; else null.
Result<std::shared_ptr<const catalog::Definitions>> DefinitionsAbove(runtime::FileSystem& files,
                                                                     const std::string& path);

}  // namespace tokura::cli
