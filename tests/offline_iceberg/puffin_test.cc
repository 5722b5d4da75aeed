#include "offline/iceberg/puffin.h"

#include <gtest/gtest.h>

namespace tokura::offline::iceberg {
namespace {

const std::vector<PuffinBlob> kBlobs{{"tokura-days-v1", std::string("a\0b", 3), 11, 2},
                                     {"other", "", 11, 2}};

TEST(Puffin, WhatIsWrittenReadsBack) {
  const auto read = DecodePuffin(EncodePuffin(kBlobs).bytes);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, kBlobs);
  EXPECT_TRUE(DecodePuffin(EncodePuffin({}).bytes)->empty());
}

TEST(Puffin, BeginsAndEndsAsTheSpecificationSays) {
  const PuffinFile file = EncodePuffin(kBlobs);
  EXPECT_TRUE(file.bytes.starts_with(std::string("PFA1a\0bPFA1{", 12)));
  EXPECT_TRUE(file.bytes.ends_with(std::string("\0\0\0\0PFA1", 8)));
  EXPECT_EQ(file.footer_bytes, file.bytes.size() - 7);
}

TEST(Puffin, EveryCutIsFound) {
  const std::string file = EncodePuffin(kBlobs).bytes;
  for (size_t n = 0; n < file.size(); ++n) {
    EXPECT_EQ(DecodePuffin(file.substr(0, n)).status().code(), Code::kCorrupt) << n;
  }
}

TEST(Puffin, BlobsOutsideOfTheFileAreRefused) {
  std::string file = EncodePuffin(kBlobs).bytes;
  const size_t length = file.find("\"length\":3");
  file.replace(length, 10, "\"length\":9");
  EXPECT_EQ(DecodePuffin(file).status().code(), Code::kCorrupt);
}

TEST(Puffin, ACompressedBlobIsRefused) {
  std::string file = EncodePuffin(kBlobs).bytes;
  const size_t fields = file.find("\"fields\":[]");
  const std::string codec = "\"compression-codec\":\"lz4\"";
  file.replace(fields, 11, codec);
  // The length of the JSON stands behind it.
  const size_t payload_end = file.size() - 12;
  file[payload_end] = static_cast<char>(file[payload_end] + static_cast<char>(codec.size() - 11));
  EXPECT_EQ(DecodePuffin(file).status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace tokura::offline::iceberg
