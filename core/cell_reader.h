// CellReader: the cells of a record one by one, where they lie (RecordView::cells), without a Value
// being made of them. Checks what the bytes say of themselves, but not what is in strings, floats,
// vectors and lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/canonical.h"
#include "core/limits.h"

namespace tokura {

// A cell as it stands in a record; docs/formats/record.md has the tags.
struct CellBytes {
  uint32_t feature = 0;
  uint8_t tag = 0;
  const char* bytes = nullptr;  // of a float, string, vector or list
  size_t size = 0;
  int64_t integer = 0;  // of an integer or timestamp
};

// Reads forward over bytes that were not checked yet; false at their end.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}
  size_t left() const { return static_cast<size_t>(end_ - p_); }
  bool done() const { return p_ == end_; }
  std::string_view rest() const { return {p_, left()}; }
  bool Byte(uint8_t* byte) {
    if (p_ == end_) return false;
    *byte = static_cast<uint8_t>(*p_++);
    return true;
  }
  bool Take(size_t n, const char** bytes) {
    if (left() < n) return false;
    *bytes = p_;
    p_ += n;
    return true;
  }
  [[gnu::always_inline]] bool Varint(uint64_t* v) {
    if (p_ != end_ && static_cast<uint8_t>(*p_) < 0x80) {
      *v = static_cast<uint8_t>(*p_++);
      return true;
    }
    ByteReader reader(rest());
    if (!reader.Varint(v)) return false;
    p_ = end_ - reader.rest().size();
    return true;
  }

 private:
  const char* p_;
  const char* end_;
};

// The value behind cell->tag, a scalar.
[[gnu::always_inline]] inline bool TakeScalar(Cursor* cursor, CellBytes* cell) {
  uint64_t n = 0;
  switch (cell->tag) {
    case kTagFalse:
    case kTagTrue:
      return true;
    case kTagInt:
    case kTagTimestamp:
      if (!cursor->Varint(&n)) return false;
      cell->integer = UnZigZag(n);
      return true;
    case kTagFloat32:
      return cursor->Take(cell->size = 4, &cell->bytes);
    case kTagFloat64:
      return cursor->Take(cell->size = 8, &cell->bytes);
    case kTagString:
    case kTagBytes:
      if (!cursor->Varint(&n) || n > kValueBytesMax) return false;
      return cursor->Take(cell->size = n, &cell->bytes);
    default:
      return false;
  }
}

// The elements of a list (CellBytes of kTagList), as cells without a feature.
class ListReader {
 public:
  explicit ListReader(std::string_view list) : cursor_(list) { ok_ = cursor_.Varint(&left_); }
  // False after the last one, or where it is malformed.
  bool Next(CellBytes* element) {
    if (!ok_ || left_ == 0) return false;
    ok_ = cursor_.Byte(&element->tag) && TakeScalar(&cursor_, element);
    --left_;
    return ok_;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return cursor_.rest(); }

 private:
  Cursor cursor_;
  uint64_t left_ = 0;
  bool ok_ = true;
};

class CellReader {
 public:
  explicit CellReader(std::string_view cells) : cursor_(cells) {}
  bool done() const { return cursor_.done(); }

  // `cell` is the one before; for the first a default one. False: malformed, or at the end.
  [[gnu::always_inline]] bool Next(CellBytes* cell) {
    uint64_t n = 0;
    if (!cursor_.Varint(&n) || n == 0 || n > UINT32_MAX - cell->feature) return false;
    cell->feature += static_cast<uint32_t>(n);
    if (!cursor_.Byte(&cell->tag)) return false;
    switch (cell->tag) {
      case kTagDelete:
      case kTagNull:
        return true;
      case kTagVector:
        if (!cursor_.Varint(&n) || n < 1 || n > kVectorSizeMax) return false;
        return cursor_.Take(cell->size = 4 * n, &cell->bytes);
      case kTagList:
        return TakeList(cell);
      default:
        return TakeScalar(&cursor_, cell);
    }
  }

 private:
  bool TakeList(CellBytes* cell);

  Cursor cursor_;
};

}  // namespace tokura
