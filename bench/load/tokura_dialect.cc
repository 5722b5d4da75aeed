#include "bench/load/tokura_dialect.h"

#include <chrono>
#include <cstring>

#include "client/wire.h"
#include "client/wire_proto.h"
#include "core/key_codec.h"
#include "core/limits.h"
#include "core/record.h"
#include "core/row.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "runtime/rpc/frame.h"

namespace tokura::bench {
namespace {

namespace rpc = runtime::rpc;

// Of the record at place `item` of a batch: about now, and not the same for all.
int64_t EventTimeUs(size_t item) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count() -
         static_cast<int64_t>(item) * 1000;
}

// The first row of `values` that is not what it must be; asked.entities.size() if there is none.
template <typename Number, typename From>
size_t FirstWrong(const Number* values, size_t feature, const Asked& asked, const From& from) {
  for (size_t i = 0; i < asked.entities.size(); ++i) {
    if (values[i] != from(BitsOf(asked.entities[i], feature, asked.generation))) return i;
  }
  return asked.entities.size();
}

size_t FirstWrongBytes(const RowShape& shape, const char* bytes, size_t feature,
                       const Asked& asked) {
  std::string expected(shape.value_bytes, '\0');
  for (size_t i = 0; i < asked.entities.size(); ++i) {
    WriteValue(shape, asked.entities[i], feature, asked.generation, expected.data());
    if (std::memcmp(bytes + i * shape.value_bytes, expected.data(), shape.value_bytes) != 0) {
      return i;
    }
  }
  return asked.entities.size();
}

// Strings of a shape have one length, so offsets that are right make their bytes one array.
size_t FirstWrongString(const RowShape& shape, const v1::Column& column, size_t feature,
                        const Asked& asked) {
  for (size_t i = 0; i < asked.entities.size(); ++i) {
    if (column.ends(static_cast<int>(i)) != (i + 1) * shape.value_bytes) return i;
  }
  return FirstWrongBytes(shape, column.data().data(), feature, asked);
}

// Whether the column holds exactly the array that the shape's type needs, with all its rows.
bool HasShape(const RowShape& shape, const v1::Column& column, size_t rows) {
  if (column.rows() != rows) return false;
  const size_t doubles = shape.type == Type{Kind::kFloat64} ? rows : 0;
  const size_t floats = shape.type.kind == Kind::kFloat32 ? rows * shape.value_bytes / 4 : 0;
  const size_t ends = shape.type.kind == Kind::kString ? rows : 0;
  return static_cast<size_t>(column.doubles_size()) == doubles &&
         static_cast<size_t>(column.floats_size()) == floats &&
         static_cast<size_t>(column.ends_size()) == ends &&
         column.data().size() == ends * shape.value_bytes;
}

// Looks at the message itself: a copy into core values would cost the client more than the server
// takes for the answer.
Status CheckColumn(const RowShape& shape, const v1::FeatureColumn& answer, size_t feature,
                   const Asked& asked) {
  const size_t rows = asked.entities.size();
  const v1::Column& column = answer.values();
  if (!HasShape(shape, column, rows) || answer.statuses().size() != rows) {
    return WrongValue(asked.entities.front(), feature, "a column of another type or length");
  }
  for (size_t i = 0; i < rows; ++i) {
    const auto status = static_cast<ReadStatus>(answer.statuses()[i]);
    if (status == ReadStatus::kPresent) continue;
    if (status == ReadStatus::kUnknown) {
      return Status(Code::kUnknownOutcome, "values are UNKNOWN");
    }
    return WrongValue(asked.entities[i], feature, ReadStatusName(status));
  }
  size_t wrong = 0;
  if (shape.type.kind == Kind::kFloat64) {
    wrong = FirstWrong(column.doubles().data(), feature, asked, Float64From);
  } else if (shape.type.kind == Kind::kString) {
    wrong = FirstWrongString(shape, column, feature, asked);
  } else if (shape.type.is_scalar()) {
    wrong = FirstWrong(column.floats().data(), feature, asked, Float32From);
  } else {
    wrong = FirstWrongBytes(shape, reinterpret_cast<const char*>(column.floats().data()), feature,
                            asked);
  }
  if (wrong == rows) return OkStatus();
  return WrongValue(asked.entities[wrong], feature, "not the value written");
}

class TokuraDialect : public Dialect {
 public:
  TokuraDialect(const RowShape& shape, uint8_t read_method, uint8_t write_method,
                std::chrono::microseconds deadline)
      : shape_(shape),
        read_method_(read_method),
        write_method_(write_method),
        deadline_us_(static_cast<uint32_t>(deadline.count())) {}

  void AppendRequest(std::string_view request, bool write, uint64_t id,
                     std::string* out) const override {
    const rpc::FrameHeader header{.method = write ? write_method_ : read_method_,
                                  .flags = 0,
                                  .request_id = id,
                                  .deadline_us = deadline_us_,
                                  .body_bytes = 0};
    rpc::AppendFrame(header, request, out);
  }

  bool in_order() const override { return false; }
  Result<std::optional<uint64_t>> AnswerId(std::string_view bytes) const override {
    if (bytes.size() < rpc::kFrameHeaderBytes) return std::optional<uint64_t>();
    TOKURA_ASSIGN_OR_RETURN(const rpc::FrameHeader header,
                            rpc::ParseFrameHeader(bytes.substr(0, rpc::kFrameHeaderBytes)));
    return std::optional<uint64_t>(header.request_id);
  }

  Answer CheckRead(std::string_view bytes, size_t features, const Asked& asked) const override {
    return CheckFrame(bytes,
                      [&](std::string_view body) { return CheckColumns(body, features, asked); });
  }

  Answer CheckWrite(std::string_view bytes, const Asked& asked) const override {
    return CheckFrame(
        bytes, [&](std::string_view body) { return CheckResults(body, asked.entities.size()); });
  }

 protected:
  virtual Status CheckColumns(std::string_view body, size_t features, const Asked& asked) const = 0;
  // Whether all of `rows` were accepted.
  virtual Status CheckResults(std::string_view body, size_t rows) const = 0;

  const RowShape shape_;

 private:
  template <typename CheckBody>
  Answer CheckFrame(std::string_view bytes, const CheckBody& check) const {
    if (bytes.size() < rpc::kFrameHeaderBytes) return {};
    const Result<rpc::FrameHeader> header =
        rpc::ParseFrameHeader(bytes.substr(0, rpc::kFrameHeaderBytes));
    if (!header.ok()) return {0, header.status()};
    const size_t size = rpc::kFrameHeaderBytes + header->body_bytes;
    if (bytes.size() < size) return {};
    const std::string_view body = bytes.substr(rpc::kFrameHeaderBytes, header->body_bytes);
    if ((header->flags & rpc::kFrameError) != 0) return {size, rpc::DecodeError(body)};
    return {size, check(body)};
  }

  const uint8_t read_method_;
  const uint8_t write_method_;
  const uint32_t deadline_us_;
};

class TokuraRouter final : public TokuraDialect {
 public:
  TokuraRouter(const RowShape& shape, TokuraNames names, std::chrono::microseconds deadline)
      : TokuraDialect(shape, v1::GET_FEATURES, v1::PUT_RECORDS, deadline),
        names_(std::move(names)) {}

  RequestTemplate ReadTemplate(size_t items, size_t features) const override {
    client::GetFeaturesRequest request;
    request.service = names_.service;
    request.keys = {{"id", {}}};
    for (size_t i = 0; i < items; ++i) request.keys[0].values.emplace_back(KeyOf(MarkerEntity(i)));
    return RequestTemplate(client::wire::Encode(request), shape_, items, {});
  }

  RequestTemplate WriteTemplate(size_t items) const override {
    client::PutRecordsRequest request;
    request.group = names_.group;
    for (size_t i = 0; i < items; ++i) {
      client::PutRecord& record = request.records.emplace_back();
      record.key = {{"id", Value(KeyOf(MarkerEntity(i)))}};
      record.event_time = Value(Timestamp{EventTimeUs(i)});
      for (size_t f = 0; f < shape_.features; ++f) {
        record.values.emplace_back(FeatureName(f),
                                   ValueOf(shape_, MarkerEntity(i), f, kMarkerGeneration));
      }
    }
    return RequestTemplate(client::wire::Encode(request), shape_, items,
                           {.features = shape_.features, .value_bytes = ValueBytes::kDouble});
  }

 protected:
  Status CheckResults(std::string_view body, size_t rows) const override {
    TOKURA_ASSIGN_OR_RETURN(const client::PutRecordsResponse response,
                            client::wire::Decode<client::PutRecordsResponse>(body));
    if (response.results.size() != rows) {
      return Corrupt("the answer has another number of results");
    }
    for (const Status& result : response.results) TOKURA_RETURN_IF_ERROR(result);
    return OkStatus();
  }

  Status CheckColumns(std::string_view body, size_t features, const Asked& asked) const override {
    TOKURA_RETURN_IF_ERROR(client::wire::ParseMessage(body, kFrameBytesMax, &response_));
    if (static_cast<size_t>(response_.features_size()) != features) {
      return Corrupt("another number of features");
    }
    for (size_t f = 0; f < features; ++f) {
      TOKURA_RETURN_IF_ERROR(
          CheckColumn(shape_, response_.features(static_cast<int>(f)).column(), f, asked));
    }
    return OkStatus();
  }

 private:
  const TokuraNames names_;
  mutable v1::GetFeaturesResponse response_;  // kept for its memory
};

class TokuraNode final : public TokuraDialect {
 public:
  TokuraNode(const RowShape& shape, TokuraIds ids)
      : TokuraDialect(shape, v1::NODE_READ, v1::NODE_APPEND, kPatience), ids_(std::move(ids)) {}

  RequestTemplate ReadTemplate(size_t items, size_t features) const override {
    v1::NodeReadRequest request;
    v1::NodeReadRequest::GroupRead* const read = request.add_reads();
    read->set_group(ids_.group.value);
    for (size_t f = 0; f < features; ++f) read->add_features(ids_.features[f].value);
    for (size_t i = 0; i < items; ++i) {
      const Value key(KeyOf(MarkerEntity(i)));
      const Result<std::string> row_key = EncodeRowKey(ids_.group, {&key, 1});
      TOKURA_CHECK(row_key.ok());
      read->mutable_keys()->append(*row_key);
      read->add_key_ends(static_cast<uint32_t>(read->keys().size()));
    }
    return RequestTemplate(request.SerializeAsString(), shape_, items, {});
  }

  RequestTemplate WriteTemplate(size_t items) const override {
    v1::NodeAppendRequest request;
    for (size_t i = 0; i < items; ++i) {
      const Value key(KeyOf(MarkerEntity(i)));
      Result<std::string> row_key = EncodeRowKey(ids_.group, {&key, 1});
      TOKURA_CHECK(row_key.ok());
      Record record;
      record.key = std::move(*row_key);
      record.event_time_us = EventTimeUs(i);
      record.stores = Stores::kOnline;
      const std::string write_id = WriteIdOf(MarkerEntity(i), kMarkerGeneration);
      std::memcpy(record.write_id.bytes.data(), write_id.data(), write_id.size());
      for (size_t f = 0; f < shape_.features; ++f) {
        record.cells.push_back({ids_.features[f], CellState::kValue,
                                ValueOf(shape_, MarkerEntity(i), f, kMarkerGeneration)});
      }
      EncodeRecord(record, request.add_records());
    }
    return RequestTemplate(request.SerializeAsString(), shape_, items,
                           {.features = shape_.features, .write_ids = true});
  }

 protected:
  Status CheckResults(std::string_view body, size_t rows) const override {
    v1::NodeAppendResponse response;
    TOKURA_RETURN_IF_ERROR(client::wire::ParseMessage(body, kFrameBytesMax, &response));
    if (static_cast<size_t>(response.results_size()) != rows) {
      return Corrupt("the answer has another number of results");
    }
    for (const v1::RecordResult& result : response.results()) {
      TOKURA_RETURN_IF_ERROR(client::wire::FromProto(result));
    }
    return OkStatus();
  }

  Status CheckColumns(std::string_view body, size_t features, const Asked& asked) const override {
    TOKURA_RETURN_IF_ERROR(client::wire::ParseMessage(body, kFrameBytesMax, &response_));
    if (response_.reads_size() != 1 ||
        static_cast<size_t>(response_.reads(0).features_size()) != features) {
      return Corrupt("another number of features");
    }
    for (size_t f = 0; f < features; ++f) {
      TOKURA_RETURN_IF_ERROR(
          CheckColumn(shape_, response_.reads(0).features(static_cast<int>(f)), f, asked));
    }
    return OkStatus();
  }

 private:
  const TokuraIds ids_;
  mutable v1::NodeReadResponse response_;  // kept for its memory
};

}  // namespace

std::unique_ptr<Dialect> MakeTokuraRouter(const RowShape& shape, TokuraNames names,
                                          std::chrono::microseconds deadline) {
  return std::make_unique<TokuraRouter>(shape, std::move(names), deadline);
}
std::unique_ptr<Dialect> MakeTokuraNode(const RowShape& shape, TokuraIds ids) {
  return std::make_unique<TokuraNode>(shape, std::move(ids));
}

}  // namespace tokura::bench
