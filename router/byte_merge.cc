#include <vector>

#include "core/answer_column_view.h"
#include "core/answer_columns.h"
#include "core/limits.h"
#include "core/protobuf_wire.h"
#include "proto/api.pb.h"
#include "proto/node.pb.h"
#include "router/byte_plan.h"

namespace tokura::router {
namespace {

using pbwire::WireReader;

constexpr size_t kAnswerBytesMax = kFrameBytesMax - (1 << 20);

Status TooLarge() {
  return ResourceExhausted("the answer is over the limit of " + std::to_string(kAnswerBytesMax) +
                           " bytes; ask for fewer keys or features at a time");
}

// One request's answer: [read][feature].
using NodeColumns = std::vector<std::vector<AnswerColumnView>>;

Result<std::vector<AnswerColumnView>> ParseRead(std::string_view message, size_t keys,
                                                size_t columns_max) {
  std::vector<AnswerColumnView> columns;
  columns.reserve(columns_max);
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() != v1::NodeReadResponse::GroupColumns::kFeaturesFieldNumber) continue;
    AnswerColumnView& column = columns.emplace_back();
    const bool alike = columns.size() > 1 && column.ParseAs(columns.rbegin()[1], reader.bytes());
    if (!alike) {
      TOKURA_ASSIGN_OR_RETURN(column, AnswerColumnView::Parse(reader.bytes()));
    }
    if (column.rows() != keys) return InvalidArgument("a column of the wrong length");
  }
  if (!reader.ok()) return InvalidArgument("columns that cannot be read");
  return columns;
}

Result<NodeColumns> ParseAnswer(std::string_view body, const BytePlan::Request& request,
                                size_t columns_max) {
  NodeColumns reads;
  WireReader reader(body);
  while (reader.Next()) {
    if (reader.field() != v1::NodeReadResponse::kReadsFieldNumber) continue;
    if (reads.size() == request.reads.size()) return InvalidArgument("more reads than were asked");
    TOKURA_ASSIGN_OR_RETURN(
        std::vector<AnswerColumnView> columns,
        ParseRead(reader.bytes(), request.reads[reads.size()].second, columns_max));
    reads.push_back(std::move(columns));
  }
  if (!reader.ok() || reads.size() != request.reads.size()) {
    return InvalidArgument("other reads than were asked");
  }
  return reads;
}

bool DefaultStandsIn(ReadStatus status, const Feature& feature) {
  return feature.default_value.has_value() &&
         (status == ReadStatus::kNotFound || status == ReadStatus::kExpired);
}

// One column of the answer: a node's, passed on, or one that is put together.
struct MergedColumn {
  const AnswerColumnView* whole = nullptr;
  std::unique_ptr<AnswerColumns> built;
  size_t body_bytes = 0;
  size_t field_bytes = 0;  // of the Feature with its name
};

class Merger {
 public:
  Merger(const BytePlan& plan, std::vector<std::optional<NodeColumns>> answers)
      : plan_(plan), answers_(std::move(answers)) {}

  Result<std::string> Merge() {
    std::vector<MergedColumn> merged;
    merged.reserve(plan_.selection->columns.size());
    for (const Selection::Column& column : plan_.selection->columns) {
      TOKURA_ASSIGN_OR_RETURN(MergedColumn one, MergeColumn(column));
      one.field_bytes = pbwire::BytesFieldBytes(column.qualified_name.size()) +
                        pbwire::BytesFieldBytes(one.body_bytes);
      bytes_ += pbwire::BytesFieldBytes(one.field_bytes);
      if (bytes_ > kAnswerBytesMax) return TooLarge();
      merged.push_back(std::move(one));
    }
    return Encode(merged);
  }

 private:
  // The node's column of a group's feature; null: that node did not answer. INTERNAL if it has
  // another type than was asked for.
  Result<AnswerColumnView*> Source(const Selection::Column& column, uint32_t request) {
    if (!answers_[request].has_value()) return static_cast<AnswerColumnView*>(nullptr);
    const uint32_t read = plan_.groups[column.group].reads[request];
    std::vector<AnswerColumnView>& columns = (*answers_[request])[read];
    if (column.feature >= columns.size()) return Internal("node left out features");
    AnswerColumnView* const source = &columns[column.feature];
    if (source->type() == column.definition->type) return source;
    return Internal("node answered feature '" + column.qualified_name + "' as " +
                    source->type().ToString());
  }

  static bool PassesOn(const AnswerColumnView& source, const Feature& feature) {
    if (source.has_has_value()) return false;
    if (!feature.default_value.has_value()) return true;
    for (size_t row = 0; row < source.rows(); ++row) {
      if (DefaultStandsIn(source.status(row), feature)) return false;
    }
    return true;
  }

  Result<MergedColumn> MergeColumn(const Selection::Column& column) {
    const BytePlan::Group& group = plan_.groups[column.group];
    MergedColumn merged;
    if (group.in_order) {
      TOKURA_ASSIGN_OR_RETURN(const AnswerColumnView* source,
                              Source(column, group.rows.front().request));
      if (source != nullptr && PassesOn(*source, *column.definition)) {
        merged.whole = source;
        merged.body_bytes = source->body().size();
        return merged;
      }
    }
    TOKURA_ASSIGN_OR_RETURN(merged.built, BuildColumn(column));
    merged.body_bytes = merged.built->EncodedBytes(0);
    return merged;
  }

  Result<std::unique_ptr<AnswerColumns>> BuildColumn(const Selection::Column& column) {
    const Feature& feature = *column.definition;
    const AnswerColumns::Options options{.event_times = plan_.want_event_time,
                                         .has_value = feature.default_value.has_value()};
    const std::vector<Type> types = {feature.type};
    // A key or feature that is named many times is read once but answered many times.
    built_bytes_ += AnswerColumns::ArrayBytes(types, plan_.rows, options);
    if (built_bytes_ > kBuiltBytesMax) return TooLarge();
    auto built = std::make_unique<AnswerColumns>(types, plan_.rows, options);
    std::vector<AnswerColumnView*> sources(answers_.size());
    for (uint32_t r = 0; r < answers_.size(); ++r) {
      if (plan_.groups[column.group].reads[r] == BytePlan::kNone) continue;
      TOKURA_ASSIGN_OR_RETURN(sources[r], Source(column, r));
      if (sources[r] != nullptr) sources[r]->Index();
    }
    const bool text = built->cells(0).width == 0;
    for (size_t row = 0; row < plan_.rows; ++row) {
      const BytePlan::Place place = plan_.groups[column.group].rows[row];
      PutRow(sources[place.request], place.index, feature, row, built.get());
      if (text && bytes_ + built->text_bytes() > kAnswerBytesMax) return TooLarge();
    }
    return built;
  }

  void PutRow(const AnswerColumnView* source, size_t index, const Feature& feature, size_t row,
              AnswerColumns* built) const {
    const AnswerCells& cells = built->cells(0);
    const ReadStatus status = source == nullptr ? ReadStatus::kUnknown : source->status(index);
    const bool default_stands_in = DefaultStandsIn(status, feature);
    cells.SetStatus(row, status);
    if (cells.event_times_us != nullptr && source != nullptr) {
      cells.event_times_us[row] = source->event_time_us(index);
    }
    if (cells.has_value != nullptr) {
      cells.has_value[row] = default_stands_in || status == ReadStatus::kPresent ? 1 : 0;
    }
    if (default_stands_in) {
      built->PutValue(0, row, 0, *feature.default_value);
    } else if (status == ReadStatus::kPresent) {
      source->CopyValue(index, built, 0, row);
    }
  }

  std::string Encode(const std::vector<MergedColumn>& merged) const {
    using Response = v1::GetFeaturesResponse;
    std::string body(1 + pbwire::VarintBytes(plan_.rows) + bytes_, '\0');
    char* out = pbwire::PutVarintField(Response::kRowsFieldNumber, plan_.rows, body.data());
    for (size_t i = 0; i < merged.size(); ++i) {
      const MergedColumn& column = merged[i];
      out = pbwire::PutBytesHeader(Response::kFeaturesFieldNumber, column.field_bytes, out);
      out = pbwire::PutBytesField(Response::Feature::kNameFieldNumber,
                                  plan_.selection->columns[i].qualified_name, out);
      out = pbwire::PutBytesHeader(Response::Feature::kColumnFieldNumber, column.body_bytes, out);
      out = column.whole != nullptr ? pbwire::PutRaw(column.whole->body(), out)
                                    : column.built->Encode(0, out);
    }
    TOKURA_CHECK(out == body.data() + body.size());
    return body;
  }

  static constexpr size_t kBuiltBytesMax = 4 * kAnswerBytesMax;  // arrays may be wider than encoded

  const BytePlan& plan_;
  std::vector<std::optional<NodeColumns>> answers_;
  size_t bytes_ = 0;        // of the answer so far
  size_t built_bytes_ = 0;  // of the arrays so far
};

}  // namespace

Result<std::string> MergeBytes(const BytePlan& plan,
                               const std::vector<std::optional<std::string>>& answers) {
  std::vector<std::optional<NodeColumns>> parsed(answers.size());
  for (size_t r = 0; r < answers.size(); ++r) {
    if (!answers[r].has_value()) continue;
    Result<NodeColumns> columns =
        ParseAnswer(*answers[r], plan.requests[r], plan.selection->columns.size());
    if (!columns.ok()) {
      return Internal("node's answer does not fit the request: " + columns.status().message());
    }
    parsed[r] = std::move(*columns);
  }
  return Merger(plan, std::move(parsed)).Merge();
}

}  // namespace tokura::router
