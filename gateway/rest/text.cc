#include "gateway/rest/text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>

#include "services/platform/base/strings.h"
#include "services/platform/contract/text.h"

namespace helhed::gateway::rest {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view Trim(std::string_view text) { return Sv(absl::StripAsciiWhitespace(Av(text))); }

// The parts of a list, not divided inside of quotes.
std::vector<std::string_view> SplitOutsideQuotes(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != separator)) continue;
    parts.push_back(Trim(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return parts;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) { return absl::EqualsIgnoreCase(Av(a), Av(b)); }

// How closely a media range means a type: 0 not at all, 1 by `*/*`, 2 by `text/*`, 3 by its name.
int Closeness(std::string_view range, std::string_view type) {
  if (range == "*/*") return 1;
  auto const slash = type.find('/');
  if (range.ends_with("/*")) return EqualIgnoringCase(range.substr(0, range.size() - 1), type.substr(0, slash + 1)) ? 2 : 0;
  return EqualIgnoringCase(range, type) ? 3 : 0;
}

// The weight of a media range in thousandths; what is no number counts as nothing.
int Weight(std::vector<std::string_view> const& parameters) {
  for (std::size_t i = 1; i < parameters.size(); ++i) {
    if (!absl::StartsWithIgnoreCase(Av(parameters[i]), "q=")) continue;
    double weight = 0;
    if (!absl::SimpleAtod(Av(parameters[i].substr(2)), &weight) || !(weight >= 0 && weight <= 1)) return 0;
    return static_cast<int>(weight * 1000);
  }
  return 1000;
}

}  // namespace

std::optional<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      int const high = HexDigit(text[i + 1]);
      int const low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      decoded.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  if (decoded.find('\0') != std::string::npos || !contract::CodePoints(decoded)) return std::nullopt;
  return decoded;
}

std::vector<std::pair<std::string_view, std::string_view>> SplitQuery(std::string_view query) {
  std::vector<std::pair<std::string_view, std::string_view>> parts;
  while (!query.empty()) {
    auto const end = query.find('&');
    auto const part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (part.empty()) continue;
    auto const equals = part.find('=');
    parts.emplace_back(part.substr(0, equals), equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
  }
  return parts;
}

std::string Joined(http::Fields const& fields, std::string_view name) {
  std::string joined;
  for (auto const& field : fields) {
    if (field.name == name) absl::StrAppend(&joined, joined.empty() ? "" : ", ", field.value);
  }
  return joined;
}

int Negotiate(std::string_view accept, std::vector<std::string_view> const& offered) {
  if (Trim(accept).empty()) return 0;
  int best = -1;
  int best_weight = 0;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    int closest = 0;
    int weight = 0;
    for (auto const range : SplitOutsideQuotes(accept, ',')) {
      auto const parameters = SplitOutsideQuotes(range, ';');
      int const closeness = Closeness(parameters.front(), offered[i]);
      if (closeness > closest) {
        closest = closeness;
        weight = Weight(parameters);
      }
    }
    if (weight > best_weight) {
      best = static_cast<int>(i);
      best_weight = weight;
    }
  }
  return best;
}

bool IsJson(std::string_view content_type) {
  auto const parts = SplitOutsideQuotes(content_type, ';');
  if (!EqualIgnoringCase(parts.front(), "application/json")) return false;
  return std::all_of(parts.begin() + 1, parts.end(), [](std::string_view parameter) {
    return parameter.empty() || EqualIgnoringCase(parameter, "charset=utf-8") ||
           EqualIgnoringCase(parameter, "charset=\"utf-8\"");
  });
}

bool NamesTag(std::string_view if_none_match, std::string_view etag) {
  auto const opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  if (Trim(if_none_match) == "*") return true;
  auto const tags = SplitOutsideQuotes(if_none_match, ',');
  return std::any_of(tags.begin(), tags.end(), [&](auto const tag) { return opaque(tag) == opaque(etag); });
}

bool FitsInTag(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~' && c != '"'; });
}

}  // namespace helhed::gateway::rest
