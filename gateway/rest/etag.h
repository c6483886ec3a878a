#pragma once

#include <optional>
#include <string>
#include <string_view>

// Entity tags (RFC 9110, 8.8.3). Not for others.
namespace helhed::gateway::rest {

// The tag of an answer. A resource has its `etag` in it, for If-Match, and a hash of what is sent: the same state of a resource
// may be shown differently, by `as_of_date` or simply on another day, and If-None-Match must not keep what is no longer so. What
// has no etag has the hash alone, and a weak tag.
std::string TagOf(std::string_view etag, std::string_view json);

// The `etag` in an If-Match of one strong tag: what TagOf put there, or a resource's `etag` in quotes. nullopt for anything else.
std::optional<std::string> EtagIn(std::string_view if_match);

}  // namespace helhed::gateway::rest
