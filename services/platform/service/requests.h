#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>
#include <google/protobuf/repeated_field.h>

#include <span>
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

// OK when the caller's permission for the method reaches each of the resources, for requests that name more of them than the one
// that the policy names. PERMISSION_DENIED PERMISSION_MISSING with the first that it does not reach.
absl::Status RequireGrantedOn(CallContext const& call, google::protobuf::RepeatedPtrField<std::string> const& names);

// A JSON array of the texts, which must need no escaping: last parts of names, dates, UUIDs. What statements take lists as.
std::string JsonArray(std::span<std::string const> texts);

// The context of what a service does by itself, when nobody called. `service` is its name: `activities`.
CallContext OwnContext(std::string_view service, Store::Parts const& parts, storage::Limits const& limits);

}  // namespace helhed
