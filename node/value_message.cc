#include "node/value_message.h"

#include <string>

namespace tokura::node {

void ToProto(const Value& value, v1::Value* out) {
  if (const bool* x = value.get_if<bool>()) {
    out->set_bool_value(*x);
  } else if (const int64_t* x = value.get_if<int64_t>()) {
    out->set_int_value(*x);
  } else if (const double* x = value.get_if<double>()) {
    out->set_float_value(*x);
  } else if (const std::string* x = value.get_if<std::string>()) {
    out->set_string_value(*x);
  } else if (const Bytes* x = value.get_if<Bytes>()) {
    out->set_bytes_value(x->data);
  } else if (const Timestamp* x = value.get_if<Timestamp>()) {
    out->set_timestamp_us(x->us);
  } else if (const FloatVector* x = value.get_if<FloatVector>()) {
    out->mutable_vector_value()->mutable_values()->Add(x->begin(), x->end());
  } else if (const List* x = value.get_if<List>()) {
    v1::ListValue* list = out->mutable_list_value();
    for (const Value& element : *x) ToProto(element, list->add_values());
  }
}

}  // namespace tokura::node
