#include "services/platform/pipeline/call_context.h"

#include <algorithm>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"

namespace helhed {

absl::Status CallContext::CheckWanted(Parts const& parts) {
  if (parts.stop.stop_requested()) {
    return Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "The caller went away.");
  }
  if (parts.deadline != absl::InfiniteFuture() && parts.clock->Now() >= parts.deadline) {
    return Error(absl::StatusCode::kDeadlineExceeded, common::v1::ERROR_REASON_DEADLINE_EXCEEDED,
                 "The time given for the call ran out.");
  }
  return absl::OkStatus();
}

absl::Status CallContext::RequireAny(std::initializer_list<std::string_view> resources, std::string_view asked_for) const {
  scope_required_ = true;
  for (auto const resource : resources) {
    bool const covered = std::any_of(parts_.scopes.begin(), parts_.scopes.end(),
                                     [&](std::string const& scope) { return contract::Covers(scope, resource); });
    if (covered) {
      scope_granted_ = true;
      return absl::OkStatus();
    }
  }
  return NotFound(asked_for);
}

}  // namespace helhed
