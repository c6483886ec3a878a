#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "services/platform/service/store.h"

// Plans that have gone on in another, as funding says (plan_carry.h). What was done in them stays readable under its name.
namespace helhed::communications {

// Until the transaction ends nobody else enters anything in the plan, nor does it move. By the last part of its name.
absl::Status LockPlan(WriteTransaction& tx, std::string_view plan);

// The same for the plan that the name lies in. FAILED_PRECONDITION GONE_ON_ELSEWHERE when it has gone on in another.
absl::Status HoldPlanHere(WriteTransaction& tx, std::string_view name);

// The same refusal: `resource` goes on as `successor`, which may be empty.
absl::Status GoneOn(std::string_view resource, std::string_view successor);

// The name of what the incident is now, when the plan of that name has gone on in another; else the same name.
absl::StatusOr<std::string> IncidentNow(ReadTransaction& tx, std::string_view incident);

}  // namespace helhed::communications
