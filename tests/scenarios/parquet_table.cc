#include "tests/scenarios/parquet_table.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>

namespace tokura::scenarios {

std::shared_ptr<arrow::Table> ReadParquet(runtime::FileSystem& files, const std::string& path) {
  auto bytes = runtime::ReadFile(files, path, 1 << 30);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  auto buffer = arrow::Buffer::FromString(std::move(bytes).value());
  auto reader = parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(buffer),
                                         arrow::default_memory_pool());
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  return *(*(*reader)->ReadTable())->CombineChunks();
}

}  // namespace tokura::scenarios
