#pragma once

#include <absl/status/status.h>

#include <string_view>

#include "helhed/gateway/v1/errors.pb.h"
#include "services/platform/base/status.h"

// Not for others.
namespace helhed::gateway::identity {

// UNAUTHENTICATED with a reason of the gateway's. The message says what is wrong with the token and never repeats anything of it.
inline absl::Status Refused(v1::ErrorReason reason, std::string_view message, ErrorMetadata metadata = {}) {
  return Error(absl::StatusCode::kUnauthenticated, reason, message, std::move(metadata));
}

}  // namespace helhed::gateway::identity
