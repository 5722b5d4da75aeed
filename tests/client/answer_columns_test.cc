#include "core/answer_columns.h"

#include <gtest/gtest.h>

#include <cstring>

#include "client/wire_proto.h"
#include "core/protobuf_wire.h"
#include "proto/common.pb.h"
#include "tests/core/samples.h"

namespace tokura::client {
namespace {

// Random columns written by hand, read by the generated code.
class AnswerColumnsTest : public testing::Test {
 protected:
  static Type AnyType(Samples* samples) {
    return TypeOf(samples->Pick<std::string>(
        {"bool", "int32", "int64", "float32", "float64", "string", "bytes", "timestamp",
         "list<string>", "list<int64>", "list<bytes>", "list<timestamp>", "list<bool>",
         "list<float64>", "vector<float32, 3>", "vector<float32, 200>"}));
  }

  static std::string Encoded(AnswerColumns* columns) {
    std::string bytes(columns->EncodedBytes(0), '\0');
    EXPECT_EQ(columns->Encode(0, bytes.data()), bytes.data() + bytes.size());
    return bytes;
  }
};

TEST_F(AnswerColumnsTest, AreWrittenAsTheGeneratedCodeWritesThem) {
  for (uint64_t seed = 1; seed <= 1'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Samples samples(seed);
    const Type type = AnyType(&samples);
    const size_t rows = samples.OneIn(10) ? 0 : samples.Below(300);
    const AnswerColumns::Options options{samples.OneIn(2), samples.OneIn(2), 2};
    AnswerColumns columns(std::vector{type}, rows, options);
    Column expected(type);
    v1::FeatureColumn proto;
    bool plain = true;
    for (size_t row = 0; row < rows; ++row) {
      const auto status = static_cast<ReadStatus>(samples.Below(7));
      const bool has = status == ReadStatus::kPresent || samples.OneIn(20);
      Value value;
      if (has && !samples.OneIn(4)) value = samples.Any(type);
      if (!value.is_null())
        columns.PutValue(0, row, static_cast<uint32_t>(samples.Below(2)), value);
      expected.Append(value);
      columns.cells(0).SetStatus(row, status);
      proto.mutable_statuses()->push_back(static_cast<char>(status));
      plain = plain && has == (status == ReadStatus::kPresent);
      if (options.has_value) {
        columns.cells(0).has_value[row] = has ? 1 : 0;
        proto.mutable_has_value()->push_back(has ? 1 : 0);
      }
      if (options.event_times) {
        columns.cells(0).event_times_us[row] = static_cast<int64_t>(samples.random()());
        proto.add_event_times_us(columns.cells(0).event_times_us[row]);
      }
    }
    wire::ToProto(expected, proto.mutable_values());
    if (plain) proto.clear_has_value();
    ASSERT_EQ(EncodeHex(Encoded(&columns)), EncodeHex(proto.SerializeAsString()))
        << type.ToString();
  }
}

TEST_F(AnswerColumnsTest, SayNotFoundWhereNothingWasPut) {
  AnswerColumns columns(std::vector{TypeOf("string")}, 3, {});
  v1::FeatureColumn proto;
  ASSERT_TRUE(proto.ParseFromString(Encoded(&columns)));
  EXPECT_EQ(proto.statuses(), std::string(3, static_cast<char>(ReadStatus::kNotFound)));
  EXPECT_EQ(proto.values().ends_size(), 3);
}

TEST(WireReader, FindsTheFieldsOfAGeneratedMessage) {
  v1::Column proto;
  proto.mutable_type()->set_kind(5);
  proto.set_rows(300);
  proto.add_doubles(1.5);
  proto.set_data("text");
  const std::string bytes = proto.SerializeAsString();
  tokura::pbwire::WireReader reader(bytes);
  std::vector<uint32_t> fields;
  while (reader.Next()) {
    fields.push_back(reader.field());
    if (reader.field() == 2) {
      EXPECT_EQ(reader.number(), 300U);
    }
    if (reader.field() == 8) {
      EXPECT_EQ(reader.bytes(), "text");
    }
  }
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(fields, (std::vector<uint32_t>{1, 2, 5, 8}));
}

TEST(WireReader, EndsWhereTheBytesAreMalformed) {
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    Samples samples(seed);
    v1::FeatureColumn proto;
    proto.set_statuses("abc");
    proto.mutable_values()->set_rows(3);
    const std::string bytes = samples.Mutate(proto.SerializeAsString());
    tokura::pbwire::WireReader reader(bytes);
    size_t taken = 0;
    while (reader.Next()) taken += reader.bytes().size();
    EXPECT_LE(taken, bytes.size());
  }
}

}  // namespace
}  // namespace tokura::client
