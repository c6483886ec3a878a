#include "gateway/openapi/schemas.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <google/api/field_behavior.pb.h>
#include <google/api/resource.pb.h>

#include <limits>

#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::openapi {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr int kItemsMaxDefault = 1'000;

policy::v1::FieldPolicy const& PolicyOf(FieldDescriptor const& field) { return field.options().GetExtension(policy::v1::field); }

// An integer between the rules, or between what its type can hold.
template <typename Integer>
Json Number(policy::v1::Rules const& rules, char const* format) {
  return Json::Object({{"type", "integer"},
                       {"format", format},
                       {"minimum", rules.has_minimum() ? rules.minimum() : std::int64_t{std::numeric_limits<Integer>::min()}},
                       {"maximum", rules.has_maximum() ? rules.maximum() : std::int64_t{std::numeric_limits<Integer>::max()}}});
}

Json Long(policy::v1::Rules const& rules, bool is_signed) {
  auto schema = Json::Object({{"type", "string"},
                              {"format", is_signed ? "int64" : "uint64"},
                              {"pattern", is_signed ? "^-?[0-9]{1,19}$" : "^[0-9]{1,20}$"},
                              {"maxLength", 20}});
  // JSON Schema has no word for the limits of a number in a string.
  if (rules.has_minimum()) schema["x-minimum"] = rules.minimum();
  if (rules.has_maximum()) schema["x-maximum"] = rules.maximum();
  return schema;
}

// RE2 and ECMA-262 agree on what the contract uses, but an escaped hyphen, which /u does not take.
std::string EcmaPattern(std::string_view pattern) {
  return absl::StrCat("^(?:", absl::StrReplaceAll(Av(pattern), {{"\\-", "-"}, {"\\_", "_"}, {"\\ ", " "}}), ")$");
}

// `organisations/{organisation}` -> `^organisations/[A-Za-z0-9._~-]{1,63}$`
std::string NamePatternText(contract::NamePattern const& pattern) {
  std::string text;
  for (auto const segment : absl::StrSplit(pattern.text(), '/')) {
    absl::StrAppend(&text, text.empty() ? "" : "/", Sv(segment).starts_with('{') ? "[A-Za-z0-9._~-]{1,63}" : segment);
  }
  return absl::StrCat("^", text, "$");
}

contract::NamePattern const* NameOf(FieldDescriptor const& field) {
  auto const& type = field.options().GetExtension(google::api::resource_reference).type();
  if (!type.empty()) return contract::PatternOfType(type);
  return contract::HasBehavior(field, google::api::IDENTIFIER) ? contract::PatternOf(*field.containing_type()) : nullptr;
}

Json WellKnown(pb::Descriptor const& type) {
  auto const& name = type.full_name();
  if (name == "google.protobuf.Timestamp") {
    return Json::Object({{"type", "string"}, {"format", "date-time"}, {"maxLength", 40}});
  }
  if (name == "google.protobuf.Duration") {
    return Json::Object({{"type", "string"}, {"pattern", "^-?[0-9]{1,12}(?:\\.[0-9]{1,9})?s$"}, {"maxLength", 24}});
  }
  if (name == "google.protobuf.FieldMask") {
    return Json::Object({{"type", "string"}, {"pattern", "^[A-Za-z0-9_.,*]*$"}, {"maxLength", kLengthMaxDefault}});
  }
  if (name == "google.protobuf.ListValue") {
    return Json::Object({{"type", "array"}, {"items", Json::Object()}, {"maxItems", kItemsMaxDefault}});
  }
  if (name == "google.protobuf.Value") return Json::Object();
  auto object = Json::Object({{"type", "object"}, {"maxProperties", kItemsMaxDefault}});
  if (name == "google.protobuf.Any") {
    auto const url =
        Json::Object({{"type", "string"}, {"pattern", "^type\\.googleapis\\.com/[A-Za-z0-9_.]+$"}, {"maxLength", 300}});
    object["description"] = "A message with its type: `@type` says which, its fields stand beside it.";
    object["properties"] = Json::Object({{"@type", url}});
  }
  return object;
}

char const* BriefClass(policy::v1::DataClass data_class) {
  switch (data_class) {
    case policy::v1::DATA_CLASS_PUBLIC:
      return "PUBLIC";
    case policy::v1::DATA_CLASS_INTERNAL:
      return "INTERNAL";
    case policy::v1::DATA_CLASS_PERSONAL:
      return "PERSONAL";
    case policy::v1::DATA_CLASS_SENSITIVE:
      return "SENSITIVE";
    case policy::v1::DATA_CLASS_SECRET:
      return "SECRET";
    default:
      return nullptr;
  }
}

// What the field's options say beyond its value.
void AddNotes(FieldDescriptor const& field, Json& schema) {
  if (contract::HasBehavior(field, google::api::OUTPUT_ONLY)) schema["readOnly"] = true;
  if (contract::HasBehavior(field, google::api::INPUT_ONLY)) schema["writeOnly"] = true;
  if (contract::HasBehavior(field, google::api::IMMUTABLE)) schema["x-immutable"] = true;
  if (field.options().deprecated()) schema["deprecated"] = true;
  if (auto const* const name = BriefClass(contract::DataClassOf(field))) schema["x-data-class"] = name;
  auto const& query = PolicyOf(field).query();
  if (query.filter()) schema["x-filterable"] = true;
  if (query.order()) schema["x-sortable"] = true;
}

}  // namespace

Json Schemas::Text(FieldDescriptor const& field) const {
  auto const& rules = PolicyOf(field).rules();
  auto schema = Json::Object({{"type", "string"}});
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    schema["contentEncoding"] = "base64";
    schema["maxLength"] = rules.has_length_max() ? std::int64_t{rules.length_max()} * 4 / 3 + 4 : std::int64_t{4'000'000};
    return schema;
  }
  if (rules.uuid()) schema["format"] = "uuid";
  if (rules.has_length_min()) schema["minLength"] = rules.length_min();
  schema["maxLength"] = rules.has_length_max() ? static_cast<int>(rules.length_max()) : rules.uuid() ? 36 : kLengthMaxDefault;
  auto const* const name = NameOf(field);
  if (!rules.pattern().empty()) {
    schema["pattern"] = EcmaPattern(rules.pattern());
  } else if (name != nullptr) {
    schema["pattern"] = NamePatternText(*name);
  }
  if (auto const text = examples_.Text(field); text && (name != nullptr || rules.uuid() || !rules.pattern().empty())) {
    schema["examples"] = Json::Array({*text});
  }
  return schema;
}

Json Schemas::Element(FieldDescriptor const& field) {
  auto const& rules = PolicyOf(field).rules();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Text(field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Message(*field.message_type());
    case FieldDescriptor::CPPTYPE_ENUM:
      return Enum(*field.enum_type());
    case FieldDescriptor::CPPTYPE_BOOL:
      return Json::Object({{"type", "boolean"}});
    case FieldDescriptor::CPPTYPE_INT32:
      return Number<std::int32_t>(rules, "int32");
    case FieldDescriptor::CPPTYPE_UINT32:
      return Number<std::uint32_t>(rules, "int64");
    case FieldDescriptor::CPPTYPE_INT64:
      return Long(rules, true);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Long(rules, false);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Json::Object({{"type", "number"}, {"format", "double"}});
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Json::Object({{"type", "number"}, {"format", "float"}});
  }
  return {};
}

Json Schemas::Field(FieldDescriptor const& field) {
  auto const& rules = PolicyOf(field).rules();
  Json schema;
  if (field.is_map()) {
    schema = Json::Object({{"type", "object"},
                           {"additionalProperties", Element(*field.message_type()->map_value())},
                           {"maxProperties", kItemsMaxDefault}});
  } else if (field.is_repeated()) {
    schema = Json::Object({{"type", "array"}, {"items", Element(field)}});
    if (rules.has_items_min()) schema["minItems"] = rules.items_min();
    schema["maxItems"] = rules.has_items_max() ? static_cast<int>(rules.items_max()) : kItemsMaxDefault;
    if (rules.items_unique()) schema["uniqueItems"] = true;
  } else {
    schema = Element(field);
  }
  if (auto const comment = comments_.Of(field); !comment.empty()) schema["description"] = comment;
  AddNotes(field, schema);
  return schema;
}

Json Schemas::Parameter(FieldDescriptor const& field) {
  if (field.is_map()) {
    auto const* const value = field.message_type()->map_value();
    return value->message_type() == nullptr ? Field(field) : Json();
  }
  if (!json::TakesText(field)) return {};
  if (field.message_type() == nullptr || field.message_type()->full_name() != "google.type.Date") return Field(field);
  auto date = Json::Object({{"type", "string"}, {"format", "date"}, {"maxLength", 10}});
  if (!field.is_repeated()) return date;
  return Json::Object({{"type", "array"}, {"items", std::move(date)}, {"maxItems", kItemsMaxDefault}});
}

Json Schemas::Message(pb::Descriptor const& type) {
  auto const& name = type.full_name();
  if (name.starts_with("google.protobuf.") && name.ends_with("Value") && type.field_count() == 1 &&
      type.field(0)->name() == "value") {
    return Element(*type.field(0));
  }
  if (json::IsWellKnown(&type)) return WellKnown(type);
  return Of(type);
}

Json Schemas::Enum(pb::EnumDescriptor const& type) {
  if (type.full_name() == "google.protobuf.NullValue") return Json::Object({{"type", "null"}});
  if (!components_.contains(type.full_name())) {
    auto values = Json::Array();
    auto description = comments_.Of(type);
    for (int i = 0; i < type.value_count(); ++i) {
      values.Add(type.value(i)->name());
      auto const comment = comments_.Of(*type.value(i));
      if (!comment.empty()) absl::StrAppend(&description, i == 0 ? "\n" : "", "\n* `", type.value(i)->name(), "`: ", comment);
    }
    auto schema = Json::Object({{"type", "string"}, {"enum", std::move(values)}});
    if (!description.empty()) schema["description"] = description;
    components_[type.full_name()] = std::move(schema);
  }
  return Json::Ref("schemas", type.full_name());
}

Json Schemas::Object(pb::Descriptor const& type, bool with_required, std::set<std::string> const& without) {
  auto schema = Json::Object({{"type", "object"}});
  if (auto const comment = comments_.Of(type); !comment.empty()) schema["description"] = comment;
  auto properties = Json::Object();
  auto required = Json::Array();
  for (int i = 0; i < type.field_count(); ++i) {
    auto const& field = *type.field(i);
    if (without.contains(field.name())) continue;
    properties[field.json_name()] = Field(field);
    if (contract::HasBehavior(field, google::api::REQUIRED)) required.Add(field.json_name());
  }
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (with_required && !required.empty()) schema["required"] = std::move(required);
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    std::string names;
    auto const& oneof = *type.oneof_decl(i);
    for (int j = 0; j < oneof.field_count(); ++j) absl::StrAppend(&names, j == 0 ? "" : ", ", oneof.field(j)->json_name());
    schema["x-only-one-of"].Add(names);
  }
  return schema;
}

Json Schemas::Of(pb::Descriptor const& type) {
  if (!components_.contains(type.full_name())) {
    // Entered first: a message may hold itself.
    components_[type.full_name()] = Json::Object();
    auto schema = Object(type, true, {});
    components_[type.full_name()] = std::move(schema);
  }
  return Json::Ref("schemas", type.full_name());
}

Json Schemas::PatchOf(pb::Descriptor const& type) {
  auto const name = absl::StrCat(type.full_name(), ".Patch");
  if (!components_.contains(name)) {
    auto schema = Object(type, false, {});
    schema["description"] = absl::StrCat("What to change of it; what is left out stays, `null` clears. ", comments_.Of(type));
    components_[name] = std::move(schema);
  }
  return Json::Ref("schemas", name);
}

Json Schemas::BodyOf(pb::Descriptor const& request, std::set<std::string> const& without) {
  auto const name = absl::StrCat(request.full_name(), ".Body");
  if (!components_.contains(name)) {
    auto schema = Object(request, true, without);
    schema["additionalProperties"] = false;
    components_[name] = std::move(schema);
  }
  return Json::Ref("schemas", name);
}

}  // namespace helhed::gateway::openapi
