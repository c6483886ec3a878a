#include "gateway/identity/json.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <vector>

#include "services/platform/base/strings.h"

namespace helhed::gateway::identity {
namespace {

constexpr int kDepthMax = 16;

absl::Status CheckText(rapidjson::Value const& text) {
  if (TextOf(text).find('\0') == std::string_view::npos) return absl::OkStatus();
  return absl::InvalidArgumentError("a text of the JSON holds U+0000");
}

absl::Status Check(rapidjson::Value const& value, int depth);

absl::Status CheckObject(rapidjson::Value const& object, int depth) {
  std::vector<std::string_view> names;
  names.reserve(object.MemberCount());
  for (auto const& member : object.GetObject()) {
    names.push_back(TextOf(member.name));
    for (auto const& status : {CheckText(member.name), Check(member.value, depth + 1)}) {
      if (!status.ok()) return status;
    }
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) == names.end()) return absl::OkStatus();
  return absl::InvalidArgumentError("a member of the JSON occurs twice");
}

absl::Status Check(rapidjson::Value const& value, int depth) {
  if (depth > kDepthMax) return absl::InvalidArgumentError("the JSON is more than 16 levels deep");
  if (value.IsString()) return CheckText(value);
  if (value.IsObject()) return CheckObject(value, depth);
  if (!value.IsArray()) return absl::OkStatus();
  for (auto const& element : value.GetArray()) {
    auto status = Check(element, depth + 1);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view TextOf(rapidjson::Value const& text) { return {text.GetString(), text.GetStringLength()}; }

absl::StatusOr<rapidjson::Document> ParseObject(std::string_view text) {
  rapidjson::Document document;
  // Iterative: a recursive parser would let a few kilobytes of brackets run the stack out.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(
      text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) return absl::InvalidArgumentError("not a JSON object");
  auto status = Check(document, 1);
  if (!status.ok()) return status;
  return document;
}

rapidjson::Value const* Member(rapidjson::Value const& object, std::string_view name) {
  if (!object.IsObject()) return nullptr;
  auto const found =
      object.FindMember(rapidjson::Value(rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size()))));
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::optional<std::string_view> TextMember(rapidjson::Value const& object, std::string_view name) {
  auto const* const member = Member(object, name);
  return member == nullptr || !member->IsString() ? std::nullopt : std::optional(TextOf(*member));
}

rapidjson::Value const* Find(rapidjson::Value const& object, std::string_view path) {
  if (!path.starts_with('/')) return Member(object, path);
  auto const* value = &object;
  for (auto const segment : absl::StrSplit(Av(path.substr(1)), '/')) {
    value = Member(*value, absl::StrReplaceAll(segment, {{"~1", "/"}, {"~0", "~"}}));
    if (value == nullptr) return nullptr;
  }
  return value;
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  std::string bytes;
  // Decoders forgive padding, other alphabets and bits left over; then one token would have many forms.
  if (text.empty() || !absl::WebSafeBase64Unescape(Av(text), &bytes) || ToBase64Url(bytes) != text) return std::nullopt;
  return bytes;
}

std::string ToBase64Url(std::string_view bytes) { return absl::WebSafeBase64Escape(Av(bytes)); }

}  // namespace helhed::gateway::identity
