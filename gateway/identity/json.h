#pragma once

#include <absl/status/statusor.h>
#include <rapidjson/document.h>

#include <optional>
#include <string>
#include <string_view>

// JSON that came from outside, read strictly: what two parsers could understand differently is refused.
namespace helhed::gateway::identity {

// One JSON object (RFC 8259) and nothing after it. Refused besides what is no JSON: a member that occurs twice, ill-formed UTF-8,
// U+0000 in a text, more than 16 levels. The error says what is wrong and repeats nothing of the text.
absl::StatusOr<rapidjson::Document> ParseObject(std::string_view text);

// The member of that name, or nullptr.
rapidjson::Value const* Member(rapidjson::Value const& object, std::string_view name);
// The member when it is a text. nullopt when there is none or it is something else.
std::optional<std::string_view> TextMember(rapidjson::Value const& object, std::string_view name);
std::string_view TextOf(rapidjson::Value const& text);

// A member by its name, or by a JSON pointer (RFC 6901) of names when `path` begins with `/`; nullptr when there is none.
rapidjson::Value const* Find(rapidjson::Value const& object, std::string_view path);

// Base64url without padding (RFC 7515, 2), in its one canonical form. nullopt for anything else, the empty text included.
std::optional<std::string> FromBase64Url(std::string_view text);
std::string ToBase64Url(std::string_view bytes);

}  // namespace helhed::gateway::identity
