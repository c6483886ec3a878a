#pragma once

#include <absl/status/statusor.h>

#include <set>
#include <string>
#include <string_view>

#include "helhed/gateway/v1/config.pb.h"

// The gateway's configuration file (helhed.gateway.v1.GatewayConfig in protobuf text format).
namespace helhed::gateway::identity {

using RoleNames = std::set<std::string, std::less<>>;

// `roles` are those of the policy file. Errors: INVALID_ARGUMENT with a line `file:line: what is wrong` for everything that is;
// NOT_FOUND and FAILED_PRECONDITION when the file cannot be read.
absl::StatusOr<v1::GatewayConfig> ReadConfig(std::string const& path, RoleNames const& roles);
absl::StatusOr<v1::GatewayConfig> ParseConfig(std::string_view text, std::string_view origin, RoleNames const& roles);

}  // namespace helhed::gateway::identity
