#include "offline/join/value_gather.h"

#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <arrow/array/array_base.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "offline/records/arrow_file.h"
#include "offline/records/data_file_schema.h"
#include "offline/records/value_builder.h"

namespace tokura::offline {
namespace {

// The values of an array as they lie in memory. `array`: null, nothing but nulls.
template <typename Word>
struct WordsOf {
  explicit WordsOf(const arrow::Array* array) {
    if (array == nullptr) return;
    values = array->data()->template GetValues<Word>(1);
    valid = array->null_bitmap_data();
    offset = array->offset();
  }
  bool Has(int64_t row) const {
    return values != nullptr && (valid == nullptr || arrow::bit_util::GetBit(valid, offset + row));
  }
  const Word* values = nullptr;
  const uint8_t* valid = nullptr;
  int64_t offset = 0;
};

// One feature of one contest.
class Gather {
 public:
  Gather(const SpineChunk& chunk, const Contest& contest, const Feature& feature, size_t number,
         const std::vector<uint32_t>& places, std::shared_ptr<arrow::Array> otherwise)
      : chunk_(chunk),
        contest_(contest),
        feature_(feature),
        number_(number),
        places_(places),
        type_(ArrowTypeOf(feature.type, 0)),
        otherwise_(std::move(otherwise)) {}

  arrow::Result<std::shared_ptr<arrow::Array>> Run() const {
    if (feature_.type.is_scalar() && feature_.type.kind != Kind::kBool) {
      if (feature_.type.fixed_width() == sizeof(uint64_t)) return Numbers<uint64_t>();
      if (feature_.type.fixed_width() == sizeof(uint32_t)) return Numbers<uint32_t>();
    }
    return Anything();
  }

 private:
  struct Cell {
    const arrow::Array* array = nullptr;  // null: a null
    int64_t row = 0;
  };

  Cell CellOf(size_t row) const {
    const auto place = contest_.ValueAt(row, number_, chunk_.time_us(row));
    if (!place) return {otherwise_.get(), 0};
    return {contest_.takings(place->takings)->values[number_].get(), place->row};
  }

  // Written straight to their places: rows of a chunk come by key as those that won do, and only
  // the places are all over the spine.
  template <typename Word>
  arrow::Result<std::shared_ptr<arrow::Array>> Numbers() const {
    const auto rows = static_cast<int64_t>(chunk_.size());
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> words,
                          arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(Word))));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> valid, arrow::AllocateEmptyBitmap(rows));
    auto* out = words->mutable_data_as<Word>();
    uint8_t* bits = valid->mutable_data();
    std::vector<WordsOf<Word>> columns;  // by takings
    for (uint32_t i = 0; i < contest_.takings_count(); ++i) {
      const Takings* const takings = contest_.takings(i);
      columns.emplace_back(takings == nullptr ? nullptr : takings->values[number_].get());
    }
    const WordsOf<Word> otherwise(otherwise_.get());
    int64_t nulls = 0;
    for (size_t i = 0; i < chunk_.size(); ++i) {
      const auto won = contest_.ValueAt(i, number_, chunk_.time_us(i));
      const WordsOf<Word>& from = won ? columns[won->takings] : otherwise;
      const int64_t row = won ? won->row : 0;
      const uint32_t place = places_[i];
      if (!from.Has(row)) {
        out[place] = 0;
        ++nulls;
        continue;
      }
      out[place] = from.values[row];
      arrow::bit_util::SetBit(bits, place);
    }
    return arrow::MakeArray(arrow::ArrayData::Make(
        type_, rows, {nulls == 0 ? nullptr : std::move(valid), std::move(words)}, nulls));
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Anything() const {
    std::vector<Cell> cells(chunk_.size());
    for (size_t i = 0; i < chunk_.size(); ++i) cells[places_[i]] = CellOf(i);
    std::unique_ptr<arrow::ArrayBuilder> builder;
    ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), type_, &builder));
    ARROW_RETURN_NOT_OK(builder->Reserve(static_cast<int64_t>(cells.size())));
    for (const Cell& cell : cells) {
      ARROW_RETURN_NOT_OK(cell.array == nullptr
                              ? builder->AppendNull()
                              : builder->AppendArraySlice(*cell.array->data(), cell.row, 1));
    }
    return builder->Finish();
  }

  const SpineChunk& chunk_;
  const Contest& contest_;
  const Feature& feature_;
  const size_t number_;
  const std::vector<uint32_t>& places_;
  const std::shared_ptr<arrow::DataType> type_;
  const std::shared_ptr<arrow::Array> otherwise_;
};

}  // namespace

Result<std::shared_ptr<arrow::Array>> DefaultOf(const Feature& feature) {
  const auto make = [&]() -> arrow::Result<std::shared_ptr<arrow::Array>> {
    ARROW_ASSIGN_OR_RAISE(ValueBuilder builder,
                          ValueBuilder::Make(feature.type, ArrowTypeOf(feature.type, 0)));
    ARROW_RETURN_NOT_OK(builder.Append(feature.default_value.value_or(Value())));
    return builder.Finish();
  };
  arrow::Result<std::shared_ptr<arrow::Array>> made = make();
  TOKURA_RETURN_IF_ERROR(FromArrow(made.status(), Code::kInternal, feature.name));
  return *std::move(made);
}

Result<arrow::ArrayVector> GatherValues(const SpineChunk& chunk, const Contest& contest,
                                        const std::vector<const Feature*>& features,
                                        const std::vector<uint32_t>& places) {
  arrow::ArrayVector columns;
  for (size_t f = 0; f < features.size(); ++f) {
    TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> otherwise, DefaultOf(*features[f]));
    auto column = Gather(chunk, contest, *features[f], f, places, std::move(otherwise)).Run();
    TOKURA_RETURN_IF_ERROR(FromArrow(column.status(), Code::kInternal, features[f]->name));
    columns.push_back(*std::move(column));
  }
  return columns;
}

}  // namespace tokura::offline
