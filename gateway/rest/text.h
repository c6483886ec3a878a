#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/exchange.h"

// The small languages in a request's head. Not for others.
namespace helhed::gateway::rest {

// RFC 3986, 2.1; in a query `+` is a blank. nullopt when an escape is not well formed, or what comes out is not UTF-8 or has a
// NUL.
std::optional<std::string> Decode(std::string_view text, bool plus_is_blank);

// `a=b&c` as sent, in order; an empty part is passed over.
std::vector<std::pair<std::string_view, std::string_view>> SplitQuery(std::string_view query);

// All fields of that name, as one list (RFC 9110, 5.3).
std::string Joined(http::Fields const& fields, std::string_view name);

// Which of `offered` (media types, the preferred first) an `Accept` field takes best (RFC 9110, 12.5.1); -1 when none. An empty
// field takes anything.
int Negotiate(std::string_view accept, std::vector<std::string_view> const& offered);

// Whether a `Content-Type` is application/json in UTF-8.
bool IsJson(std::string_view content_type);

// Whether an `If-None-Match` names `etag`, by the weak comparison (RFC 9110, 8.8.3.2).
bool NamesTag(std::string_view if_none_match, std::string_view etag);

// Whether `text` can stand in an entity tag (RFC 9110, 8.8.3).
bool FitsInTag(std::string_view text);

}  // namespace helhed::gateway::rest
