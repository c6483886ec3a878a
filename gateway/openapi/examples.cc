#include "gateway/openapi/examples.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <google/api/field_behavior.pb.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/type/date.pb.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <set>

#include "gateway/openapi/schemas.h"
#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/base/random.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/fields.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/contract/text.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::openapi {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr int kDepthMax = 4;

// The shortest text that a regular expression takes.
class Matcher {
 public:
  explicit Matcher(std::string_view pattern) : rest_(pattern) {}

  std::optional<std::string> Run() {
    auto text = Alternatives();
    return rest_.empty() ? text : std::nullopt;
  }

 private:
  std::optional<std::string> Alternatives() {
    auto first = Sequence();
    while (first && Take('|')) {
      auto const other = Sequence();
      if (!other) return std::nullopt;
      if (other->size() < first->size() && !other->empty()) first = other;
    }
    return first;
  }

  std::optional<std::string> Sequence() {
    std::string text;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      auto const atom = Atom();
      if (!atom) return std::nullopt;
      auto const count = Count();
      if (!count) return std::nullopt;
      for (int i = 0; i < *count; ++i) text += *atom;
    }
    return text;
  }

  std::optional<std::string> Atom() {
    if (Take('(')) {
      if (rest_.starts_with("?:")) rest_.remove_prefix(2);
      auto inside = Alternatives();
      return Take(')') ? inside : std::nullopt;
    }
    if (Take('[')) return Class();
    if (Take('\\')) {
      char const c = Next();
      if (c == 'd') return "1";
      if (c == 'w') return "a";
      return IsWord(c) ? std::nullopt : std::optional(std::string(1, c));
    }
    char const c = Next();
    if (c == '.') return "a";
    return std::string_view("?*+{}^$").find(c) == std::string_view::npos ? std::optional(std::string(1, c)) : std::nullopt;
  }

  // The first character of a class. A digit would do, but a 0 seldom means much.
  std::optional<std::string> Class() {
    char const first = Next();
    if (first == '^' || first == '\\' || first == '[') return std::nullopt;
    while (!rest_.empty() && rest_.front() != ']') Next();
    if (!Take(']')) return std::nullopt;
    return std::string(1, first == '0' ? '1' : first);
  }

  std::optional<int> Count() {
    if (Take('?') || Take('*')) return 0;
    if (Take('+')) return 1;
    if (!Take('{')) return 1;
    auto const end = rest_.find('}');
    int least = 0;
    if (end == std::string_view::npos) return std::nullopt;
    auto const number = rest_.substr(0, std::min(rest_.find(','), end));
    rest_.remove_prefix(end + 1);
    return absl::SimpleAtoi(Av(number), &least) && least <= 1000 ? std::optional(least) : std::nullopt;
  }

  static bool IsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
  char Next() {
    char const c = rest_.empty() ? '\0' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

// Fields that an example says nothing with: they continue, filter or bind to something that was there before.
bool SaysNothing(FieldDescriptor const& field) {
  static constexpr std::array<std::string_view, 7> names = {"page_token", "filter",        "order_by",   "etag",
                                                            "cursor",     "validate_only", "update_mask"};
  return std::find(names.begin(), names.end(), field.name()) != names.end();
}

bool Keeps(policy::v1::Rules const& rules, std::string const& text) {
  auto const length = contract::CodePoints(text).value_or(0);
  if (length < rules.length_min() || length > (rules.has_length_max() ? rules.length_max() : kLengthMaxDefault)) return false;
  if (rules.uuid() && !IsUuid(text)) return false;
  return rules.pattern().empty() || re2::RE2::FullMatch(text, rules.pattern());
}

// A text in a comment is a value, and not the name of something in the contract, when it has more than such a name.
bool IsValue(std::string const& text) {
  return text.find_first_of("{}*$") == std::string::npos &&
         std::any_of(text.begin(), text.end(), [](char c) { return c != '_' && c != '.' && (c < 'a' || c > 'z'); });
}

// `display_name` -> `Display name`
std::string Words(std::string const& name) {
  auto words = absl::StrReplaceAll(name, {{"_", " "}});
  if (!words.empty() && words[0] >= 'a' && words[0] <= 'z') words[0] = static_cast<char>(words[0] - 'a' + 'A');
  return words;
}

}  // namespace

std::optional<std::string> Matching(std::string_view pattern) { return Matcher(pattern).Run(); }

std::string Examples::Part(std::string_view collection) const {
  for (auto const& name : comments_.names()) {
    std::vector<std::string> const segments = absl::StrSplit(name, '/');
    for (std::size_t i = 0; i + 1 < segments.size(); i += 2) {
      if (segments[i] == collection && !segments[i + 1].empty()) return segments[i + 1];
    }
  }
  auto const variable = comments_.variables().find(collection);
  return absl::StrCat(variable == comments_.variables().end() ? std::string(collection) : variable->second, "-1");
}

std::optional<std::string> Examples::Name(FieldDescriptor const& field) const {
  auto type = field.options().GetExtension(google::api::resource_reference).type();
  if (type.empty() && contract::HasBehavior(field, google::api::IDENTIFIER)) {
    type = field.containing_type()->options().GetExtension(google::api::resource).type();
  }
  auto const* const pattern = type.empty() ? nullptr : contract::PatternOfType(type);
  if (pattern == nullptr) return std::nullopt;
  std::vector<std::string> parts;
  std::vector<std::string> const segments = absl::StrSplit(pattern->text(), '/');
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (segments[i].starts_with('{')) parts.push_back(Part(segments[i - 1]));
  }
  return pattern->Make(parts);
}

std::optional<std::string> Examples::Text(FieldDescriptor const& field) const {
  auto const& rules = field.options().GetExtension(policy::v1::field).rules();
  if (auto name = Name(field)) return name;
  if (rules.uuid()) return "0190a000-0000-7000-8000-000000000001";
  for (auto& text : Backquoted(comments_.Of(field))) {
    if (Keeps(rules, text) && (!rules.pattern().empty() || IsValue(text))) return std::move(text);
  }
  auto text = Words(field.name());
  if (!rules.pattern().empty()) {
    if (Keeps(rules, text)) return text;
    auto matching = Matching(rules.pattern());
    return matching && Keeps(rules, *matching) ? matching : std::nullopt;
  }
  if (rules.has_length_max() && text.size() > rules.length_max()) text.resize(rules.length_max());
  if (text.size() < rules.length_min()) text.resize(rules.length_min(), 'x');
  return text;
}

void Examples::SetScalar(pb::Message& message, FieldDescriptor const& field, unsigned element) const {
  auto const& rules = field.options().GetExtension(policy::v1::field).rules();
  json::Violations violations;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      auto text = field.type() == FieldDescriptor::TYPE_BYTES ? std::optional<std::string>("QUJD") : Text(field);
      // Elements that have to differ.
      if (element > 0 && text) {
        auto other = absl::StrCat(*text, " ", element + 1);
        if (Keeps(rules, other)) text = std::move(other);
      }
      if (text) json::ReadText(*text, message, field, field.name(), violations);
      return;
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return json::ReadText(absl::StrCat(field.enum_type()->value(std::min(1, field.enum_type()->value_count() - 1))->number()),
                            message, field, field.name(), violations);
    case FieldDescriptor::CPPTYPE_BOOL:
      return json::ReadText("true", message, field, field.name(), violations);
    default: {
      std::int64_t value = rules.has_minimum() ? std::max<std::int64_t>(rules.minimum(), 1) : 1;
      if (rules.has_maximum()) value = std::min(value, rules.maximum());
      return json::ReadText(absl::StrCat(value), message, field, field.name(), violations);
    }
  }
}

void Examples::Fill(pb::Message& message, Purpose purpose, int depth) const {
  auto const& type = *message.GetDescriptor();
  std::set<pb::OneofDescriptor const*> chosen;
  for (int i = 0; i < type.field_count(); ++i) {
    auto const& field = *type.field(i);
    bool const given = contract::HasBehavior(field, google::api::OUTPUT_ONLY);
    if (purpose == Purpose::kRequest && (given || SaysNothing(field))) continue;
    if (field.real_containing_oneof() != nullptr && !chosen.insert(field.real_containing_oneof()).second) continue;
    if (field.is_map()) continue;
    auto const least = field.options().GetExtension(policy::v1::field).rules().items_min();
    auto const count = field.is_repeated() ? std::max(least, 1U) : 1U;
    for (unsigned element = 0; element < count; ++element) Set(message, field, purpose, depth, element);
  }
}

// Sets a field, or adds an element to it.
void Examples::Set(pb::Message& message, FieldDescriptor const& field, Purpose purpose, int depth, unsigned element) const {
  auto const* const inner = field.message_type();
  if (inner == nullptr) return SetScalar(message, field, element);
  json::Violations none;
  if (inner->full_name() == "google.type.Date") {
    // A period has to end after it starts.
    bool const late = field.name().find("end") != std::string::npos;
    json::ReadText(late ? "2030-01-01" : "2026-01-01", message, field, field.name(), none);
  } else if (inner->full_name() == "google.protobuf.Timestamp") {
    json::ReadText("2026-01-31T12:00:00Z", message, field, field.name(), none);
  } else if (inner->full_name() == "google.protobuf.Duration") {
    json::ReadText("15s", message, field, field.name(), none);
  } else if (!json::IsWellKnown(inner) && depth < kDepthMax) {
    auto const& reflection = *message.GetReflection();
    Fill(field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field), purpose,
         depth + 1);
  }
}

std::unique_ptr<pb::Message> Examples::Message(pb::Descriptor const& type, Purpose purpose) const {
  std::unique_ptr<pb::Message> message(pb::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  Fill(*message, purpose, 0);
  return message;
}

}  // namespace helhed::gateway::openapi
