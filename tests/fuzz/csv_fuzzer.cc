// Files that users bring, as untrusted bytes: whatever they hold, every row is either complete and
// of the group's types or malformed with a reason, lines rise, and what is rejected can be written
// and read again. The first byte chooses the format, the compression and the options.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/status.h"
#include "offline/user_files/row_file.h"
#include "tests/offline/memory_file_system.h"

namespace tokura::offline {
namespace {

constexpr const char* kHeader =
    "origin,gate,event_time,temp,note,photo,gusts,sky,_ttl,_write_id,_line,_reason\n";

FeatureGroup MakeGroup() {
  FeatureGroup group;
  group.project = "p";
  group.name = "g";
  group.entity.keys = {{"origin", *ParseType("string")}, {"gate", *ParseType("int32")}};
  group.entity.partition_key_count = 1;
  const std::pair<const char*, const char*> features[] = {{"temp", "float64"},
                                                          {"note", "string"},
                                                          {"photo", "bytes"},
                                                          {"gusts", "list<int64>"},
                                                          {"sky", "vector<float32, 2>"}};
  for (const auto& [name, type] : features) {
    Feature feature;
    feature.id = FeatureId(static_cast<uint32_t>(group.features.size() + 1));
    feature.name = name;
    feature.type = *ParseType(type);
    group.features.push_back(std::move(feature));
  }
  return group;
}

void CheckRow(const ImportRow& row, const FeatureGroup& group) {
  const client::PutRecord& record = row.record;
  if (!record.malformed.ok()) {
    TOKURA_CHECK(!record.malformed.message().empty());
    return;
  }
  TOKURA_CHECK(record.key.size() == group.entity.keys.size());
  for (size_t i = 0; i < record.key.size(); ++i) {
    const auto& [name, value] = record.key[i];
    TOKURA_CHECK(name == group.entity.keys[i].name && !value.is_null());
    TOKURA_CHECK(Coerce(value, group.entity.keys[i].type, Syntax::kNative).ok());
  }
  TOKURA_CHECK(record.event_time->get_if<Timestamp>() != nullptr);
  for (const auto& [name, value] : record.values) {
    TOKURA_CHECK(Coerce(value, group.FindFeature(name)->type, Syntax::kNative).ok());
  }
}

// Reads all of `path`, and writes the malformed rows to `rejects` if that takes them.
void ReadAll(MemoryFileSystem& files, const std::string& path, const std::string& rejects,
             const FeatureGroup& group, const ImportOptions& options) {
  auto reader = ImportReader::Open(files, path, group, options);
  if (!reader.ok()) return;
  auto writer = *RejectsWriter::Open(files, rejects);
  const bool accepted = writer->Accept(**reader).ok();
  uint64_t line = 0;
  for (;;) {
    const Result<std::optional<ImportRow>> next = (*reader)->Next();
    if (!next.ok() || !next->has_value()) break;
    const ImportRow& row = **next;
    TOKURA_CHECK(row.line > line);
    line = row.line;
    CheckRow(row, group);
    const Status& why = row.record.malformed;
    if (!why.ok() && accepted) TOKURA_CHECK(writer->Add(**reader, row, why.message()).ok());
  }
  TOKURA_CHECK(writer->Close().ok());
}

void FuzzOne(uint8_t choice, std::string text) {
  static const FeatureGroup group = MakeGroup();
  MemoryFileSystem files;
  ImportOptions options;
  options.skip_nulls = (choice & 1) != 0;
  options.ignore_extra = (choice & 2) != 0;
  const bool csv = (choice & 4) == 0;
  if (csv && (choice & 8) != 0) text.insert(0, kHeader);
  const std::string path = csv ? "in.csv" : "in.jsonl";
  const std::string rejects = (choice & 16) != 0 && csv ? "out.csv" : "out.jsonl";
  files.contents[path] = std::move(text);
  ReadAll(files, path, rejects, group, options);
  if (files.contents.contains(rejects)) ReadAll(files, rejects, "again.jsonl", group, options);
}

}  // namespace
}  // namespace tokura::offline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  tokura::offline::FuzzOne(data[0], std::string(reinterpret_cast<const char*>(data + 1), size - 1));
  return 0;
}
