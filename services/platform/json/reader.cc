#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/time_util.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>

#include "services/platform/base/civil.h"
#include "services/platform/contract/text.h"
#include "services/platform/json/json.h"
#include "services/platform/json/plan.h"

namespace helhed::json {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;
using pb::Message;
using Json = rapidjson::Value;

std::string_view Text(Json const& value) { return {value.GetString(), value.GetStringLength()}; }

// Where in the request we are. Made into text only when something is wrong there.
struct Path {
  Path const* above = nullptr;
  std::string_view name;
  int index = -1;

  std::string Text() const {
    auto text = above == nullptr ? std::string() : above->Text();
    if (!name.empty()) absl::StrAppend(&text, text.empty() ? "" : ".", Av(name));
    if (index >= 0) absl::StrAppend(&text, "[", index, "]");
    return text;
  }
};

// Whether `text` is a number as RFC 8259 writes it: no `+`, no leading zero, no blank.
bool IsNumber(std::string_view text) {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  auto const digits = [&] {
    auto const begin = i;
    while (i < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) ++i;
    return i - begin;
  };
  auto const first = i;
  auto const whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (i < text.size() && text[i] == '.' && (++i, digits() == 0)) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

// Above this a double no longer says which integer was meant.
constexpr double kExactMax = 9'007'199'254'740'991;

template <typename Integer>
std::optional<Integer> FromDouble(double value) {
  if (!(std::abs(value) <= kExactMax) || std::trunc(value) != value) return std::nullopt;
  if (value < static_cast<double>(std::numeric_limits<Integer>::min()) ||
      value > static_cast<double>(std::numeric_limits<Integer>::max())) {
    return std::nullopt;
  }
  return static_cast<Integer>(value);
}

template <typename Integer>
std::optional<Integer> ToInteger(std::string_view text) {
  if (!IsNumber(text)) return std::nullopt;
  Integer value = 0;
  if (text.find_first_of(".eE") == std::string_view::npos) {
    return absl::SimpleAtoi(Av(text), &value) ? std::optional(value) : std::nullopt;
  }
  double real = 0;
  return absl::SimpleAtod(Av(text), &real) ? FromDouble<Integer>(real) : std::nullopt;
}

template <typename Integer>
std::optional<Integer> ToInteger(Json const& value) {
  if (value.IsString()) return ToInteger<Integer>(Text(value));
  constexpr auto min = std::numeric_limits<Integer>::min();
  constexpr auto max = std::numeric_limits<Integer>::max();
  if (value.IsInt64()) {
    auto const number = value.GetInt64();
    bool const fits = std::is_signed_v<Integer>
                          ? number >= static_cast<std::int64_t>(min) && number <= static_cast<std::int64_t>(max)
                          : number >= 0 && static_cast<std::uint64_t>(number) <= max;
    return fits ? std::optional(static_cast<Integer>(number)) : std::nullopt;
  }
  if (value.IsUint64()) {
    return value.GetUint64() <= static_cast<std::uint64_t>(max) ? std::optional(static_cast<Integer>(value.GetUint64()))
                                                                : std::nullopt;
  }
  return value.IsDouble() ? FromDouble<Integer>(value.GetDouble()) : std::nullopt;
}

// proto3 JSON: a number, the same as a string, or one of three words.
std::optional<double> ToDouble(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  if (!IsNumber(text) || !absl::SimpleAtod(Av(text), &value) || std::isinf(value)) return std::nullopt;
  return value;
}

std::optional<double> ToDouble(Json const& value) {
  if (value.IsString()) return ToDouble(Text(value));
  return value.IsNumber() ? std::optional(value.GetDouble()) : std::nullopt;
}

// Both alphabets, with padding or without, and nothing else: Abseil passes over blanks.
std::optional<std::string> ToBytes(std::string_view text) {
  auto const blank = [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); };
  if (std::any_of(text.begin(), text.end(), blank)) return std::nullopt;
  std::string bytes;
  bool const is_url = text.find_first_of("-_") != std::string_view::npos;
  bool const fine = is_url ? absl::WebSafeBase64Unescape(Av(text), &bytes) : absl::Base64Unescape(Av(text), &bytes);
  return fine ? std::optional(std::move(bytes)) : std::nullopt;
}

// How deep objects and arrays lie in each other, counted before the parser recurses into them.
int DepthOf(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

class Reader {
 public:
  Reader(Violations& violations, std::vector<std::string>* given) : violations_(violations), given_(given) {}

  void Add(Path const& path, std::string_view description) {
    if (violations_.size() >= kViolationsMax) return;
    auto field = path.Text();
    violations_.push_back({field.empty() ? "body" : std::move(field), std::string(description)});
  }

  // `mask` is the path of the message within what is given; nullptr below a place where paths end.
  void ReadMessage(Json const& json, Message& message, Path const& path, std::string const* mask) {
    auto const& plan = PlanOf(*message.GetDescriptor());
    if (plan.kind != Kind::kPlain) return ReadWellKnown(json, message, plan.kind, path);
    if (!json.IsObject()) return Add(path, "must be an object");
    ReadFields(json, message, plan, path, mask, "");
  }

 private:
  void ReadFields(Json const& json, Message& message, TypePlan const& plan, Path const& path, std::string const* mask,
                  std::string_view skipped) {
    std::set<FieldDescriptor const*> seen;
    std::set<pb::OneofDescriptor const*> chosen;
    for (auto const& member : json.GetObject()) {
      if (violations_.size() >= kViolationsMax) return;
      auto const name = Text(member.name);
      if (!skipped.empty() && name == skipped) continue;
      auto const found = plan.by_name.find(name);
      if (found == plan.by_name.end()) {
        AddUnknown(path, name, *message.GetDescriptor());
        continue;
      }
      auto const& field = *found->second;
      Path const at{&path, field.name()};
      if (!seen.insert(&field).second) {
        Add(at, "occurs more than once");
        continue;
      }
      auto const* const oneof = member.value.IsNull() ? nullptr : field.real_containing_oneof();
      if (oneof != nullptr && !chosen.insert(oneof).second) {
        Add(at, absl::StrCat("must be alone: only one of ", oneof->name(), " can be set"));
        continue;
      }
      ReadField(member.value, message, field, at, mask);
    }
  }

  void AddUnknown(Path const& path, std::string_view name, pb::Descriptor const& type) {
    auto const safe = SafeName(name);
    if (safe.empty()) return Add(path, absl::StrCat("has a field that ", type.name(), " does not have"));
    Add(Path{&path, safe}, absl::StrCat("is not a field of ", type.name()));
  }

  void ReadField(Json const& json, Message& message, FieldDescriptor const& field, Path const& path, std::string const* mask) {
    auto const* const type = field.message_type();
    bool const goes_on = type != nullptr && !field.is_repeated() && !IsValueType(*type) && json.IsObject() && !json.ObjectEmpty();
    std::string below;
    if (mask != nullptr && given_ != nullptr) {
      below = mask->empty() ? field.name() : absl::StrCat(*mask, ".", field.name());
      if (!goes_on) given_->push_back(below);
    }
    bool const takes_null = (type != nullptr && PlanOf(*type).kind == Kind::kValue) ||
                            (field.enum_type() != nullptr && field.enum_type()->full_name() == "google.protobuf.NullValue");
    if (json.IsNull() && (!takes_null || field.is_repeated())) return;
    if (field.is_map()) return ReadMap(json, message, field, path);
    if (field.is_repeated()) return ReadList(json, message, field, path);
    if (type != nullptr) {
      auto& inner = *message.GetReflection()->MutableMessage(&message, &field);
      return ReadMessage(json, inner, path, goes_on && !below.empty() ? &below : nullptr);
    }
    ReadScalar(json, message, field, path);
  }

  void ReadList(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    if (!json.IsArray()) return Add(path, "must be a list");
    bool const takes_null = field.message_type() != nullptr && PlanOf(*field.message_type()).kind == Kind::kValue;
    for (rapidjson::SizeType i = 0; i < json.Size() && violations_.size() < kViolationsMax; ++i) {
      Path const at{path.above, path.name, static_cast<int>(i)};
      if (json[i].IsNull() && !takes_null) {
        Add(at, "must not be null");
      } else if (field.message_type() != nullptr) {
        ReadMessage(json[i], *message.GetReflection()->AddMessage(&message, &field), at, nullptr);
      } else {
        ReadScalar(json[i], message, field, at);
      }
    }
  }

  void ReadMap(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    if (!json.IsObject()) return Add(path, "must be an object");
    auto const* const value = field.message_type()->map_value();
    bool const takes_null = value->message_type() != nullptr && PlanOf(*value->message_type()).kind == Kind::kValue;
    std::set<std::string_view> seen;
    for (auto const& member : json.GetObject()) {
      if (violations_.size() >= kViolationsMax) return;
      auto const safe = SafeName(Text(member.name));
      auto const name = safe.empty() ? std::string(path.name) : absl::StrCat(Av(path.name), "[", Av(safe), "]");
      Path const at{path.above, name};
      if (!seen.insert(Text(member.name)).second) {
        Add(at, "occurs more than once");
      } else if (member.value.IsNull() && !takes_null) {
        Add(at, "must not be null");
      } else if (auto* const entry = AddEntry(Text(member.name), message, field, at)) {
        if (value->message_type() != nullptr) {
          ReadMessage(member.value, *entry->GetReflection()->MutableMessage(entry, value), at, nullptr);
        } else {
          ReadScalar(member.value, *entry, *value, at);
        }
      }
    }
  }

 public:
  // An entry with its key, or nullptr when the key is of the wrong kind.
  Message* AddEntry(std::string_view key, Message& message, FieldDescriptor const& field, Path const& path) {
    auto* const entry = message.GetReflection()->AddMessage(&message, &field);
    auto const before = violations_.size();
    SetText(key, *entry, *field.message_type()->map_key(), path);
    if (violations_.size() == before) return entry;
    message.GetReflection()->RemoveLast(&message, &field);
    return nullptr;
  }

  // A scalar from a text outside of JSON.
  void SetText(std::string_view text, Message& message, FieldDescriptor const& field, Path const& path) {
    if (field.type() == FieldDescriptor::TYPE_STRING) {
      if (!contract::CodePoints(text)) return Add(path, "must be well-formed UTF-8");
      if (text.find('\0') != std::string_view::npos) return Add(path, "must not contain the character U+0000");
    }
    Json value;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      if (text != "true" && text != "false") return Add(path, "must be true or false");
      value.SetBool(text == "true");
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM && ToInteger<std::int32_t>(text)) {
      value.SetInt(*ToInteger<std::int32_t>(text));
    } else {
      value.SetString(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    }
    ReadScalar(value, message, field, path);
  }

  void SetWellKnownText(std::string_view text, Message& message, Path const& path) {
    auto const kind = PlanOf(*message.GetDescriptor()).kind;
    if (message.GetDescriptor()->full_name() == "google.type.Date") {
      auto const day = FromIsoDate(text);
      if (!day) return Add(path, "must be a date that exists, as YYYY-MM-DD");
      message.CopyFrom(ToProtoDate(*day));
    } else if (kind == Kind::kWrapper) {
      SetText(text, message, *message.GetDescriptor()->field(0), path);
    } else {
      ReadWellKnown(Json(text.data(), static_cast<rapidjson::SizeType>(text.size())), message, kind, path);
    }
  }

 private:
  template <typename Value>
  void Put(Message& message, FieldDescriptor const& field, Value value) {
    auto const& reflection = *message.GetReflection();
    bool const add = field.is_repeated();
    if constexpr (std::is_same_v<Value, std::string>) {
      add ? reflection.AddString(&message, &field, std::move(value)) : reflection.SetString(&message, &field, std::move(value));
    } else if constexpr (std::is_same_v<Value, bool>) {
      add ? reflection.AddBool(&message, &field, value) : reflection.SetBool(&message, &field, value);
    } else if constexpr (std::is_same_v<Value, std::int32_t>) {
      add ? reflection.AddInt32(&message, &field, value) : reflection.SetInt32(&message, &field, value);
    } else if constexpr (std::is_same_v<Value, std::uint32_t>) {
      add ? reflection.AddUInt32(&message, &field, value) : reflection.SetUInt32(&message, &field, value);
    } else if constexpr (std::is_same_v<Value, std::int64_t>) {
      add ? reflection.AddInt64(&message, &field, value) : reflection.SetInt64(&message, &field, value);
    } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
      add ? reflection.AddUInt64(&message, &field, value) : reflection.SetUInt64(&message, &field, value);
    } else if constexpr (std::is_same_v<Value, float>) {
      add ? reflection.AddFloat(&message, &field, value) : reflection.SetFloat(&message, &field, value);
    } else {
      add ? reflection.AddDouble(&message, &field, value) : reflection.SetDouble(&message, &field, value);
    }
  }

  template <typename Integer>
  void ReadInteger(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    if (auto const value = ToInteger<Integer>(json)) return Put(message, field, *value);
    Add(path, absl::StrCat("must be a whole number from ", std::numeric_limits<Integer>::min(), " to ",
                           std::numeric_limits<Integer>::max()));
  }

  void ReadScalar(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return ReadString(json, message, field, path);
      case FieldDescriptor::CPPTYPE_ENUM:
        return ReadEnum(json, message, field, path);
      case FieldDescriptor::CPPTYPE_BOOL:
        return json.IsBool() ? Put(message, field, json.GetBool()) : Add(path, "must be true or false");
      case FieldDescriptor::CPPTYPE_INT32:
        return ReadInteger<std::int32_t>(json, message, field, path);
      case FieldDescriptor::CPPTYPE_UINT32:
        return ReadInteger<std::uint32_t>(json, message, field, path);
      case FieldDescriptor::CPPTYPE_INT64:
        return ReadInteger<std::int64_t>(json, message, field, path);
      case FieldDescriptor::CPPTYPE_UINT64:
        return ReadInteger<std::uint64_t>(json, message, field, path);
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return ReadFloat(json, message, field, path);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Add(path, "must be an object");
    }
  }

  void ReadFloat(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    auto const value = ToDouble(json);
    if (!value) return Add(path, "must be a number");
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) return Put(message, field, *value);
    if (std::isfinite(*value) && std::abs(*value) > static_cast<double>(std::numeric_limits<float>::max())) {
      return Add(path, "must be a number that a float of 32 bits can hold");
    }
    Put(message, field, static_cast<float>(*value));
  }

  void ReadString(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    if (!json.IsString()) return Add(path, "must be a string");
    if (field.type() != FieldDescriptor::TYPE_BYTES) return Put(message, field, std::string(Text(json)));
    auto bytes = ToBytes(Text(json));
    if (!bytes) return Add(path, "must be bytes in base64 (RFC 4648)");
    Put(message, field, *std::move(bytes));
  }

  void ReadEnum(Json const& json, Message& message, FieldDescriptor const& field, Path const& path) {
    auto const& reflection = *message.GetReflection();
    auto const& type = *field.enum_type();
    std::optional<int> number;
    if (json.IsNull()) number = 0;
    if (json.IsNumber()) number = ToInteger<std::int32_t>(json);
    if (json.IsString()) {
      auto const* const value = type.FindValueByName(std::string(Text(json)));
      if (value != nullptr) number = value->number();
    }
    if (!number) return Add(path, absl::StrCat("must be a value of ", type.name()));
    field.is_repeated() ? reflection.AddEnumValue(&message, &field, *number) : reflection.SetEnumValue(&message, &field, *number);
  }

  void ReadWellKnown(Json const& json, Message& message, Kind kind, Path const& path) {
    switch (kind) {
      case Kind::kTimestamp:
        if (!json.IsString() || !pb::util::TimeUtil::FromString(std::string(Text(json)), static_cast<pb::Timestamp*>(&message)))
          Add(path, "must be an instant as RFC 3339 writes it: 2026-01-31T12:00:00Z");
        return;
      case Kind::kDuration:
        if (!json.IsString() || !pb::util::TimeUtil::FromString(std::string(Text(json)), static_cast<pb::Duration*>(&message)))
          Add(path, "must be a number of seconds with an s: 1.5s");
        return;
      case Kind::kFieldMask:
        return ReadMask(json, static_cast<pb::FieldMask&>(message), path);
      case Kind::kWrapper:
        return ReadScalar(json, message, *message.GetDescriptor()->field(0), path);
      case Kind::kAny:
        return ReadAny(json, static_cast<pb::Any&>(message), path);
      case Kind::kStruct:
        return ReadMap(json, message, *message.GetDescriptor()->field(0), path);
      case Kind::kListValue:
        return ReadList(json, message, *message.GetDescriptor()->field(0), path);
      case Kind::kValue:
        return ReadDynamic(json, static_cast<pb::Value&>(message), path);
      case Kind::kPlain:
        return;
    }
  }

  void ReadMask(Json const& json, pb::FieldMask& mask, Path const& path) {
    if (!json.IsString()) return Add(path, "must be a string: paths of fields, separated by commas");
    if (json.GetStringLength() == 0) return;
    for (auto const piece : absl::StrSplit(Av(Text(json)), ',')) {
      std::string const one(piece);
      if (one.empty()) return Add(path, "must have a path before and after each comma");
      pb::FieldMask camel;
      // The contract's own names are taken as well: not every one has a lowerCamelCase that leads back to it.
      if (one.find('_') == std::string::npos && pb::util::FieldMaskUtil::FromJsonString(one, &camel) && camel.paths_size() == 1) {
        mask.add_paths(camel.paths(0));
      } else {
        mask.add_paths(one);
      }
    }
  }

  void ReadDynamic(Json const& json, pb::Value& value, Path const& path) {
    if (json.IsNull()) {
      value.set_null_value(pb::NULL_VALUE);
    } else if (json.IsBool()) {
      value.set_bool_value(json.GetBool());
    } else if (json.IsNumber()) {
      value.set_number_value(json.GetDouble());
    } else if (json.IsString()) {
      value.set_string_value(json.GetString(), json.GetStringLength());
    } else if (json.IsObject()) {
      ReadMap(json, *value.mutable_struct_value(), *pb::Struct::descriptor()->field(0), path);
    } else {
      ReadList(json, *value.mutable_list_value(), *pb::ListValue::descriptor()->field(0), path);
    }
  }

  void ReadAny(Json const& json, pb::Any& any, Path const& path) {
    if (!json.IsObject()) return Add(path, "must be an object");
    if (json.ObjectEmpty()) return;
    auto const member = json.FindMember("@type");
    std::string const url = member == json.MemberEnd() || !member->value.IsString() ? "" : std::string(Text(member->value));
    auto const slash = url.rfind('/');
    auto const* const type =
        slash == std::string::npos ? nullptr : pb::DescriptorPool::generated_pool()->FindMessageTypeByName(url.substr(slash + 1));
    if (type == nullptr) return Add(path, "must have an @type that is known here");
    std::unique_ptr<Message> const message(pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
    auto const& plan = PlanOf(*type);
    if (plan.kind == Kind::kPlain) {
      ReadFields(json, *message, plan, path, nullptr, "@type");
    } else {
      auto const value = json.FindMember("value");
      if (value == json.MemberEnd() || json.MemberCount() != 2) return Add(path, "must have @type and value");
      ReadWellKnown(value->value, *message, plan.kind, path);
    }
    any.set_type_url(url);
    any.set_value(message->SerializeAsString());
  }

  Violations& violations_;
  std::vector<std::string>* const given_;
};

// Where the text has the escape of a low surrogate that follows no high one (RFC 8259, 8.2). rapidjson 1.1 sees only the high
// ones that are alone, and makes bytes of the others that are no UTF-8.
std::optional<std::size_t> LoneLowSurrogate(std::string_view text) {
  auto const unit = [&](std::size_t at) -> std::uint32_t {
    std::uint32_t value = 0;
    if (text.substr(at, 2) != "\\u" || text.size() < at + 6) return 0;
    auto const* const end = text.data() + at + 6;
    return std::from_chars(text.data() + at + 2, end, value, 16).ptr == end ? value : 0;
  };
  auto const is_low = [](std::uint32_t value) { return value >= 0xDC00 && value <= 0xDFFF; };
  for (auto at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    auto const value = unit(at);
    if (is_low(value)) return at;
    bool const is_high = value >= 0xD800 && value <= 0xDBFF;
    at += is_high && is_low(unit(at + 6)) ? 12 : value != 0 ? 6 : 2;
  }
  return std::nullopt;
}

}  // namespace

void Read(std::string_view text, Message& message, std::string_view at, Violations& violations, std::vector<std::string>* given) {
  Reader reader(violations, given);
  Path const path{nullptr, at};
  if (DepthOf(text) > kDepthMax) {
    return reader.Add(path, absl::StrCat("must not have more than ", kDepthMax, " objects and lists in each other"));
  }
  // The parser takes a NUL for the end and would not look at what follows.
  if (text.find('\0') != std::string_view::npos) return reader.Add(path, "must be JSON: it contains a NUL");
  rapidjson::Document document;
  constexpr unsigned flags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag;
  document.Parse<flags>(text.data(), text.size());
  if (document.HasParseError()) {
    return reader.Add(path, absl::StrCat("must be JSON: at byte ", document.GetErrorOffset() + 1, ", ",
                                         rapidjson::GetParseError_En(document.GetParseError())));
  }
  if (auto const alone = LoneLowSurrogate(text)) {
    return reader.Add(path, absl::StrCat("must be JSON: at byte ", *alone + 1, ", a surrogate is alone"));
  }
  std::string const root;
  reader.ReadMessage(document, message, path, &root);
}

absl::Status Read(std::string_view text, Message& message) {
  Violations violations;
  Read(text, message, "", violations);
  return violations.empty() ? absl::OkStatus() : BadRequest(std::move(violations));
}

bool TakesText(FieldDescriptor const& field) {
  auto const* const type = field.message_type();
  if (type == nullptr) return true;
  if (field.is_map()) return false;
  auto const kind = PlanOf(*type).kind;
  return kind == Kind::kTimestamp || kind == Kind::kDuration || kind == Kind::kFieldMask || kind == Kind::kWrapper ||
         type->full_name() == "google.type.Date";
}

void ReadText(std::string_view text, Message& message, FieldDescriptor const& field, std::string_view at,
              Violations& violations) {
  Reader reader(violations, nullptr);
  Path const path{nullptr, at};
  if (field.message_type() == nullptr) return reader.SetText(text, message, field, path);
  auto const& reflection = *message.GetReflection();
  auto& inner = field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field);
  reader.SetWellKnownText(text, inner, path);
}

void ReadMapText(std::string_view key, std::string_view text, Message& message, FieldDescriptor const& field, std::string_view at,
                 Violations& violations) {
  Reader reader(violations, nullptr);
  Path const path{nullptr, at};
  auto* const entry = reader.AddEntry(key, message, field, path);
  if (entry != nullptr) reader.SetText(text, *entry, *field.message_type()->map_value(), path);
}

bool IsValueType(pb::Descriptor const& type) {
  return PlanOf(type).kind != Kind::kPlain || type.file()->package().starts_with("google.type");
}

bool IsWellKnown(pb::Descriptor const* type) { return type != nullptr && PlanOf(*type).kind != Kind::kPlain; }

FieldDescriptor const* FindField(pb::Descriptor const& type, std::string_view name) {
  auto const& plan = PlanOf(type);
  auto const found = plan.by_name.find(name);
  return found == plan.by_name.end() ? nullptr : found->second;
}

std::string_view SafeName(std::string_view word) {
  constexpr std::size_t bytes_max = 64;
  bool const safe = !word.empty() && word.size() <= bytes_max && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || std::string_view("_.$@-").find(c) != std::string_view::npos;
  });
  // Ten digits in a row may be a CPR number that went astray.
  int digits = 0;
  for (char const c : word) {
    digits += absl::ascii_isdigit(static_cast<unsigned char>(c)) ? 1 : 0;
  }
  return safe && digits < 6 ? word : std::string_view();
}

}  // namespace helhed::json
