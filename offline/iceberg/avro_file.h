// Avro object container files, in memory: what Iceberg keeps its manifests in. Files of any writer
// are read, by the schema that they bring; what we write is encoded by hand in the order of a
// schema of ours (AvroEncoder). Codecs: null, deflate, and for reading zstandard.
//
//   file:  "Obj\1" · map of metadata (avro.schema, avro.codec, ...) · sync marker · blocks
//   block: count · bytes · encoded objects, compressed · sync marker
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/status.h"
#include "offline/iceberg/avro_schema.h"

namespace tokura::offline::iceberg {

// One decoded value. A union is the value of its choice; a fixed is bytes; an enum the place of its
// symbol; a map has its values only.
struct AvroValue {
  using Items = std::vector<AvroValue>;
  const AvroType* type = nullptr;
  std::variant<std::monostate, bool, int64_t, double, std::string, Items> v;

  bool is_null() const { return v.index() == 0; }
  // Null unless it is of that kind.
  const bool* boolean() const { return std::get_if<bool>(&v); }
  const int64_t* integer() const { return std::get_if<int64_t>(&v); }
  const double* number() const { return std::get_if<double>(&v); }
  const std::string* bytes() const { return std::get_if<std::string>(&v); }
  const Items* items() const { return std::get_if<Items>(&v); }  // fields of a record, too
  // The field of a record that has this field id; null if there is none, or this is no record.
  const AvroValue* Field(int32_t id) const;
};

using AvroMetadata = std::map<std::string, std::string>;

// Calls `visit` for each object; what it is given lives until it returns. Returns the metadata.
// CORRUPT for what is not an Avro file, or beyond the limits of a manifest (256 MiB decoded, 16 MiB
// an object); FAILED_PRECONDITION for a codec that is not read here; else what `visit` returned.
Result<AvroMetadata> ReadAvroFile(std::string_view bytes,
                                  const std::function<Status(const AvroValue&)>& visit);

// Appends the parts of one object, in the order of its schema.
class AvroEncoder {
 public:
  AvroEncoder& Boolean(bool v);
  AvroEncoder& Long(int64_t v);                                            // int and long
  AvroEncoder& Bytes(std::string_view v);                                  // bytes and string
  AvroEncoder& Choice(size_t i) { return Long(static_cast<int64_t>(i)); }  // of a union, in front
  // An array: its length, its items, its end. Nothing stands between them when it is empty.
  AvroEncoder& BeginArray(size_t items);
  AvroEncoder& EndArray() { return Long(0); }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Makes one file. Same objects, schema and metadata, same bytes.
class AvroWriter {
 public:
  // `schema`: its JSON text. `metadata` must not have avro.* keys.
  AvroWriter(std::string_view schema, AvroMetadata metadata);
  void Add(const AvroEncoder& object);
  // The whole file; of no use afterwards.
  std::string Finish();

 private:
  void EndBlock();

  std::string file_;
  std::string sync_marker_;
  std::string block_;
  int64_t block_objects_ = 0;
};

}  // namespace tokura::offline::iceberg
