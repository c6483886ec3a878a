#include "services/activities/domain/activity_life.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "helhed/activities/v1/errors.pb.h"

namespace helhed::activities {

std::optional<v1::ActivityState> After(v1::ActivityState state, v1::ActivityStep step, v1::ActivityState paused_state) {
  bool const open = IsOpen(state);
  bool const under_way = state == v1::ACTIVITY_STATE_PLANNED || open || state == v1::ACTIVITY_STATE_RUNNING;
  auto const when = [](bool allowed, v1::ActivityState to) { return allowed ? std::optional(to) : std::nullopt; };
  switch (step) {
    case v1::ACTIVITY_STEP_PLAN:
      return when(state == v1::ACTIVITY_STATE_DRAFT, v1::ACTIVITY_STATE_PLANNED);
    case v1::ACTIVITY_STEP_OPEN:
      return when(state == v1::ACTIVITY_STATE_PLANNED, v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP);
    case v1::ACTIVITY_STEP_START:
      return when(open, v1::ACTIVITY_STATE_RUNNING);
    case v1::ACTIVITY_STEP_COMPLETE:
      return when(state == v1::ACTIVITY_STATE_RUNNING, v1::ACTIVITY_STATE_COMPLETED);
    case v1::ACTIVITY_STEP_REPORT:
      return when(state == v1::ACTIVITY_STATE_COMPLETED, v1::ACTIVITY_STATE_REPORTED);
    case v1::ACTIVITY_STEP_PAUSE:
      return when(under_way, v1::ACTIVITY_STATE_PAUSED);
    case v1::ACTIVITY_STEP_RESUME:
      return when(state == v1::ACTIVITY_STATE_PAUSED, paused_state);
    case v1::ACTIVITY_STEP_CANCEL:
      return when(under_way || state == v1::ACTIVITY_STATE_PAUSED, v1::ACTIVITY_STATE_CANCELLED);
    default:
      return std::nullopt;
  }
}

absl::Status StepNotAllowed(v1::Activity const& activity, v1::ActivityStep step) {
  std::vector<std::string> allowed;
  for (int i = v1::ActivityStep_MIN + 1; i <= v1::ActivityStep_MAX; ++i) {
    auto const other = static_cast<v1::ActivityStep>(i);
    if (After(activity.state(), other, v1::ACTIVITY_STATE_PLANNED)) allowed.push_back(NameOf(other));
  }
  auto const names = absl::StrJoin(allowed, ", ");
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STEP_NOT_ALLOWED,
               allowed.empty() ? "the life of the activity is over" : "the activity's state allows only " + names,
               {{"activity", activity.name()}, {"state", NameOf(activity.state())}, {"step", NameOf(step)}, {"allowed", names}});
}

bool IsOpen(v1::ActivityState state) { return state == v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP || state == v1::ACTIVITY_STATE_FULL; }

bool IsOver(v1::ActivityState state) {
  return state == v1::ACTIVITY_STATE_COMPLETED || state == v1::ACTIVITY_STATE_REPORTED || state == v1::ACTIVITY_STATE_CANCELLED;
}

void CheckActivity(v1::Activity const& activity, std::vector<FieldViolation>& violations) {
  if (activity.has_age_min() && activity.has_age_max() && activity.age_max() < activity.age_min()) {
    violations.push_back({"activity.age_max", "must not be below age_min"});
  }
  for (int i = 0; i < activity.partners_size(); ++i) {
    if (!v1::PartnerKind_IsValid(activity.partners(i).kind()) || activity.partners(i).kind() == v1::PARTNER_KIND_UNSPECIFIED) {
      violations.push_back({absl::StrCat("activity.partners[", i, "].kind"), "must be one of the contract's kinds"});
    }
  }
}

absl::Status CheckType(v1::Activity const& activity, v1::ActivityType const& type) {
  if (!type.confidential() || !activity.open_to_all()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONFIDENTIAL_NOT_PUBLIC,
               "nobody may know who comes to an activity of this kind, so that it cannot be open to all",
               {{"activity_type", type.name()}});
}

bool TakesBelow(v1::Activity const& activity, int age) { return !activity.has_age_min() || activity.age_min() < age; }

std::string NameOf(v1::ActivityState state) { return v1::ActivityState_Name(state).substr(sizeof("ACTIVITY_STATE_") - 1); }
std::string NameOf(v1::ActivityStep step) { return v1::ActivityStep_Name(step).substr(sizeof("ACTIVITY_STEP_") - 1); }

}  // namespace helhed::activities
