#include "bench/history/read_table.h"

#include <sys/resource.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "bench/history/change_stream.h"
#include "bench/load/cpu_time.h"
#include "offline/promotion.h"
#include "offline/table/table.h"
#include "offline/table/table_care.h"
#include "offline/training/training_rows.h"

namespace tokura::bench {
namespace {

constexpr uint64_t kMemoryBytes = 512 << 20;       // a quarter of the default of --memory
constexpr int64_t kNowUs = 1'767'916'800'000'000;  // 2026-01-09, after all of it

Status Care(runtime::FileSystem& files, const std::string& offline_root, const FeatureGroup& group,
            ReadTableResult* result) {
  TOKURA_ASSIGN_OR_RETURN(const auto care,
                          offline::TableCare::Open(files, offline_root, group, {}));
  for (bool more = true; more;) {
    TOKURA_ASSIGN_OR_RETURN(more, care->Advance(kNowUs));
  }
  result->rows = care->outcome().rows;
  result->out = care->outcome().rows;
  return OkStatus();
}

Status Promote(runtime::FileSystem& files, const offline::Table& table, const FeatureGroup& group,
               ReadTableResult* result) {
  offline::Promotion promotion(files, table, group, {.now_us = kNowUs});
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<Record> record, promotion.Next());
    if (!record) break;
    ++result->out;
  }
  result->rows = promotion.rows_read();
  return OkStatus();
}

Status Entities(runtime::FileSystem& files, const std::string& offline_root,
                const offline::Table& table, const FeatureGroup& group, ReadTableResult* result) {
  offline::JoinGroup join;
  join.group = &group;
  join.table = &table;
  offline::DatasetInputs inputs;
  inputs.entities = offline::EntityRows{.entity = "bench/user", .as_of_us = kNowUs};
  TOKURA_ASSIGN_OR_RETURN(
      const auto rows,
      offline::OpenEntityRows(files, {join}, inputs, kMemoryBytes, offline_root, nullptr));
  while (true) {
    TOKURA_ASSIGN_OR_RETURN(const std::optional<offline::SpineBatch> batch, rows->Next());
    if (!batch) break;
    result->out += static_cast<uint64_t>(batch->rows->num_rows());
  }
  result->rows = table.current().rows();
  return OkStatus();
}

}  // namespace

Result<ReadTableResult> ReadTable(runtime::FileSystem& files, const std::string& offline_root,
                                  const std::string& as) {
  const FeatureGroup group = SessionsGroup();
  TOKURA_ASSIGN_OR_RETURN(const auto table,
                          offline::Table::OpenForRead(files, offline_root, group));
  ReadTableResult result;
  result.files = table->current().files.size();
  const double before = OwnCpuSeconds();
  Status read = InvalidArgument("nothing reads as '" + as + "'");
  if (as == "care") read = Care(files, offline_root, group, &result);
  if (as == "promote") read = Promote(files, *table, group, &result);
  if (as == "entities") read = Entities(files, offline_root, *table, group, &result);
  TOKURA_RETURN_IF_ERROR(read);
  result.cpu_seconds = OwnCpuSeconds() - before;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result.memory_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  return result;
}

}  // namespace tokura::bench
