#pragma once

#include <absl/status/status.h>

#include <string>

// Errors as AIP-193 has them in JSON.
namespace helhed::json {

// The HTTP status of a code, as google/rpc/code.proto says it.
int HttpStatus(absl::StatusCode code);

// {"error": {"code": 404, "message": ..., "status": "NOT_FOUND", "details": [{"@type": ...}]}}, with `http_status` as the code.
std::string ErrorJson(absl::Status const& status, int http_status);

}  // namespace helhed::json
