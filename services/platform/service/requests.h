#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <string>
#include <string_view>

#include "services/platform/base/requests.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/service/store.h"

// What handlers need of their call in the same way.
namespace helhed {

// The last part of a resource's name: the caller's choice, or a new UUIDv7.
std::string IdOr(CallContext const& call, std::string const& chosen);

// The date to answer for: the request's, or today.
template <typename Request>
absl::StatusOr<absl::CivilDay> AsOf(CallContext const& call, Request const& request) {
  if (!request.has_as_of_date()) return call.Today();
  return ReadDate(request.as_of_date(), "as_of_date");
}

// The context of what a service does by itself, when nobody called. `service` is its name: `activities`.
CallContext OwnContext(std::string_view service, Store::Parts const& parts, storage::Limits const& limits);

}  // namespace helhed
