// Whatever DecodeRowKey accepts encodes to the same bytes, and its partition key is a prefix.
#include "core/key_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  const std::string_view key(reinterpret_cast<const char*>(data), size);
  static const Entity kEntity = {"entity",
                                 "",
                                 {{"s", *ParseType("string")},
                                  {"i", *ParseType("int32")},
                                  {"b", *ParseType("bytes")},
                                  {"t", *ParseType("timestamp")},
                                  {"o", *ParseType("bool")}},
                                 3};
  const Result<std::string_view> partition = PartitionKeyBytes(key, kEntity);
  const Result<std::vector<Value>> values = DecodeRowKey(key, kEntity.keys);
  if (!values.ok()) return 0;
  const Result<std::string> encoded = EncodeRowKey(*RowKeyGroup(key), *values);
  if (!encoded.ok()) {
    TOKURA_CHECK(encoded.status().code() == Code::kResourceExhausted);
    return 0;
  }
  TOKURA_CHECK(*encoded == key);
  TOKURA_CHECK(partition.ok());
  const Result<std::string> prefix =
      EncodeRowKey(*RowKeyGroup(key), std::span(*values).first(kEntity.partition_key_count));
  TOKURA_CHECK(prefix.ok() && prefix->substr(kRowKeyHeaderBytes) == *partition);
  return 0;
}
