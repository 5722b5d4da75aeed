#include "core/limits.h"
#include "router/plan.h"

namespace tokura::router {
namespace {

using client::FeatureAnswer;
using client::NodeFeatureColumn;

bool HasEventTime(ReadStatus status) {
  return status == ReadStatus::kPresent || status == ReadStatus::kNull ||
         status == ReadStatus::kExpired || status == ReadStatus::kStale;
}

std::optional<int64_t> EventTime(const NodeFeatureColumn& column, size_t i) {
  if (i >= column.event_times_us.size() || !HasEventTime(column.statuses[i])) return std::nullopt;
  return column.event_times_us[i];
}

bool DefaultStandsIn(ReadStatus status, const Feature& feature) {
  return feature.default_value.has_value() &&
         (status == ReadStatus::kNotFound || status == ReadStatus::kExpired);
}

// The node's column for `column` in the answer that holds `place`; null if the node did not answer.
NodeFeatureColumn* Find(std::vector<OwnerAnswer>& answers, const KeyPlace& place, size_t feature) {
  OwnerAnswer& answer = answers[place.request];
  return answer.has_value() ? &(*answer)[place.read][feature] : nullptr;
}

// A column is asked for once but may be named twice: only one that is named once is moved out.
bool NamedOnce(const GetPlan& plan, const AnswerColumn& column) {
  size_t named = 0;
  for (const AnswerColumn& other : plan.columns) {
    named += other.group == column.group && other.feature == column.feature ? 1 : 0;
  }
  return named == 1;
}

bool NeedsDefault(const NodeFeatureColumn& source, const Feature& feature) {
  if (!feature.default_value.has_value()) return false;
  for (const ReadStatus status : source.statuses) {
    if (DefaultStandsIn(status, feature)) return true;
  }
  return false;
}

// A key or feature that is named many times is read once but answered many times: what that makes
// of large values is bounded, as an answer must fit a frame.
constexpr size_t kAnswerBytesMax = kFrameBytesMax - (1 << 20);

size_t ValueBytes(const Value& value) {
  if (const auto* text = value.get_if<std::string>()) return text->size();
  if (const auto* bytes = value.get_if<Bytes>()) return bytes->data.size();
  if (const auto* floats = value.get_if<FloatVector>()) return floats->size() * sizeof(float);
  size_t sum = 8;
  if (const auto* list = value.get_if<List>()) {
    for (const Value& element : *list) sum += ValueBytes(element);
  }
  return sum;
}

// The rows of the request are the node's rows: nothing to rearrange.
void TakeWhole(NodeFeatureColumn&& source, bool want_event_time, FeatureAnswer* out) {
  const size_t rows = source.statuses.size();
  out->has_value.resize(rows);
  for (size_t i = 0; i < rows; ++i) out->has_value[i] = source.statuses[i] == ReadStatus::kPresent;
  if (want_event_time) {
    out->event_times_us.reserve(rows);
    for (size_t i = 0; i < rows; ++i) out->event_times_us.push_back(EventTime(source, i));
  }
  out->values = std::move(source.values);
  out->statuses = std::move(source.statuses);
}

// Returns the bytes that the value takes.
size_t AppendRow(const NodeFeatureColumn* source, size_t i, const Feature& feature,
                 bool want_event_time, FeatureAnswer* out) {
  const ReadStatus status = source == nullptr ? ReadStatus::kUnknown : source->statuses[i];
  Value value;
  if (DefaultStandsIn(status, feature)) {
    value = *feature.default_value;
  } else if (status == ReadStatus::kPresent) {
    value = source->values.At(i);
  }
  out->statuses.push_back(status);
  out->has_value.push_back(!value.is_null());
  if (want_event_time) {
    out->event_times_us.push_back(source == nullptr ? std::nullopt : EventTime(*source, i));
  }
  out->values.Append(value);
  return ValueBytes(value);
}

}  // namespace

Result<client::GetFeaturesResponse> MergeAnswers(const GetPlan& plan,
                                                 std::vector<OwnerAnswer> answers,
                                                 bool want_event_time) {
  client::GetFeaturesResponse response;
  response.rows = plan.rows;
  response.features.reserve(plan.columns.size());
  size_t bytes = 0;
  for (const AnswerColumn& column : plan.columns) {
    const PlannedGroup& group = plan.groups[column.group];
    FeatureAnswer& out = response.features.emplace_back();
    out.name = catalog::ResolvedFeature{group.group, column.definition}.QualifiedName();
    out.values = Column(column.definition->type);
    if (group.in_order && !group.rows.empty()) {
      NodeFeatureColumn* source = Find(answers, group.rows.front(), column.feature);
      if (source != nullptr && source->values.type() == column.definition->type &&
          NamedOnce(plan, column) && !NeedsDefault(*source, *column.definition)) {
        TakeWhole(std::move(*source), want_event_time, &out);
        continue;
      }
    }
    out.values.Reserve(plan.rows);
    for (const KeyPlace& place : group.rows) {
      const NodeFeatureColumn* source = Find(answers, place, column.feature);
      if (source != nullptr && source->values.type() != column.definition->type) {
        return Internal("node answered feature '" + out.name + "' as " +
                        source->values.type().ToString());
      }
      bytes += AppendRow(source, place.index, *column.definition, want_event_time, &out);
      if (bytes > kAnswerBytesMax) {
        return ResourceExhausted("the answer is over the limit of " +
                                 std::to_string(kAnswerBytesMax) +
                                 " bytes; ask for fewer keys or features at a time");
      }
    }
  }
  return response;
}

}  // namespace tokura::router
