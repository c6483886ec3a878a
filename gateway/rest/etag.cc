#include "gateway/rest/etag.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cstdint>

#include "gateway/rest/text.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::rest {
namespace {

constexpr char kBetween = ';';
constexpr std::size_t kHashDigits = 16;

// FNV-1a, the same in every process. Nobody gains by two of his own answers with one tag.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (char const c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return hash;
}

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string TagOf(std::string_view etag, std::string_view json) {
  auto const hash = absl::StrFormat("%016x", Hash(json));
  if (!FitsInTag(etag)) return absl::StrCat("W/\"", hash, "\"");
  return absl::StrCat("\"", Av(etag), absl::string_view(&kBetween, 1), hash, "\"");
}

std::optional<std::string> EtagIn(std::string_view if_match) {
  auto tag = Sv(absl::StripAsciiWhitespace(Av(if_match)));
  if (tag.size() < 3 || !tag.starts_with('"') || !tag.ends_with('"')) return std::nullopt;
  tag = tag.substr(1, tag.size() - 2);
  if (!FitsInTag(tag)) return std::nullopt;
  auto const between = tag.rfind(kBetween);
  if (between != std::string_view::npos && between > 0 && IsHash(tag.substr(between + 1))) tag = tag.substr(0, between);
  return std::string(tag);
}

}  // namespace helhed::gateway::rest
