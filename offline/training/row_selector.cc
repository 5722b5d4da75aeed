#include "offline/training/row_selector.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include "core/nearest.h"
#include "offline/records/arrow_file.h"
#include "offline/user_files/cell_text.h"

namespace tokura::offline {
namespace {

// Different words, so that a sample says nothing about a split of the same seed.
constexpr uint64_t kSampleSalt = 0x73616d706c65;
constexpr uint64_t kSplitSalt = 0x73706c6974;
constexpr double kHashes = 0x1p64;
constexpr size_t kStrataMax = 100'000;

uint64_t HashText(const std::string& text, uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

template <typename Array>
arrow::Result<std::shared_ptr<Array>> TakeRows(const std::shared_ptr<Array>& array,
                                               const std::shared_ptr<arrow::Array>& rows) {
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(array, rows));
  return std::static_pointer_cast<Array>(taken.make_array());
}

// The rows of `batch` whose numbers are in `rows`.
arrow::Status TakeBatch(const std::shared_ptr<arrow::Array>& rows, SpineBatch* batch) {
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(batch->rows, rows));
  batch->rows = taken.record_batch();
  ARROW_ASSIGN_OR_RAISE(batch->times_us, TakeRows(batch->times_us, rows));
  for (auto& keys : batch->keys) {
    ARROW_ASSIGN_OR_RAISE(keys, TakeRows(keys, rows));
  }
  return arrow::Status::OK();
}

}  // namespace

HashCuts::HashCuts(const std::vector<double>& shares) {
  double sum = 0;
  for (const double share : shares) {
    sum += share;
    Cut cut;
    cut.everything = sum * kHashes >= kHashes - kHashes * 1e-12;
    if (!cut.everything) cut.hash = static_cast<uint64_t>(sum * kHashes);
    cuts_.push_back(cut);
  }
}

HashCuts::HashCuts(const std::vector<double>& shares, std::vector<uint64_t> hashes) {
  std::sort(hashes.begin(), hashes.end());
  double sum = 0;
  for (const double share : shares) {
    sum += share;
    const auto count = static_cast<size_t>(std::llround(sum * static_cast<double>(hashes.size())));
    Cut cut;
    cut.everything = count >= hashes.size();
    if (!cut.everything) {
      cut.hash = hashes[count];
      const auto equal = std::lower_bound(hashes.begin(), hashes.end(), cut.hash);
      cut.equals = count - static_cast<size_t>(equal - hashes.begin());
    }
    cuts_.push_back(cut);
  }
}

size_t HashCuts::PartOf(uint64_t hash) {
  for (size_t part = 0; part < cuts_.size(); ++part) {
    Cut& cut = cuts_[part];
    if (cut.everything || hash < cut.hash) return part;
    if (hash == cut.hash && cut.equals > 0) {
      --cut.equals;
      // Those of the parts before are counted in the later ones, too.
      for (size_t later = part + 1; later < cuts_.size(); ++later) {
        if (!cuts_[later].everything && cuts_[later].hash == hash) --cuts_[later].equals;
      }
      return part;
    }
  }
  return cuts_.size();
}

RowSelector::RowSelector(const SpineSelection& selection)
    : selection_(selection), parts_(selection.parts()) {
  for (const auto& [part, share] : selection.split) split_shares_.push_back(share);
  for (const std::string& part : parts_) rows_of_parts_[part] = 0;
  strata_.try_emplace("", Stratum{HashCuts({selection_.sample}), HashCuts(split_shares_)});
}

Status RowSelector::CheckColumns(const arrow::Schema& schema) const {
  std::vector<std::string> named = selection_.split_by;
  if (!selection_.stratify.empty()) named.push_back(selection_.stratify);
  for (const std::string& column : named) {
    if (schema.GetFieldIndex(column) >= 0) continue;
    return InvalidArgument("there is no column '" + column + "'" +
                           DidYouMean(column, schema.field_names()));
  }
  return OkStatus();
}

RowSelector::Hashes RowSelector::HashesOf(const arrow::RecordBatch& rows, int64_t i) const {
  std::string all;
  for (const auto& column : rows.columns()) all += CsvCellOf(*column, i) + ",";
  std::string together;
  for (const std::string& column : selection_.split_by) {
    together += CsvCellOf(*rows.GetColumnByName(column), i) + ",";
  }
  return {HashText(all, selection_.seed ^ kSampleSalt),
          HashText(together.empty() ? all : together, selection_.seed ^ kSplitSalt)};
}

std::string RowSelector::StratumOf(const arrow::RecordBatch& rows, int64_t i) const {
  if (!learns()) return "";
  return CsvCellOf(*rows.GetColumnByName(selection_.stratify), i);
}

Status RowSelector::Learn(const arrow::RecordBatch& rows, uint64_t memory_bytes) {
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    learned_[StratumOf(rows, i)].push_back(HashesOf(rows, i));
  }
  learned_rows_ += static_cast<uint64_t>(rows.num_rows());
  if (learned_.size() > kStrataMax) {
    return InvalidArgument("column '" + selection_.stratify + "' has more than " +
                           std::to_string(kStrataMax) + " different values; stratify by fewer");
  }
  if (learned_rows_ * sizeof(Hashes) > memory_bytes) {
    return ResourceExhausted("to stratify, " + std::to_string(sizeof(Hashes)) +
                             " bytes a row are held in memory, which is more than --memory allows");
  }
  return OkStatus();
}

void RowSelector::Settle() {
  for (auto& [value, hashes] : learned_) {
    std::vector<uint64_t> samples;
    for (const Hashes& row : hashes) samples.push_back(row.sample);
    const HashCuts sample({selection_.sample}, std::move(samples));
    std::vector<uint64_t> splits;
    HashCuts counting = sample;
    for (const Hashes& row : hashes) {
      if (counting.PartOf(row.sample) == 0) splits.push_back(row.split);
    }
    strata_.insert_or_assign(value, Stratum{sample, HashCuts(split_shares_, std::move(splits))});
  }
  learned_.clear();
}

size_t RowSelector::PartByTime(int64_t time_us) const {
  const std::vector<int64_t>& times = selection_.split_times_us;
  return static_cast<size_t>(std::upper_bound(times.begin(), times.end(), time_us) - times.begin());
}

Status RowSelector::Select(const arrow::RecordBatch& rows, SpineBatch* batch) {
  const auto select = [&]() -> arrow::Status {
    arrow::Int64Builder kept;
    arrow::StringBuilder parts;
    for (int64_t i = 0; i < rows.num_rows(); ++i) {
      const Hashes hashes = HashesOf(rows, i);
      Stratum& stratum = strata_.at(StratumOf(rows, i));
      if (stratum.sample.PartOf(hashes.sample) != 0) continue;
      ARROW_RETURN_NOT_OK(kept.Append(i));
      if (!selection_.splits()) continue;
      if (!selection_.split_times_us.empty() && batch->times_us->IsNull(i)) {
        ARROW_RETURN_NOT_OK(parts.AppendNull());
        continue;
      }
      const size_t part = selection_.split_times_us.empty() ? stratum.split.PartOf(hashes.split)
                                                            : PartByTime(batch->times_us->Value(i));
      ++rows_of_parts_[parts_[part]];
      ARROW_RETURN_NOT_OK(parts.Append(parts_[part]));
    }
    ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Array> numbers, kept.Finish());
    if (numbers->length() < rows.num_rows()) ARROW_RETURN_NOT_OK(TakeBatch(numbers, batch));
    if (!selection_.splits()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Array> column, parts.Finish());
    ARROW_ASSIGN_OR_RAISE(batch->rows,
                          batch->rows->AddColumn(batch->rows->num_columns(), kSplitColumn, column));
    return arrow::Status::OK();
  };
  return FromArrow(select(), Code::kInternal, "selecting rows");
}

}  // namespace tokura::offline
