#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "gateway/rest/route.h"
#include "gateway/rest/transcoder.h"

// From path, query, header fields and body to the request of a method. Not for others.
namespace helhed::gateway::rest {

// As Transcoder::Request.
absl::StatusOr<std::string> Bind(Route const& route, Matched const& matched, std::string_view body);

}  // namespace helhed::gateway::rest
