#include "cli/ingest/promote_rows.h"

#include <memory>
#include <optional>
#include <utility>

#include "cli/ingest/progress.h"
#include "cli/ingest/sender.h"
#include "core/key_codec.h"
#include "offline/promotion.h"
#include "offline/table/table.h"
#include "offline/user_files/row_file.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kRowsAtOnce = 64 << 10;

// The records of a promotion as rows that can be sent.
class PromotionRows : public offline::ImportReader {
 public:
  PromotionRows(const FeatureGroup& group, offline::Promotion* promotion)
      : group_(group), promotion_(*promotion) {}

  Result<std::optional<offline::ImportRow>> Next() override {
    TOKURA_ASSIGN_OR_RETURN(std::optional<Record> record, promotion_.Next());
    if (!record) return std::optional<offline::ImportRow>();
    offline::ImportRow row;
    row.line = ++rows_;
    TOKURA_ASSIGN_OR_RETURN(row.record, PutOf(*std::move(record)));
    return std::optional<offline::ImportRow>(std::move(row));
  }
  // How many there will be, nobody knows.
  uint64_t bytes_read() const override { return 0; }
  uint64_t bytes_total() const override { return 0; }

 private:
  Result<client::PutRecord> PutOf(Record record) const {
    client::PutRecord put;
    const std::vector<KeyColumn>& columns = group_.entity.keys;
    TOKURA_ASSIGN_OR_RETURN(std::vector<Value> key, DecodeRowKey(record.key, columns));
    for (size_t i = 0; i < key.size(); ++i) {
      put.key.emplace_back(columns[i].name, std::move(key[i]));
    }
    put.event_time = Value(Timestamp{record.event_time_us});
    for (Cell& cell : record.cells) {
      put.values.emplace_back(group_.FindFeature(cell.feature)->name, std::move(cell.value));
    }
    if (record.ttl_us) put.ttl = Value(*record.ttl_us);
    put.write_id = record.write_id;
    return put;
  }

  const FeatureGroup& group_;
  offline::Promotion& promotion_;
  uint64_t rows_ = 0;
};

// All of it is read before the first record is known.
Status ReadTable(Context& context, offline::Promotion* promotion) {
  Progress progress(context.console, context.clock, "reading the table");
  while (promotion->rows_read() < promotion->rows_total()) {
    TOKURA_RETURN_IF_ERROR(promotion->Read(0, kRowsAtOnce).status());
    progress.Update(promotion->rows_read(), promotion->rows_read(), promotion->rows_total());
  }
  return OkStatus();
}

}  // namespace

Result<Counts> PromoteRows(Session& session, Context& context, const FeatureGroup& group,
                           const PromoteJob& job) {
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::Table> table,
                          offline::Table::OpenForRead(context.files, job.offline_root, group));
  offline::PromotionOptions options{.now_us = context.clock.NowUs()};
  for (const std::string& id : job.import_ids) options.origins.insert("import:" + id);
  offline::Promotion promotion(context.files, *table, group, std::move(options));
  TOKURA_RETURN_IF_ERROR(ReadTable(context, &promotion));
  PromotionRows rows(group, &promotion);
  SenderOptions sending;
  sending.group = group.QualifiedName();
  sending.stores = Stores::kOnline;
  sending.rows_per_second = job.rows_per_second;
  sending.call_timeout = session.options().timeout;
  Progress progress(context.console, context.clock, "promoting");
  Sender sender(
      session.api(), session.executor(), context.clock, std::move(sending),
      [](uint64_t) { return WriteId(); },  // each row brings its own
      [](const offline::ImportRow&, const Status&) { return OkStatus(); }, &progress);
  TOKURA_RETURN_IF_ERROR(session.Call(sender.Send(rows)));
  return sender.counts();
}

}  // namespace tokura::cli
