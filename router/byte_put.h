// PutRecords from bytes: the native request that most callers send becomes canonical records
// without a value or a name being looked at for each of its cells. Whatever is not the plain case
// (lists, another spelling, a fault of any kind) is left to record_builder.h, which is the meaning
// of a request: both give the same records, and only that one gives errors of the request.
//
//   body --BytePutPlanner::Plan--> BytePut --Build--> records of a WriteBatch
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catalog/definitions.h"
#include "core/record.h"
#include "core/schema.h"

namespace tokura::router {

// What the names of a put come to under one revision of the definitions. Immutable.
struct PutSelection {
  std::shared_ptr<const catalog::Definitions> definitions;  // what the pointers point into
  const FeatureGroup* group = nullptr;
  Stores stores = Stores::kBoth;
  std::string key_header;
  std::vector<size_t> keys;              // for each key column: which of the names given is its
  std::vector<const Feature*> features;  // by place in feature_names
};

// A plain request, as far as its outside tells.
struct BytePut {
  std::shared_ptr<const PutSelection> selection;
  std::vector<std::string_view> records;  // v1.PutRecordsRequest.Record, inside the body

  // A record in its canonical bytes, in the order of the request; valid until it returns.
  using Sink = std::function<void(std::string_view record, std::string_view row_key,
                                  const WriteId& write_id)>;
  // False: some record is not plain, and what `sink` was given is of no use. `write_ids`: for
  // records that bring none, one for each of `records`. Pure.
  bool Build(int64_t now_us, std::span<const WriteId> write_ids, const Sink& sink) const;
};

// Remembers selections of the current definitions. Lives on one executor.
class BytePutPlanner {
 public:
  // Of a v1.PutRecordsRequest; nullopt unless it is a plain case. `body` outlives it.
  std::optional<BytePut> Plan(const std::shared_ptr<const catalog::Definitions>& definitions,
                              std::string_view body);

 private:
  std::shared_ptr<const PutSelection> Select(
      const std::shared_ptr<const catalog::Definitions>& definitions, std::string_view names);

  struct NamesHash {
    using is_transparent = void;
    size_t operator()(std::string_view names) const;
  };
  std::shared_ptr<const catalog::Definitions> definitions_;  // of selections_
  std::unordered_map<std::string, std::shared_ptr<const PutSelection>, NamesHash, std::equal_to<>>
      selections_;  // by the encoded names
};

}  // namespace tokura::router
