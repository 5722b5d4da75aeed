#include "offline/iceberg/table_metadata.h"

#include <gtest/gtest.h>

namespace tokura::offline::iceberg {
namespace {

TableMetadata Metadata() {
  TableMetadata m;
  m.table_uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1";
  m.location = "file:///offline/shop/prices_v1";
  m.last_sequence_number = 2;
  m.last_updated_ms = 1'700'000'000'000;
  m.last_column_id = 5;
  m.schemas = {{0, R"({"type":"struct","schema-id":0,"fields":[]})"},
               {1, R"({"type":"struct","schema-id":1,"fields":[]})"}};
  m.current_schema_id = 1;
  m.partition_specs = {{0, R"({"spec-id":0,"fields":[]})"}};
  m.last_partition_id = 1000;
  m.sort_orders = {{1, R"({"order-id":1,"fields":[]})"}};
  m.default_sort_order_id = 1;
  m.properties = {{"tokura.group-id", "7"}};
  m.snapshots = {{.id = 11,
                  .parent_id = std::nullopt,
                  .sequence_number = 1,
                  .timestamp_ms = 1'699'999'999'000,
                  .manifest_list = "file:///l1.avro",
                  .summary = {{"operation", "append"}},
                  .schema_id = 0},
                 {.id = 12,
                  .parent_id = 11,
                  .sequence_number = 2,
                  .timestamp_ms = 1'700'000'000'000,
                  .manifest_list = "file:///l2.avro",
                  .summary = {{"operation", "append"}, {"tokura.vector", "x"}},
                  .schema_id = 1}};
  m.current_snapshot_id = 12;
  m.snapshot_log = {{1'699'999'999'000, 11}, {1'700'000'000'000, 12}};
  m.metadata_log = {{1'699'999'999'000, "file:///v1.metadata.json"}};
  m.refs = {{"main", {12, true, ""}}, {"labels", {11, false, R"("max-ref-age-ms":5)"}}};
  m.statistics = {{11, "file:///s.puffin", 100, 60, R"([{"type":"x"}])"}};
  m.others = {{"partition-statistics", R"([{"snapshot-id":11}])"}};
  return m;
}

TEST(TableMetadata, WhatIsWrittenReadsBack) {
  const auto read = DecodeTableMetadata(EncodeTableMetadata(Metadata()));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, Metadata());
}

TEST(TableMetadata, ATableWithoutASnapshotReadsBack) {
  TableMetadata m = Metadata();
  m.snapshots.clear();
  m.current_snapshot_id.reset();
  m.refs.clear();
  const auto read = DecodeTableMetadata(EncodeTableMetadata(m));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, m);
  EXPECT_EQ(read->current_snapshot(), nullptr);
}

TEST(TableMetadata, FindsItsCurrentSnapshotAndSchema) {
  const TableMetadata m = Metadata();
  EXPECT_EQ(m.current_snapshot()->id, 12);
  EXPECT_EQ(m.current_schema()->id, 1);
  EXPECT_EQ(m.FindSnapshot(11)->sequence_number, 1);
  EXPECT_EQ(m.FindSnapshot(13), nullptr);
}

TEST(TableMetadata, UnderstandsMinusOneForNoSnapshot) {
  TableMetadata m = Metadata();
  m.snapshots.clear();
  m.current_snapshot_id.reset();
  std::string text = EncodeTableMetadata(m);
  text.replace(text.find("\"refs\""), 0, "\"current-snapshot-id\":-1,");
  const auto read = DecodeTableMetadata(text);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_FALSE(read->current_snapshot_id.has_value());
}

TEST(TableMetadata, RefusesWhatDoesNotFitTogether) {
  const auto refused = [](auto change) {
    TableMetadata m = Metadata();
    change(&m);
    return DecodeTableMetadata(EncodeTableMetadata(m)).status().code();
  };
  EXPECT_EQ(refused([](TableMetadata* m) { m->current_schema_id = 9; }), Code::kCorrupt);
  EXPECT_EQ(refused([](TableMetadata* m) { m->default_spec_id = 9; }), Code::kCorrupt);
  EXPECT_EQ(refused([](TableMetadata* m) { m->default_sort_order_id = 9; }), Code::kCorrupt);
  EXPECT_EQ(refused([](TableMetadata* m) { m->current_snapshot_id = 9; }), Code::kCorrupt);
}

TEST(TableMetadata, AnotherVersionIsRefusedWithItsNumber) {
  std::string text = EncodeTableMetadata(Metadata());
  text.replace(text.find(":2"), 2, ":3");
  const auto read = DecodeTableMetadata(text);
  EXPECT_EQ(read.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(read.status().message().find("version 3"), std::string::npos);
}

TEST(TableMetadata, EveryCutIsFound) {
  const std::string text = EncodeTableMetadata(Metadata());
  for (size_t n = 0; n + 1 < text.size(); ++n) {  // but the newline at the end
    EXPECT_EQ(DecodeTableMetadata(text.substr(0, n)).status().code(), Code::kCorrupt) << n;
  }
}

}  // namespace
}  // namespace tokura::offline::iceberg
