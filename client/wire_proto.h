// The parts that wire's messages share, as protobuf: values, columns, statuses. Internal to
// client/.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>
#include <string_view>
#include <vector>

#include "client/api.h"
#include "client/node_client.h"
#include "core/column.h"
#include "core/record.h"
#include "core/status.h"
#include "core/value.h"
#include "proto/api.pb.h"

namespace tokura::client::wire {

// One whole message, nested at most kNestingMax deep.
Status ParseMessage(std::string_view body, size_t bytes_max, google::protobuf::MessageLite* out);
std::string Serialize(const google::protobuf::MessageLite& message);
// How often field `number` occurs at the top level of `body`, looked at without building anything;
// counting stops at `limit` + 1.
size_t CountTopLevel(std::string_view body, int number, size_t limit);
// RESOURCE_EXHAUSTED naming `what`, the count and the limit.
Status CheckCount(std::string_view what, size_t count, size_t limit);

void ToProto(const Value& value, v1::Value* out);
Result<Value> FromProto(const v1::Value& proto);
void ToProto(const Type& type, v1::Type* out);
Result<Type> FromProto(const v1::Type& proto);
void ToProto(const Column& column, v1::Column* out);
Result<Column> FromProto(v1::Column&& proto);
void ToProto(const KeyColumnValues& column, v1::KeyColumn* out);
Result<KeyColumnValues> FromProto(v1::KeyColumn&& proto);
void ToProto(const Status& status, v1::RecordResult* out);
Status FromProto(const v1::RecordResult& proto);

struct DecodedFeatureColumn {
  Column values;
  std::vector<ReadStatus> statuses;
  std::vector<int64_t> event_times_us;  // empty, or one a row
  std::string has_value;                // empty, or one byte a row
};
Result<DecodedFeatureColumn> FromProto(v1::FeatureColumn&& proto);

// "" or 16 bytes.
Result<std::optional<WriteId>> WriteIdFromProto(std::string_view bytes);
// 0 is absent.
Result<std::optional<Stores>> StoresFromProto(uint32_t stores);

}  // namespace tokura::client::wire
