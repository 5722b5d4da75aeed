// RecordWriter: canonical bytes of a record (docs/formats/record.md) from values as they came in a
// request, without a Record or a Value being made of them. The short way for records as they mostly
// are: what it refuses takes the long way (Coerce, EncodeRecord), which decides, and knows why.
//
//   writer.Begin({stores, event_time_us, write_id, ttl_us, key, /*cells=*/2});
//   if (!writer.AddFloat(f1, 39.02) || !writer.AddText(f2, "NE")) return LongWay();
//   Send(writer.record());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/record.h"
#include "core/schema.h"
#include "core/value.h"

namespace tokura {

class RecordWriter {
 public:
  struct Head {
    Stores stores = Stores::kBoth;
    int64_t event_time_us = 0;
    WriteId write_id;
    std::optional<int64_t> ttl_us;
    std::string_view key;
    size_t cells = 0;
    bool delete_row = false;
  };
  // REQUIRES: what EncodeRecord requires of the same; so many cells are added.
  void Begin(const Head& head);

  // The next cell: NULL, or a value as Coerce takes it in the native syntax. False: it is none of
  // the feature's type, or the long way has to look at it; the record is of no use then.
  // REQUIRES: features ascend.
  void AddNull(const Feature& feature);
  bool AddBool(const Feature& feature, bool x);
  bool AddInt(const Feature& feature, int64_t x);
  bool AddFloat(const Feature& feature, double x);
  bool AddText(const Feature& feature, std::string_view x);
  bool AddBytes(const Feature& feature, std::string_view x);
  bool AddTimestamp(const Feature& feature, int64_t us);
  // `floats`: their bytes, one after the other.
  bool AddVector(const Feature& feature, std::string_view floats);
  // The feature is deleted. REQUIRES: no cell of the record has a value or NULL.
  void AddDelete(const Feature& feature);
  // A value of the feature's type, whatever that is. REQUIRES: as Coerce makes it.
  void AddValue(const Feature& feature, const Value& value);

  // Valid until the next Begin.
  std::string_view record() const { return {room_.data(), size_}; }

 private:
  // Room for so many bytes behind a cell's head; where the head begins.
  char* Reserve(size_t bytes);
  char* PutHead(const Feature& feature, uint8_t tag, size_t bytes);
  void End(const char* end) { size_ = static_cast<size_t>(end - room_.data()); }
  bool AddSized(const Feature& feature, uint8_t tag, std::string_view x);

  std::string room_;  // for its memory
  size_t size_ = 0;
  uint32_t last_feature_ = 0;
};

}  // namespace tokura
