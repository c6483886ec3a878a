#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include "services/platform/json/json.h"
#include "services/platform/json/plan.h"

namespace helhed::json {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;
using pb::Message;

void AppendQuoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.push_back('"');
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        out.append("\\u00");
        out.push_back(digits[c >> 4U]);
        out.push_back(digits[c & 0xFU]);
    }
  }
  out.append(text, begin);
  out.push_back('"');
}

template <typename Number>
void AppendNumber(std::string& out, Number value) {
  std::array<char, 32> text;
  auto const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

// RFC 8259 has no word for these; proto3 JSON says which strings stand for them.
template <typename Number>
void AppendFloat(std::string& out, Number value) {
  if (std::isnan(value)) {
    out.append("\"NaN\"");
  } else if (std::isinf(value)) {
    out.append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else {
    AppendNumber(out, value);
  }
}

// JavaScript's numbers are exact up to 2^53 only.
template <typename Number>
void AppendLong(std::string& out, Number value) {
  out.push_back('"');
  AppendNumber(out, value);
  out.push_back('"');
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void WriteMessage(Message const& message, int depth) {
    auto const& plan = PlanOf(*message.GetDescriptor());
    if (plan.kind != Kind::kPlain) return WriteWellKnown(message, plan.kind, depth);
    out_.push_back('{');
    WriteFields(message, plan, depth, true);
    out_.push_back('}');
  }

  // A singular field, or one element of a repeated one.
  void WriteValue(Message const& message, FieldDescriptor const& field, int index, int depth) {
    auto const& reflection = *message.GetReflection();
    bool const one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return WriteString(message, field, index);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return WriteMessage(one ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index),
                            depth + 1);
      case FieldDescriptor::CPPTYPE_ENUM:
        return WriteEnum(*field.enum_type(), one ? reflection.GetEnumValue(message, &field)
                                                 : reflection.GetRepeatedEnumValue(message, &field, index));
      case FieldDescriptor::CPPTYPE_BOOL:
        out_.append((one ? reflection.GetBool(message, &field) : reflection.GetRepeatedBool(message, &field, index)) ? "true"
                                                                                                                     : "false");
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        return AppendNumber(out_,
                            one ? reflection.GetInt32(message, &field) : reflection.GetRepeatedInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT32:
        return AppendNumber(out_,
                            one ? reflection.GetUInt32(message, &field) : reflection.GetRepeatedUInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return AppendLong(out_, one ? reflection.GetInt64(message, &field) : reflection.GetRepeatedInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return AppendLong(out_,
                          one ? reflection.GetUInt64(message, &field) : reflection.GetRepeatedUInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return AppendFloat(out_,
                           one ? reflection.GetDouble(message, &field) : reflection.GetRepeatedDouble(message, &field, index));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return AppendFloat(out_,
                           one ? reflection.GetFloat(message, &field) : reflection.GetRepeatedFloat(message, &field, index));
    }
  }

  void WriteRepeated(Message const& message, FieldDescriptor const& field, int depth) {
    if (field.is_map()) return WriteMap(message, field, depth);
    out_.push_back('[');
    int const size = message.GetReflection()->FieldSize(message, &field);
    for (int i = 0; i < size; ++i) {
      if (i > 0) out_.push_back(',');
      WriteValue(message, field, i, depth);
    }
    out_.push_back(']');
  }

 private:
  void WriteFields(Message const& message, TypePlan const& plan, int depth, bool first) {
    auto const& reflection = *message.GetReflection();
    for (auto const& [field, key] : plan.fields) {
      // What has presence and is not there is left out; 0 and empty are values.
      if (field->has_presence() && !reflection.HasField(message, field)) continue;
      if (!first) out_.push_back(',');
      first = false;
      out_.append(key);
      if (field->is_repeated()) {
        WriteRepeated(message, *field, depth);
      } else {
        WriteValue(message, *field, -1, depth);
      }
    }
  }

  void WriteString(Message const& message, FieldDescriptor const& field, int index) {
    std::string scratch;
    auto const& reflection = *message.GetReflection();
    auto const& value = index < 0 ? reflection.GetStringReference(message, &field, &scratch)
                                  : reflection.GetRepeatedStringReference(message, &field, index, &scratch);
    if (field.type() != FieldDescriptor::TYPE_BYTES) return AppendQuoted(out_, value);
    absl::StrAppend(&out_, "\"", absl::Base64Escape(value), "\"");
  }

  void WriteEnum(pb::EnumDescriptor const& type, int number) {
    if (type.full_name() == "google.protobuf.NullValue") {
      out_.append("null");
      return;
    }
    auto const* const value = type.FindValueByNumber(number);
    // A value that this process does not know yet is not lost.
    if (value == nullptr) return AppendNumber(out_, number);
    absl::StrAppend(&out_, "\"", value->name(), "\"");
  }

  // Sorted, so that the same message is the same text: an ETag is made of it.
  void WriteMap(Message const& message, FieldDescriptor const& field, int depth) {
    auto const& reflection = *message.GetReflection();
    auto const* const key = field.message_type()->map_key();
    std::vector<std::pair<std::string, Message const*>> entries;
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      auto const& entry = reflection.GetRepeatedMessage(message, &field, i);
      std::string text;
      Writer(text).WriteValue(entry, *key, -1, depth);
      if (!text.starts_with('"')) text = absl::StrCat("\"", text, "\"");
      entries.emplace_back(std::move(text), &entry);
    }
    std::sort(entries.begin(), entries.end());
    out_.push_back('{');
    for (std::size_t i = 0; i < entries.size(); ++i) {
      absl::StrAppend(&out_, i > 0 ? "," : "", entries[i].first, ":");
      WriteValue(*entries[i].second, *field.message_type()->map_value(), -1, depth);
    }
    out_.push_back('}');
  }

  void WriteWellKnown(Message const& message, Kind kind, int depth) {
    switch (kind) {
      case Kind::kTimestamp:
        return AppendQuoted(out_, pb::util::TimeUtil::ToString(static_cast<pb::Timestamp const&>(message)));
      case Kind::kDuration:
        return AppendQuoted(out_, pb::util::TimeUtil::ToString(static_cast<pb::Duration const&>(message)));
      case Kind::kFieldMask:
        return WriteMask(static_cast<pb::FieldMask const&>(message));
      case Kind::kWrapper:
        return WriteValue(message, *message.GetDescriptor()->field(0), -1, depth);
      case Kind::kAny:
        return WriteAny(static_cast<pb::Any const&>(message), depth);
      case Kind::kStruct:
      case Kind::kListValue:
        return WriteRepeated(message, *message.GetDescriptor()->field(0), depth);
      case Kind::kValue:
        return WriteDynamic(message, depth);
      case Kind::kPlain:
        return;
    }
  }

  void WriteMask(pb::FieldMask const& mask) {
    std::string text;
    // A path such as `line_1` has no lowerCamelCase that leads back to it, and stays as it is.
    for (auto const& path : mask.paths()) {
      pb::FieldMask one;
      one.add_paths(path);
      std::string camel;
      absl::StrAppend(&text, text.empty() ? "" : ",", pb::util::FieldMaskUtil::ToJsonString(one, &camel) ? camel : path);
    }
    AppendQuoted(out_, text);
  }

  void WriteDynamic(Message const& value, int depth) {
    auto const& reflection = *value.GetReflection();
    auto const* const set = reflection.GetOneofFieldDescriptor(value, value.GetDescriptor()->oneof_decl(0));
    if (set == nullptr) {
      out_.append("null");
      return;
    }
    WriteValue(value, *set, -1, depth);
  }

  void WriteAny(pb::Any const& any, int depth) {
    if (any.type_url().empty()) {
      out_.append("{}");
      return;
    }
    auto const name = any.type_url().substr(any.type_url().rfind('/') + 1);
    auto const* const type = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    out_.append("{\"@type\":");
    AppendQuoted(out_, any.type_url());
    std::unique_ptr<Message> message;
    if (type != nullptr) message.reset(pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
    // The bytes inside were not counted when the outer message was parsed: a chain of them could go arbitrarily deep.
    if (message == nullptr || depth >= kDepthMax || !message->ParseFromString(any.value())) {
      absl::StrAppend(&out_, ",\"value\":\"", absl::Base64Escape(any.value()), "\"}");
      return;
    }
    auto const& plan = PlanOf(*type);
    if (plan.kind != Kind::kPlain) {
      out_.append(",\"value\":");
      WriteWellKnown(*message, plan.kind, depth + 1);
    } else {
      WriteFields(*message, plan, depth + 1, false);
    }
    out_.push_back('}');
  }

  std::string& out_;
};

}  // namespace

std::string Write(Message const& message) {
  std::string out;
  out.reserve(512);
  Writer(out).WriteMessage(message, 0);
  return out;
}

std::string WriteField(Message const& message, FieldDescriptor const& field) {
  std::string out;
  Writer writer(out);
  if (field.is_repeated()) {
    writer.WriteRepeated(message, field, 0);
  } else if (field.message_type() != nullptr && !message.GetReflection()->HasField(message, &field)) {
    out = "null";
  } else {
    writer.WriteValue(message, field, -1, 0);
  }
  return out;
}

std::string Quote(std::string_view text) {
  std::string out;
  AppendQuoted(out, text);
  return out;
}

}  // namespace helhed::json
