#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>
#include <vector>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/activity_type.pb.h"
#include "services/platform/base/status.h"

// The life of an activity (domain.md 8.4), and what one must be.
namespace helhed::activities {

// Where a step leads from a state; nullopt when the state does not allow it. RESUME leads to `paused_state`, where it was paused.
std::optional<v1::ActivityState> After(v1::ActivityState state, v1::ActivityStep step, v1::ActivityState paused_state);

// FAILED_PRECONDITION STEP_NOT_ALLOWED that says which steps the state allows.
absl::Status StepNotAllowed(v1::Activity const& activity, v1::ActivityStep step);

// Whether one can register: OPEN_FOR_SIGNUP or FULL.
bool IsOpen(v1::ActivityState state);
// Whether nothing can be planned for it any more: COMPLETED, REPORTED, CANCELLED.
bool IsOver(v1::ActivityState state);

// Adds what is wrong with an activity that a caller wrote, beyond what the contract says.
void CheckActivity(v1::Activity const& activity, std::vector<FieldViolation>& violations);
// FAILED_PRECONDITION CONFIDENTIAL_NOT_PUBLIC.
absl::Status CheckType(v1::Activity const& activity, v1::ActivityType const& type);

// Whether children below `age` may come. An activity without a lower age takes them all.
bool TakesBelow(v1::Activity const& activity, int age);

// `OPEN_FOR_SIGNUP`, `CANCEL`: the value's name without its enum's.
std::string NameOf(v1::ActivityState state);
std::string NameOf(v1::ActivityStep step);

}  // namespace helhed::activities
