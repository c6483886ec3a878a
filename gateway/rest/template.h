#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Path templates of google.api.http (google/api/http.proto). For this part and gateway/openapi.
namespace helhed::gateway::rest {

struct Segment {
  enum class Kind { kLiteral, kOne, kRest };
  Kind kind = Kind::kLiteral;
  std::string text;

  friend bool operator==(Segment const&, Segment const&) = default;
};

struct Variable {
  // `dwelling.name`
  std::string field;
  // The segments that it stands for; to the end of the path when the last of them is `**`.
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Template {
  std::vector<Segment> segments;
  std::vector<Variable> variables;
  std::string verb;

  bool open_ended() const { return !segments.empty() && segments.back().kind == Segment::Kind::kRest; }
};

// `/v1/{name=organisations/*/departments/*}:merge`. Errors: INVALID_ARGUMENT that says what is wrong, also with `**` elsewhere
// than at the end, variables in each other, and a variable that occurs twice.
absl::StatusOr<Template> ParseTemplate(std::string_view text);

// Whether the same path can be of both and neither is more specific at every place where they differ, so that it could not be
// said which is meant: `/v1/*/a` and `/v1/b/*`, or two of the same shape. A literal is more specific than `*`, that than `**`.
bool AreAmbiguous(Template const& a, Template const& b);

// The segments of a path as sent; nullopt when it is no path. Nothing is decoded, and empty segments stay.
std::optional<std::vector<std::string_view>> SplitPath(std::string_view path);

// The value of a variable in a path that its template matches: every segment decoded, joined by slashes. nullopt when an escape
// is not well formed, when what comes out is not UTF-8 or has a NUL, and when a slash was escaped: it would not be the same path
// after.
std::optional<std::string> ValueOf(Variable const& variable, Template const& path, std::vector<std::string_view> const& segments);

}  // namespace helhed::gateway::rest
