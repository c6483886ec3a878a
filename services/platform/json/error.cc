#include "services/platform/json/error.h"

#include <absl/strings/str_cat.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include "services/platform/base/status.h"
#include "services/platform/json/json.h"

namespace helhed::json {

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

std::string ErrorJson(absl::Status const& status, int http_status) {
  auto const proto = ToProto(status);
  std::string details;
  for (auto const& detail : proto.details()) absl::StrAppend(&details, details.empty() ? "" : ",", Write(detail));
  return absl::StrCat("{\"error\":{\"code\":", http_status, ",\"message\":", Quote(proto.message()), ",\"status\":\"",
                      absl::StatusCodeToString(status.code()), "\",\"details\":[", details, "]}}");
}

}  // namespace helhed::json
