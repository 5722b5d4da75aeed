#include "offline/iceberg/manifest.h"

#include <random>

#include <gtest/gtest.h>

#include "offline/iceberg/avro_file.h"

namespace tokura::offline::iceberg {
namespace {

ManifestHeader Header() {
  return {.schema_json = R"({"type":"struct","schema-id":3,"fields":[]})",
          .schema_id = 3,
          .spec_fields_json = R"([{"source-id":1,"field-id":1000,"name":"d","transform":"day"}])",
          .spec_id = 1,
          .partition = {{1000, "d", true}}};
}

FileEntry Entry(const std::string& name, std::optional<int32_t> day, int64_t rows) {
  FileEntry entry;
  entry.path = "file:///t/data/" + name;
  entry.partition = {day};
  entry.rows = rows;
  entry.bytes = 10 * rows;
  entry.column_bytes = {{1, 40}, {2'000'001, 80}};
  entry.value_counts = {{1, rows}, {2'000'001, rows}};
  entry.null_counts = {{1, 2}};
  entry.nan_counts = {{7, 1}};
  entry.lower_bounds = {{1, std::string("\x01\0\0\0", 4)}};
  entry.upper_bounds = {{1, std::string("\xff\0\0\0", 4)}};
  entry.split_offsets = {4, 4096};
  entry.sort_order_id = 1;
  return entry;
}

TEST(Manifest, WhatIsWrittenReadsBack) {
  std::vector<FileEntry> entries{Entry("a.parquet", 15'000, 7), Entry("b.parquet", -3, 9)};
  entries[1].status = EntryStatus::kExisting;
  entries[1].snapshot_id = 55;
  entries[1].sequence_number = 4;
  entries[1].file_sequence_number = 3;
  entries.push_back(Entry("c.parquet", std::nullopt, 1));
  entries[2].status = EntryStatus::kDeleted;
  entries[2].sort_order_id.reset();
  const auto read = DecodeManifest(EncodeManifest(Header(), entries));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, entries);
}

TEST(Manifest, SaysWhatTheSpecificationAsksForInItsMetadata) {
  const std::vector<FileEntry> entries{Entry("a", 1, 1)};
  const auto metadata =
      ReadAvroFile(EncodeManifest(Header(), entries), [](const AvroValue&) { return OkStatus(); });
  ASSERT_TRUE(metadata.ok());
  EXPECT_EQ(metadata->at("schema"), Header().schema_json);
  EXPECT_EQ(metadata->at("schema-id"), "3");
  EXPECT_EQ(metadata->at("partition-spec"), Header().spec_fields_json);
  EXPECT_EQ(metadata->at("partition-spec-id"), "1");
  EXPECT_EQ(metadata->at("format-version"), "2");
  EXPECT_EQ(metadata->at("content"), "data");
}

TEST(Manifest, IsDescribedByCountsBoundsAndLeastSequenceNumber) {
  std::vector<FileEntry> entries{Entry("a", 10, 7), Entry("b", 12, 5), Entry("c", 11, 2)};
  entries[1].status = EntryStatus::kExisting;
  entries[1].sequence_number = 4;
  entries[2].status = EntryStatus::kDeleted;
  entries[2].sequence_number = 6;
  const ManifestFile manifest = Describe("file:///m.avro", 99, Header(), entries, 1234, 8);
  EXPECT_EQ(manifest.added_files, 1);
  EXPECT_EQ(manifest.existing_files, 1);
  EXPECT_EQ(manifest.deleted_files, 1);
  EXPECT_EQ(manifest.added_rows, 7);
  EXPECT_EQ(manifest.existing_rows, 5);
  EXPECT_EQ(manifest.deleted_rows, 2);
  EXPECT_EQ(manifest.sequence_number, 8);
  EXPECT_EQ(manifest.min_sequence_number, 4);
  EXPECT_EQ(manifest.added_snapshot_id, 1234);
  ASSERT_EQ(manifest.partitions.size(), 1u);
  EXPECT_EQ(manifest.partitions[0].lower, std::string("\x0a\0\0\0", 4));
  EXPECT_EQ(manifest.partitions[0].upper, std::string("\x0c\0\0\0", 4));
  EXPECT_FALSE(manifest.partitions[0].contains_null);
}

TEST(ManifestList, WhatIsWrittenReadsBack) {
  const std::vector<FileEntry> entries{Entry("a", 10, 7)};
  std::vector<ManifestFile> manifests{Describe("file:///1.avro", 99, Header(), entries, 12, 8)};
  manifests.push_back(manifests[0]);
  manifests[1].path = "file:///2.avro";
  manifests[1].holds_deletes = true;
  manifests[1].partitions[0] = {true, std::nullopt, std::nullopt, std::nullopt};
  const auto read = DecodeManifestList(EncodeManifestList({12, 11, 8}, manifests));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, manifests);
  EXPECT_TRUE(DecodeManifestList(EncodeManifestList({12, std::nullopt, 8}, {}))->empty());
}

TEST(Manifest, AManifestIsNoListAndAListIsNoManifest) {
  const std::vector<FileEntry> entries{Entry("a", 10, 7)};
  const std::vector<ManifestFile> manifests{Describe("m", 99, Header(), entries, 12, 8)};
  EXPECT_EQ(DecodeManifestList(EncodeManifest(Header(), entries)).status().code(), Code::kCorrupt);
  EXPECT_EQ(DecodeManifest(EncodeManifestList({12, 11, 8}, manifests)).status().code(),
            Code::kCorrupt);
}

TEST(Manifest, DamageIsFoundOrHarmless) {
  const std::vector<FileEntry> entries{Entry("a", 10, 7), Entry("b", 11, 8)};
  const std::string good = EncodeManifest(Header(), entries);
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = good;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    (void)DecodeManifest(damaged);  // no crash, nothing unbounded
  }
}

}  // namespace
}  // namespace tokura::offline::iceberg
