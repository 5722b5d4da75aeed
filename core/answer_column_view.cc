#include "core/answer_column_view.h"

#include <algorithm>
#include <cstring>

#include "core/bytes.h"
#include "core/feature_column_fields.h"
#include "core/protobuf_wire.h"

namespace tokura {
namespace {

using pbwire::WireReader;

Status Bad(std::string_view what) { return InvalidArgument("feature column " + std::string(what)); }

// Numbers in a packed array of varints; nullopt unless it ends with a whole one.
std::optional<size_t> CountVarints(std::string_view packed) {
  size_t count = 0;
  for (const char c : packed) count += static_cast<uint8_t>(c) < 0x80 ? 1 : 0;
  if (!packed.empty() && static_cast<uint8_t>(packed.back()) >= 0x80) return std::nullopt;
  return count;
}

bool ParseType(std::string_view message, Type* type) {
  WireReader reader(message);
  uint64_t kind = 0;
  uint64_t shape = 0;
  uint64_t size = 0;
  while (reader.Next()) {
    if (reader.field() == kTypeKind) kind = reader.number();
    if (reader.field() == kTypeShape) shape = reader.number();
    if (reader.field() == kTypeSize) size = reader.number();
  }
  constexpr uint64_t kVectorSizeMax = 65'536;
  const bool known = kind >= static_cast<uint64_t>(Kind::kBool) &&
                     kind <= static_cast<uint64_t>(Kind::kTimestamp) &&
                     shape <= static_cast<uint64_t>(Shape::kVector) && size <= kVectorSizeMax;
  if (!reader.ok() || !known) return false;
  *type = {static_cast<Kind>(kind), static_cast<Shape>(shape), static_cast<uint32_t>(size)};
  if (type->shape != Shape::kVector) return size == 0;
  return size > 0 && type->kind == Kind::kFloat32;
}

}  // namespace

Result<AnswerColumnView> AnswerColumnView::Parse(std::string_view body) {
  AnswerColumnView view;
  view.body_ = body;
  WireReader reader(body);
  bool has_column = false;
  while (reader.Next()) {
    if (!reader.is_bytes()) return Bad("with a field of another type");
    switch (reader.field()) {
      case kFeatureValues:
        if (has_column) return Bad("given twice");
        has_column = true;
        TOKURA_RETURN_IF_ERROR(view.ParseColumn(reader.bytes()));
        break;
      case kFeatureStatuses:
        view.statuses_ = reader.bytes();
        break;
      case kFeatureEventTimes:
        view.event_time_bytes_ = reader.bytes();
        break;
      case kFeatureHasValue:
        view.has_value_ = reader.bytes();
        break;
      default:
        break;
    }
  }
  if (!reader.ok() || !has_column) return Bad("that cannot be read");
  const size_t rows = view.rows_;
  const auto whole = [rows](size_t n) { return n == 0 || n == rows; };
  if (view.statuses_.size() != rows || !whole(view.has_value_.size()) ||
      !whole(CountVarints(view.event_time_bytes_).value_or(rows + 1))) {
    return Bad("whose parts differ in length");
  }
  if (!view.HasKnownStatuses()) return Bad("with an unknown status");
  TOKURA_RETURN_IF_ERROR(view.CheckValues());
  return view;
}

bool AnswerColumnView::HasKnownStatuses() const {
  uint8_t highest = 0;  // without a branch a byte, the compiler takes many bytes a step
  for (const char c : statuses_) highest = std::max(highest, static_cast<uint8_t>(c));
  return highest <= static_cast<uint8_t>(ReadStatus::kDenied);
}

// Whether every body of this size parses alike that differs in values and statuses alone.
bool AnswerColumnView::IsFrame() const {
  const ColumnStorage storage = StorageOf(type_);
  const bool fixed = storage == ColumnStorage::kBools || storage == ColumnStorage::kDoubles ||
                     storage == ColumnStorage::kFloats || storage == ColumnStorage::kVector;
  return fixed && !values_.empty() && event_time_bytes_.empty() && has_value_.empty() &&
         values_.data() + values_.size() <= statuses_.data() &&
         statuses_.data() + statuses_.size() == body_.data() + body_.size();
}

bool AnswerColumnView::ParseAs(const AnswerColumnView& model, std::string_view body) {
  if (body.size() != model.body_.size() || !model.IsFrame()) return false;
  const auto values_at = static_cast<size_t>(model.values_.data() - model.body_.data());
  const auto statuses_at = static_cast<size_t>(model.statuses_.data() - model.body_.data());
  const size_t values_end = values_at + model.values_.size();
  const auto same = [&](size_t begin, size_t end) {
    return std::memcmp(body.data() + begin, model.body_.data() + begin, end - begin) == 0;
  };
  if (!same(0, values_at) || !same(values_end, statuses_at)) return false;
  body_ = body;
  type_ = model.type_;
  rows_ = model.rows_;
  values_ = body.substr(values_at, model.values_.size());
  statuses_ = body.substr(statuses_at);
  return HasKnownStatuses();
}

Status AnswerColumnView::ParseColumn(std::string_view column) {
  WireReader reader(column);
  uint32_t array = 0;  // the field of the one array
  bool has_type = false;
  while (reader.Next()) {
    const uint32_t field = reader.field();
    if (field == kColumnType && reader.is_bytes()) {
      has_type = ParseType(reader.bytes(), &type_);
    } else if (field == kColumnRows && reader.is_varint()) {
      rows_ = reader.number();
    } else if (field == kColumnData && reader.is_bytes()) {
      data_ = reader.bytes();
    } else if (field == kColumnLists && reader.is_bytes()) {
      lists_.push_back(reader.bytes());
    } else if (field >= kColumnBools && field <= kColumnEnds && reader.is_bytes() && array == 0) {
      array = field;
      values_ = reader.bytes();
    } else {
      return Bad("with fields that no column has");
    }
  }
  if (!reader.ok() || !has_type) return Bad("of an unknown type");
  const bool fits = array == 0 || array == FieldOf(StorageOf(type_));
  return fits ? OkStatus() : Bad("whose values are not of its type");
}

Status AnswerColumnView::CheckValues() const {
  const ColumnStorage storage = StorageOf(type_);
  const bool text = storage == ColumnStorage::kText;
  bool whole = text || data_.empty();
  whole = whole && (lists_.empty() || storage == ColumnStorage::kLists);
  if (storage == ColumnStorage::kLists) {
    whole = whole && lists_.size() == rows_;
  } else if (text || storage == ColumnStorage::kInts) {
    whole = whole && CountVarints(values_) == rows_;
  } else {
    const uint32_t width = WidthOf(type_);
    whole = whole && values_.size() % width == 0 && values_.size() / width == rows_;
  }
  uint64_t end = 0;
  for (std::string_view rest = text ? values_ : std::string_view(); whole && !rest.empty();) {
    const uint64_t begin = end;
    whole = pbwire::TakeVarint(&rest, &end) && end >= begin && end <= data_.size();
  }
  if (!whole || end != data_.size()) return Bad("that does not hold a value a row");
  return OkStatus();
}

void AnswerColumnView::Index() {
  if (indexed_) return;
  indexed_ = true;
  const ColumnStorage storage = StorageOf(type_);
  uint64_t number = 0;
  if (storage == ColumnStorage::kInts) {
    ints_.reserve(rows_);
    for (std::string_view rest = values_; pbwire::TakeVarint(&rest, &number);) {
      ints_.push_back(UnZigZag(number));
    }
    ints_.resize(rows_);  // a varint that is too long ends the array
  } else if (storage == ColumnStorage::kText) {
    ends_.reserve(rows_);
    for (std::string_view rest = values_; pbwire::TakeVarint(&rest, &number);) {
      ends_.push_back(static_cast<uint32_t>(number));
    }
  }
  if (event_time_bytes_.empty()) return;
  event_times_.reserve(rows_);
  for (std::string_view rest = event_time_bytes_; pbwire::TakeVarint(&rest, &number);) {
    event_times_.push_back(UnZigZag(number));
  }
  event_times_.resize(rows_);
}

std::string_view AnswerColumnView::Text(size_t row) const {
  if (!lists_.empty()) return lists_[row];
  if (ends_.empty()) return {};
  const uint32_t begin = row == 0 ? 0 : ends_[row - 1];
  return data_.substr(begin, ends_[row] - begin);
}

void AnswerColumnView::CopyValue(size_t row, AnswerColumns* columns, size_t column,
                                 size_t to) const {
  const AnswerCells& cells = columns->cells(column);
  if (cells.width == 0) {
    columns->PutText(column, to, 0, Text(row));
  } else if (!ints_.empty()) {
    std::memcpy(cells.value(to), &ints_[row], sizeof(int64_t));
  } else {
    std::memcpy(cells.value(to), values_.data() + row * cells.width, cells.width);
  }
}

}  // namespace tokura
