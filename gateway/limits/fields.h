#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/limits/limiter.h"

// What a REST caller is told of its limits.
namespace helhed::gateway::limits {

// `ratelimit-policy: "client";q=500;w=5` and `ratelimit: "client";r=497;t=1` (draft-ietf-httpapi-ratelimit-headers-09): what the
// bucket holds and the seconds in which it fills, what is left and the seconds until it is full again. In cost, not in calls.
void AppendRateFields(Quota const& quota, http::Fields& fields);

// The value of `retry-after` (RFC 9110, 10.2.3): the delay of the status's google.rpc.RetryInfo in whole seconds, at least 1.
// nullopt when it carries none.
std::optional<std::string> RetryAfter(absl::Status const& status);

}  // namespace helhed::gateway::limits
