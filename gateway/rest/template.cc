#include "gateway/rest/template.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "gateway/rest/text.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::rest {
namespace {

using Kind = Segment::Kind;

// What may stand in a literal: what a path holds unescaped (RFC 3986, pchar), without what the template itself means by a sign.
bool IsLiteralCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("-._~!$&'()+,;@").find(c) != std::string_view::npos;
}

bool IsFieldPath(std::string_view text) {
  bool begins_word = true;
  for (char const c : text) {
    bool const letter = absl::ascii_islower(static_cast<unsigned char>(c)) || c == '_';
    bool const digit = absl::ascii_isdigit(static_cast<unsigned char>(c));
    if (c == '.' ? begins_word : !(letter || (digit && !begins_word))) return false;
    begins_word = c == '.';
  }
  return !begins_word;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<Template> Parse() {
    if (!Take('/')) return Wrong("does not begin with /");
    RETURN_IF_ERROR(ParseSegments(true));
    if (Take(':')) {
      parsed_.verb = TakeLiteral();
      if (parsed_.verb.empty()) return Wrong("has an empty verb");
    }
    if (!rest_.empty()) return Wrong("has something after its end");
    return CheckRest();
  }

 private:
  absl::Status ParseSegments(bool variables) {
    do {
      RETURN_IF_ERROR(ParseSegment(variables));
    } while (Take('/'));
    return absl::OkStatus();
  }

  absl::Status ParseSegment(bool variables) {
    if (Take('*')) {
      parsed_.segments.push_back({Take('*') ? Kind::kRest : Kind::kOne, ""});
      return absl::OkStatus();
    }
    if (variables && Take('{')) return ParseVariable();
    auto literal = TakeLiteral();
    if (literal.empty()) return Wrong("has an empty segment, or a sign that cannot stand in one");
    parsed_.segments.push_back({Kind::kLiteral, std::move(literal)});
    return absl::OkStatus();
  }

  absl::Status ParseVariable() {
    auto const end = std::min(rest_.find_first_of("=}"), rest_.size());
    Variable variable{std::string(rest_.substr(0, end)), parsed_.segments.size(), 0};
    rest_.remove_prefix(end);
    if (!IsFieldPath(variable.field)) return Wrong("has a variable that is no path of fields");
    auto const same = [&](auto const& other) { return other.field == variable.field; };
    if (std::any_of(parsed_.variables.begin(), parsed_.variables.end(), same)) return Wrong("has a variable twice");
    if (Take('=')) {
      RETURN_IF_ERROR(ParseSegments(false));
    } else {
      parsed_.segments.push_back({Kind::kOne, ""});
    }
    if (!Take('}')) return Wrong("has a variable that does not end, or holds another");
    variable.end = parsed_.segments.size();
    parsed_.variables.push_back(std::move(variable));
    return absl::OkStatus();
  }

  absl::StatusOr<Template> CheckRest() {
    for (std::size_t i = 0; i + 1 < parsed_.segments.size(); ++i) {
      if (parsed_.segments[i].kind == Kind::kRest) return Wrong("has ** elsewhere than at its end");
    }
    return std::move(parsed_);
  }

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string TakeLiteral() {
    auto const end = std::find_if_not(rest_.begin(), rest_.end(), IsLiteralCharacter);
    std::string literal(rest_.begin(), end);
    rest_.remove_prefix(literal.size());
    return literal;
  }

  absl::Status Wrong(std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("the path template ", Av(text_), " ", Av(what)));
  }

  std::string_view const text_;
  std::string_view rest_;
  Template parsed_;
};

}  // namespace

absl::StatusOr<Template> ParseTemplate(std::string_view text) { return Parser(text).Parse(); }

bool AreAmbiguous(Template const& a, Template const& b) {
  bool a_closer = false;
  bool b_closer = false;
  for (std::size_t i = 0;; ++i) {
    bool const a_ends = i == a.segments.size();
    bool const b_ends = i == b.segments.size();
    // `**` also stands for no segment at all, so a template that ends there is closer.
    if (a_ends || b_ends) {
      if (!a_ends && a.segments[i].kind != Kind::kRest) return false;
      if (!b_ends && b.segments[i].kind != Kind::kRest) return false;
      a_closer = a_closer || (a_ends && !b_ends);
      b_closer = b_closer || (b_ends && !a_ends);
      break;
    }
    auto const& of_a = a.segments[i];
    auto const& of_b = b.segments[i];
    if (of_a.kind == Kind::kLiteral && of_b.kind == Kind::kLiteral && of_a.text != of_b.text) return false;
    a_closer = a_closer || of_a.kind < of_b.kind;
    b_closer = b_closer || of_b.kind < of_a.kind;
    if (of_a.kind == Kind::kRest || of_b.kind == Kind::kRest) {
      // What follows in the other only makes that one closer still.
      if (of_a.kind == of_b.kind) break;
      (of_a.kind == Kind::kRest ? b_closer : a_closer) = true;
      break;
    }
  }
  return a_closer == b_closer;
}

std::optional<std::vector<std::string_view>> SplitPath(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  std::vector<std::string_view> segments;
  for (path.remove_prefix(1);;) {
    auto const slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::optional<std::string> ValueOf(Variable const& variable, Template const& path,
                                   std::vector<std::string_view> const& segments) {
  bool const to_end = path.open_ended() && variable.end == path.segments.size();
  auto const end = to_end ? segments.size() : std::min(variable.end, segments.size());
  std::string value;
  for (auto i = variable.begin; i < end; ++i) {
    auto const decoded = Decode(segments[i], false);
    if (!decoded || decoded->find('/') != std::string::npos) return std::nullopt;
    absl::StrAppend(&value, i > variable.begin ? "/" : "", *decoded);
  }
  return value;
}

}  // namespace helhed::gateway::rest
