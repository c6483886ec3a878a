#include "services/activities/service/activity_service.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "helhed/activities/v1/errors.pb.h"
#include "services/activities/domain/activity_life.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/assignments.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/queue.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/session_store.h"
#include "services/platform/contract/contract.h"

namespace helhed::activities {
namespace {

// What an activity is measured by: its kind must exist, and its sub-goal be one of the plan.
absl::Status Check(ReadTransaction& tx, v1::Activity& activity) {
  std::vector<FieldViolation> violations;
  CheckActivity(activity, violations);
  auto const goal = PlanOf(activity.sub_goal()) == PlanOf(activity.name()) ? tx.Get<v1::SubGoal>(activity.sub_goal())
                                                                           : absl::StatusOr<v1::SubGoal>(absl::NotFoundError(""));
  if (absl::IsNotFound(goal.status())) {
    violations.push_back({"activity.sub_goal", "must be a sub-goal of the plan"});
  } else {
    RETURN_IF_ERROR(goal.status());
    activity.set_focus_area(goal->focus_area());
  }
  auto const type = tx.Get<v1::ActivityType>(activity.activity_type());
  if (absl::IsNotFound(type.status())) {
    violations.push_back({"activity.activity_type", "must be one of activityTypes"});
    return Verdict(std::move(violations));
  }
  RETURN_IF_ERROR(type.status());
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return CheckType(activity, *type);
}

// Takes another capacity over into the seats.
absl::Status Resize(v1::Activity const& activity, Seats& seats) {
  seats.capacity.reset();
  if (activity.has_capacity()) seats.capacity = activity.capacity();
  if (!seats.capacity || seats.taken <= *seats.capacity) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CAPACITY_BELOW_TAKEN,
      "more seats are taken than there would be; cancel registrations first",
      {{"activity", activity.name()}, {"capacity", std::to_string(*seats.capacity)}, {"taken", std::to_string(seats.taken)}});
}

absl::Status CheckReason(v1::AdvanceActivityRequest const& request) {
  bool const needed = request.step() == v1::ACTIVITY_STEP_PAUSE || request.step() == v1::ACTIVITY_STEP_CANCEL;
  if (needed && request.reason().empty()) return BadRequest({{"reason", "is needed to pause and to cancel"}});
  return absl::OkStatus();
}

}  // namespace

void ActivityService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.ActivityService", method, this, handler);
  };
  on("GetActivityType", &ActivityService::GetActivityType);
  on("ListActivityTypes", &ActivityService::ListActivityTypes);
  on("CreateActivityType", &ActivityService::CreateActivityType);
  on("ListActivityRules", &ActivityService::ListActivityRules);
  on("CreateActivityRule", &ActivityService::CreateActivityRule);
  on("GetSubGoal", &ActivityService::GetSubGoal);
  on("ListSubGoals", &ActivityService::ListSubGoals);
  on("CreateSubGoal", &ActivityService::CreateSubGoal);
  on("UpdateSubGoal", &ActivityService::UpdateSubGoal);
  on("GetActivity", &ActivityService::GetActivity);
  on("ListActivities", &ActivityService::ListActivities);
  on("CreateActivity", &ActivityService::CreateActivity);
  on("UpdateActivity", &ActivityService::UpdateActivity);
  on("AdvanceActivity", &ActivityService::AdvanceActivity);
  on("GetProposal", &ActivityService::GetProposal);
  on("ListProposals", &ActivityService::ListProposals);
  on("CreateProposal", &ActivityService::CreateProposal);
  on("AcceptProposal", &ActivityService::AcceptProposal);
  on("DeclineProposal", &ActivityService::DeclineProposal);
  on("WithdrawProposal", &ActivityService::WithdrawProposal);
}

absl::Status EnterActivity(WriteTransaction& tx, v1::Activity& activity) {
  activity.set_state(v1::ACTIVITY_STATE_DRAFT);
  RETURN_IF_ERROR(HoldPlanHere(tx, activity.name()));
  RETURN_IF_ERROR(Check(tx, activity));
  RETURN_IF_ERROR(tx.Insert(activity));
  RETURN_IF_ERROR(StoreLists(tx, activity));
  RETURN_IF_ERROR(MakeSeats(tx, activity));
  return AppendActivityChanged(tx, activity, v1::ACTIVITY_STATE_UNSPECIFIED, "");
}

absl::StatusOr<v1::Activity> ActivityService::GetActivity(CallContext const& call, v1::GetActivityRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadActivity(tx, request.name()); });
}

absl::StatusOr<v1::ListActivitiesResponse> ActivityService::ListActivities(CallContext const& call,
                                                                           v1::ListActivitiesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListActivitiesResponse> {
    ASSIGN_OR_RETURN(auto response, PageBelow<v1::ListActivitiesResponse>(tx, request, "activities t"));
    auto& page = *response.mutable_activities();
    std::vector<v1::Activity*> const activities(page.pointer_begin(), page.pointer_end());
    RETURN_IF_ERROR(CompleteActivities(tx, activities));
    return response;
  });
}

absl::StatusOr<v1::Activity> ActivityService::CreateActivity(CallContext const& call, v1::CreateActivityRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Activity> {
    v1::Activity activity = request.activity();
    activity.set_name(absl::StrCat(request.parent(), "/activities/", IdOr(call, request.activity_id())));
    RETURN_IF_ERROR(EnterActivity(tx, activity));
    return activity;
  });
}

absl::StatusOr<v1::Activity> ActivityService::UpdateActivity(CallContext const& call, v1::UpdateActivityRequest const& request) {
  auto const& given = request.activity();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Activity> {
    ASSIGN_OR_RETURN(auto seats, LockSeats(tx, given.name()));
    ASSIGN_OR_RETURN(auto activity, LoadActivity(tx, given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), activity.etag(), given.name()));
    RETURN_IF_ERROR(RequireNotOver(activity));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, activity, "activity"));
    RETURN_IF_ERROR(Check(tx, activity));
    RETURN_IF_ERROR(Resize(activity, seats));
    RETURN_IF_ERROR(CheckSessionsToCome(tx, activity));
    RETURN_IF_ERROR(SaveActivity(tx, activity, activity.state()));
    RETURN_IF_ERROR(StoreLists(tx, activity));
    RETURN_IF_ERROR(Settle(tx, activity, seats));
    return activity;
  });
}

absl::StatusOr<v1::Activity> ActivityService::AdvanceActivity(CallContext const& call,
                                                              v1::AdvanceActivityRequest const& request) {
  RETURN_IF_ERROR(CheckReason(request));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Activity> {
    ASSIGN_OR_RETURN(auto seats, LockSeats(tx, request.name()));
    ASSIGN_OR_RETURN(auto activity, LoadActivity(tx, request.name()));
    ASSIGN_OR_RETURN(auto const paused, PausedState(tx, request.name()));
    auto const former = activity.state();
    auto const to = After(former, request.step(), paused);
    if (!to) return StepNotAllowed(activity, request.step());
    activity.set_state(*to);
    RETURN_IF_ERROR(SaveActivity(tx, activity, former, request.reason()));
    RETURN_IF_ERROR(
        SetPausedState(tx, request.name(), *to == v1::ACTIVITY_STATE_PAUSED ? former : v1::ACTIVITY_STATE_UNSPECIFIED));
    if (*to == v1::ACTIVITY_STATE_CANCELLED) {
      RETURN_IF_ERROR(CancelSessionsToCome(tx, activity.name(), request.reason()));
    }
    RETURN_IF_ERROR(Settle(tx, activity, seats));
    return activity;
  });
}

}  // namespace helhed::activities
