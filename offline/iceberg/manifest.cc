#include "offline/iceberg/manifest.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/json.hpp>

#include "core/bytes.h"
#include "offline/iceberg/avro_file.h"

namespace tokura::offline::iceberg {
namespace {

namespace json = boost::json;

// Field ids of the specification.
enum EntryField : int32_t {
  kStatus = 0,
  kSnapshotId = 1,
  kDataFile = 2,
  kSequenceNumber = 3,
  kFileSequenceNumber = 4,
  kFilePath = 100,
  kFileFormat = 101,
  kPartition = 102,
  kRecordCount = 103,
  kFileSize = 104,
  kColumnSizes = 108,
  kValueCounts = 109,
  kNullValueCounts = 110,
  kLowerBounds = 125,
  kUpperBounds = 128,
  kSplitOffsets = 132,
  kContent = 134,
  kNanValueCounts = 137,
  kSortOrderId = 140,
};
enum ListField : int32_t {
  kManifestPath = 500,
  kManifestLength = 501,
  kSpecId = 502,
  kAddedSnapshotId = 503,
  kAddedFiles = 504,
  kExistingFiles = 505,
  kDeletedFiles = 506,
  kPartitions = 507,
  kContainsNull = 509,
  kLower = 510,
  kUpper = 511,
  kAddedRows = 512,
  kExistingRows = 513,
  kDeletedRows = 514,
  kListSequenceNumber = 515,
  kMinSequenceNumber = 516,
  kListContent = 517,
  kContainsNan = 518,
};

// Schemas, in the order in which the encoders below write.

json::object Required(std::string_view name, json::value type, int32_t id) {
  return {{"name", name}, {"type", std::move(type)}, {"field-id", id}};
}

json::object Optional(std::string_view name, json::value type, int32_t id) {
  return {{"name", name},
          {"type", json::array{"null", std::move(type)}},
          {"default", nullptr},
          {"field-id", id}};
}

json::object ListOf(json::value element, int32_t element_id) {
  return {{"type", "array"}, {"items", std::move(element)}, {"element-id", element_id}};
}

// A map with int keys, which Avro does not have.
json::object MapOf(const char* value_type, int32_t key_id, int32_t value_id) {
  return {{"type", "array"},
          {"logicalType", "map"},
          {"items",
           json::object{{"type", "record"},
                        {"name", "k" + std::to_string(key_id) + "_v" + std::to_string(value_id)},
                        {"fields", json::array{Required("key", "int", key_id),
                                               Required("value", value_type, value_id)}}}}};
}

std::string EntrySchema(const std::vector<PartitionField>& partition) {
  json::array partition_fields;
  for (const PartitionField& field : partition) {
    const json::value type =
        field.is_date ? json::value(json::object{{"type", "int"}, {"logicalType", "date"}})
                      : json::value("int");
    partition_fields.push_back(Optional(field.name, type, field.id));
  }
  const json::object data_file{
      {"type", "record"},
      {"name", "r2"},
      {"fields",
       json::array{
           Required("content", "int", kContent),
           Required("file_path", "string", kFilePath),
           Required("file_format", "string", kFileFormat),
           Required(
               "partition",
               json::object{{"type", "record"}, {"name", "r102"}, {"fields", partition_fields}},
               kPartition),
           Required("record_count", "long", kRecordCount),
           Required("file_size_in_bytes", "long", kFileSize),
           Optional("column_sizes", MapOf("long", 117, 118), kColumnSizes),
           Optional("value_counts", MapOf("long", 119, 120), kValueCounts),
           Optional("null_value_counts", MapOf("long", 121, 122), kNullValueCounts),
           Optional("nan_value_counts", MapOf("long", 138, 139), kNanValueCounts),
           Optional("lower_bounds", MapOf("bytes", 126, 127), kLowerBounds),
           Optional("upper_bounds", MapOf("bytes", 129, 130), kUpperBounds),
           Optional("split_offsets", ListOf("long", 133), kSplitOffsets),
           Optional("sort_order_id", "int", kSortOrderId),
       }}};
  return json::serialize(json::object{
      {"type", "record"},
      {"name", "manifest_entry"},
      {"fields",
       json::array{Required("status", "int", kStatus), Optional("snapshot_id", "long", kSnapshotId),
                   Optional("sequence_number", "long", kSequenceNumber),
                   Optional("file_sequence_number", "long", kFileSequenceNumber),
                   Required("data_file", data_file, kDataFile)}}});
}

std::string ListSchema() {
  const json::object bounds{
      {"type", "record"},
      {"name", "r508"},
      {"fields", json::array{Required("contains_null", "boolean", kContainsNull),
                             Optional("contains_nan", "boolean", kContainsNan),
                             Optional("lower_bound", "bytes", kLower),
                             Optional("upper_bound", "bytes", kUpper)}}};
  return json::serialize(
      json::object{{"type", "record"},
                   {"name", "manifest_file"},
                   {"fields", json::array{
                                  Required("manifest_path", "string", kManifestPath),
                                  Required("manifest_length", "long", kManifestLength),
                                  Required("partition_spec_id", "int", kSpecId),
                                  Required("content", "int", kListContent),
                                  Required("sequence_number", "long", kListSequenceNumber),
                                  Required("min_sequence_number", "long", kMinSequenceNumber),
                                  Required("added_snapshot_id", "long", kAddedSnapshotId),
                                  Required("added_files_count", "int", kAddedFiles),
                                  Required("existing_files_count", "int", kExistingFiles),
                                  Required("deleted_files_count", "int", kDeletedFiles),
                                  Required("added_rows_count", "long", kAddedRows),
                                  Required("existing_rows_count", "long", kExistingRows),
                                  Required("deleted_rows_count", "long", kDeletedRows),
                                  Optional("partitions", ListOf(bounds, 508), kPartitions),
                              }}});
}

// Encoding.

constexpr size_t kAbsent = 0;  // the choices of an optional field
constexpr size_t kThere = 1;

template <typename T>
void PutOptional(AvroEncoder* to, const std::optional<T>& value) {
  if (!value) {
    to->Choice(kAbsent);
    return;
  }
  to->Choice(kThere);
  if constexpr (std::is_same_v<T, bool>) {
    to->Boolean(*value);
  } else if constexpr (std::is_integral_v<T>) {
    to->Long(*value);
  } else {
    to->Bytes(*value);
  }
}

template <typename T>
void PutMap(AvroEncoder* to, const std::map<int32_t, T>& map) {
  to->Choice(kThere).BeginArray(map.size());
  for (const auto& [id, value] : map) {
    to->Long(id);
    if constexpr (std::is_integral_v<T>) {
      to->Long(value);
    } else {
      to->Bytes(value);
    }
  }
  to->EndArray();
}

AvroEncoder EncodeEntry(const FileEntry& entry) {
  AvroEncoder to;
  to.Long(static_cast<int64_t>(entry.status));
  PutOptional(&to, entry.snapshot_id);
  PutOptional(&to, entry.sequence_number);
  PutOptional(&to, entry.file_sequence_number);
  to.Long(static_cast<int64_t>(entry.content)).Bytes(entry.path).Bytes(entry.format);
  for (const std::optional<int32_t>& value : entry.partition) PutOptional(&to, value);
  to.Long(entry.rows).Long(entry.bytes);
  PutMap(&to, entry.column_bytes);
  PutMap(&to, entry.value_counts);
  PutMap(&to, entry.null_counts);
  PutMap(&to, entry.nan_counts);
  PutMap(&to, entry.lower_bounds);
  PutMap(&to, entry.upper_bounds);
  to.Choice(kThere).BeginArray(entry.split_offsets.size());
  for (const int64_t offset : entry.split_offsets) to.Long(offset);
  to.EndArray();
  PutOptional(&to, entry.sort_order_id);
  return to;
}

AvroEncoder EncodeManifestFile(const ManifestFile& manifest) {
  AvroEncoder to;
  to.Bytes(manifest.path).Long(manifest.bytes).Long(manifest.spec_id);
  to.Long(manifest.holds_deletes ? 1 : 0);
  to.Long(manifest.sequence_number).Long(manifest.min_sequence_number);
  to.Long(manifest.added_snapshot_id);
  to.Long(manifest.added_files).Long(manifest.existing_files).Long(manifest.deleted_files);
  to.Long(manifest.added_rows).Long(manifest.existing_rows).Long(manifest.deleted_rows);
  to.Choice(kThere).BeginArray(manifest.partitions.size());
  for (const PartitionBounds& bounds : manifest.partitions) {
    to.Boolean(bounds.contains_null);
    PutOptional(&to, bounds.contains_nan);
    PutOptional(&to, bounds.lower);
    PutOptional(&to, bounds.upper);
  }
  to.EndArray();
  return to;
}

// Decoding. Takes fields of one record by their ids; the first fault sticks.
class Fields {
 public:
  explicit Fields(const AvroValue* record) : record_(record) {
    if (record == nullptr || record->type->kind != AvroKind::kRecord) ok_ = false;
  }

  template <typename T>
  T Number(int32_t id) {
    const std::optional<T> number = OptionalNumber<T>(id);
    if (!number) ok_ = false;
    return number.value_or(T{});
  }
  template <typename T>
  std::optional<T> OptionalNumber(int32_t id) {
    const AvroValue* value = Find(id);
    if (value == nullptr) return std::nullopt;
    const int64_t* number = value->integer();
    if (number == nullptr || *number < std::numeric_limits<T>::min() ||
        *number > std::numeric_limits<T>::max()) {
      ok_ = false;
      return std::nullopt;
    }
    return static_cast<T>(*number);
  }
  std::optional<bool> OptionalBoolean(int32_t id) {
    const AvroValue* value = Find(id);
    if (value == nullptr) return std::nullopt;
    if (value->boolean() == nullptr) ok_ = false;
    return value->boolean() == nullptr ? std::nullopt : std::optional(*value->boolean());
  }
  std::optional<std::string> OptionalBytes(int32_t id) {
    const AvroValue* value = Find(id);
    if (value == nullptr) return std::nullopt;
    if (value->bytes() == nullptr) ok_ = false;
    return value->bytes() == nullptr ? std::nullopt : std::optional(*value->bytes());
  }
  std::string Bytes(int32_t id) {
    std::optional<std::string> bytes = OptionalBytes(id);
    if (!bytes) ok_ = false;
    return std::move(bytes).value_or("");
  }
  // The items of a list, map or record; none if it is null or not there.
  const AvroValue::Items& Items(int32_t id) {
    static const AvroValue::Items kNone;
    const AvroValue* value = Find(id);
    if (value == nullptr) return kNone;
    if (value->items() == nullptr) ok_ = false;
    return value->items() == nullptr ? kNone : *value->items();
  }
  const AvroValue* Find(int32_t id) const {
    const AvroValue* value = ok_ ? record_->Field(id) : nullptr;
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  void Fail() { ok_ = false; }
  bool ok() const { return ok_; }

 private:
  const AvroValue* record_;
  bool ok_ = true;
};

template <typename T>
std::map<int32_t, T> TakeMap(Fields* from, int32_t id) {
  std::map<int32_t, T> map;
  for (const AvroValue& item : from->Items(id)) {
    const AvroValue::Items* pair = item.items();
    const int64_t* key = pair != nullptr && pair->size() == 2 ? (*pair)[0].integer() : nullptr;
    if (key == nullptr) {
      from->Fail();
      return map;
    }
    if constexpr (std::is_integral_v<T>) {
      if (const int64_t* value = (*pair)[1].integer()) map[static_cast<int32_t>(*key)] = *value;
    } else {
      if (const std::string* value = (*pair)[1].bytes()) map[static_cast<int32_t>(*key)] = *value;
    }
  }
  return map;
}

Result<FileEntry> DecodeEntry(const AvroValue& object) {
  Fields of_entry(&object);
  FileEntry entry;
  const auto status = of_entry.Number<uint8_t>(kStatus);
  entry.status = static_cast<EntryStatus>(status);
  entry.snapshot_id = of_entry.OptionalNumber<int64_t>(kSnapshotId);
  entry.sequence_number = of_entry.OptionalNumber<int64_t>(kSequenceNumber);
  entry.file_sequence_number = of_entry.OptionalNumber<int64_t>(kFileSequenceNumber);
  const AvroValue* data_file = of_entry.Find(kDataFile);
  if (!of_entry.ok() || status > 2 || data_file == nullptr) {
    return Corrupt("not an entry of a manifest");
  }
  Fields of_file(data_file);
  const auto content = of_file.OptionalNumber<uint8_t>(kContent).value_or(0);  // version 1: none
  entry.content = static_cast<FileContent>(content);
  entry.path = of_file.Bytes(kFilePath);
  entry.format = of_file.Bytes(kFileFormat);
  for (const AvroValue& value : of_file.Items(kPartition)) {
    const int64_t* number = value.integer();
    if (number == nullptr && !value.is_null()) {
      return FailedPrecondition("a partition of another type than day or hour");
    }
    entry.partition.push_back(number == nullptr ? std::nullopt
                                                : std::optional(static_cast<int32_t>(*number)));
  }
  entry.rows = of_file.Number<int64_t>(kRecordCount);
  entry.bytes = of_file.Number<int64_t>(kFileSize);
  entry.column_bytes = TakeMap<int64_t>(&of_file, kColumnSizes);
  entry.value_counts = TakeMap<int64_t>(&of_file, kValueCounts);
  entry.null_counts = TakeMap<int64_t>(&of_file, kNullValueCounts);
  entry.nan_counts = TakeMap<int64_t>(&of_file, kNanValueCounts);
  entry.lower_bounds = TakeMap<std::string>(&of_file, kLowerBounds);
  entry.upper_bounds = TakeMap<std::string>(&of_file, kUpperBounds);
  for (const AvroValue& offset : of_file.Items(kSplitOffsets)) {
    if (offset.integer() == nullptr) return Corrupt("not an entry of a manifest");
    entry.split_offsets.push_back(*offset.integer());
  }
  entry.sort_order_id = of_file.OptionalNumber<int32_t>(kSortOrderId);
  if (!of_file.ok() || content > 2 || entry.rows < 0 || entry.bytes < 0) {
    return Corrupt("not an entry of a manifest");
  }
  return entry;
}

Result<ManifestFile> DecodeManifestFile(const AvroValue& object) {
  Fields from(&object);
  ManifestFile manifest;
  manifest.path = from.Bytes(kManifestPath);
  manifest.bytes = from.Number<int64_t>(kManifestLength);
  manifest.spec_id = from.Number<int32_t>(kSpecId);
  manifest.holds_deletes = from.OptionalNumber<int32_t>(kListContent).value_or(0) != 0;
  manifest.sequence_number = from.OptionalNumber<int64_t>(kListSequenceNumber).value_or(0);
  manifest.min_sequence_number = from.OptionalNumber<int64_t>(kMinSequenceNumber).value_or(0);
  manifest.added_snapshot_id = from.Number<int64_t>(kAddedSnapshotId);
  manifest.added_files = from.OptionalNumber<int32_t>(kAddedFiles).value_or(0);
  manifest.existing_files = from.OptionalNumber<int32_t>(kExistingFiles).value_or(0);
  manifest.deleted_files = from.OptionalNumber<int32_t>(kDeletedFiles).value_or(0);
  manifest.added_rows = from.OptionalNumber<int64_t>(kAddedRows).value_or(0);
  manifest.existing_rows = from.OptionalNumber<int64_t>(kExistingRows).value_or(0);
  manifest.deleted_rows = from.OptionalNumber<int64_t>(kDeletedRows).value_or(0);
  for (const AvroValue& item : from.Items(kPartitions)) {
    Fields of_bounds(&item);
    manifest.partitions.push_back({of_bounds.OptionalBoolean(kContainsNull).value_or(true),
                                   of_bounds.OptionalBoolean(kContainsNan),
                                   of_bounds.OptionalBytes(kLower),
                                   of_bounds.OptionalBytes(kUpper)});
    if (!of_bounds.ok()) from.Fail();
  }
  if (!from.ok() || manifest.bytes < 0) return Corrupt("not an entry of a manifest list");
  return manifest;
}

// The objects of a file, each as `decode` takes it.
template <typename T>
Result<std::vector<T>> DecodeAll(std::string_view bytes, Result<T> (*decode)(const AvroValue&)) {
  std::vector<T> all;
  const auto metadata = ReadAvroFile(bytes, [&all, decode](const AvroValue& object) -> Status {
    TOKURA_ASSIGN_OR_RETURN(T one, decode(object));
    all.push_back(std::move(one));
    return OkStatus();
  });
  if (!metadata.ok()) return metadata.status();
  return all;
}

}  // namespace

std::string EncodeManifest(const ManifestHeader& header, std::span<const FileEntry> entries) {
  TOKURA_CHECK(!entries.empty());
  AvroWriter writer(EntrySchema(header.partition),
                    {{"schema", header.schema_json},
                     {"schema-id", std::to_string(header.schema_id)},
                     {"partition-spec", header.spec_fields_json},
                     {"partition-spec-id", std::to_string(header.spec_id)},
                     {"format-version", "2"},
                     {"content", "data"}});
  for (const FileEntry& entry : entries) {
    TOKURA_CHECK(entry.partition.size() == header.partition.size());
    writer.Add(EncodeEntry(entry));
  }
  return writer.Finish();
}

Result<std::vector<FileEntry>> DecodeManifest(std::string_view bytes) {
  return DecodeAll(bytes, DecodeEntry);
}

std::string EncodeManifestList(const ManifestListHeader& header,
                               std::span<const ManifestFile> manifests) {
  const std::string parent =
      header.parent_snapshot_id ? std::to_string(*header.parent_snapshot_id) : "null";
  AvroWriter writer(ListSchema(), {{"snapshot-id", std::to_string(header.snapshot_id)},
                                   {"parent-snapshot-id", parent},
                                   {"sequence-number", std::to_string(header.sequence_number)},
                                   {"format-version", "2"}});
  for (const ManifestFile& manifest : manifests) writer.Add(EncodeManifestFile(manifest));
  return writer.Finish();
}

Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes) {
  return DecodeAll(bytes, DecodeManifestFile);
}

ManifestFile Describe(std::string path, int64_t bytes, const ManifestHeader& header,
                      std::span<const FileEntry> entries, int64_t snapshot_id,
                      int64_t sequence_number) {
  ManifestFile manifest{.path = std::move(path),
                        .bytes = bytes,
                        .spec_id = header.spec_id,
                        .sequence_number = sequence_number,
                        .min_sequence_number = sequence_number,
                        .added_snapshot_id = snapshot_id,
                        .partitions = {}};
  for (const FileEntry& entry : entries) {
    const bool added = entry.status == EntryStatus::kAdded;
    const bool existing = entry.status == EntryStatus::kExisting;
    ++(added ? manifest.added_files : existing ? manifest.existing_files : manifest.deleted_files);
    (added      ? manifest.added_rows
     : existing ? manifest.existing_rows
                : manifest.deleted_rows) += entry.rows;
    manifest.min_sequence_number =
        std::min(manifest.min_sequence_number, entry.sequence_number.value_or(sequence_number));
  }
  for (size_t i = 0; i < header.partition.size(); ++i) {
    std::optional<int32_t> lower;
    std::optional<int32_t> upper;
    PartitionBounds bounds;
    for (const FileEntry& entry : entries) {
      const std::optional<int32_t>& value = entry.partition[i];
      bounds.contains_null = bounds.contains_null || !value;
      if (!value) continue;
      lower = std::min(*value, lower.value_or(*value));
      upper = std::max(*value, upper.value_or(*value));
    }
    const auto bytes_of = [](int32_t value) {
      std::string out;
      PutU32(&out, static_cast<uint32_t>(value));
      return out;
    };
    if (lower) bounds.lower = bytes_of(*lower);
    if (upper) bounds.upper = bytes_of(*upper);
    bounds.contains_nan = false;
    manifest.partitions.push_back(std::move(bounds));
  }
  return manifest;
}

}  // namespace tokura::offline::iceberg
