#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/service/activity_service.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/civil.h"
#include "services/platform/contract/contract.h"

// Kinds, rules and sub-goals: what activities are measured by before there are any.
namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kLatestRule("activities.latest_rule",
                            "SELECT activity_rule FROM activity_rules ORDER BY activity_rule DESC LIMIT 1");

// What belongs to no plan.
template <typename Response, typename Request>
absl::StatusOr<Response> ListAll(Store& store, CallContext const& call, Request const& request, std::string_view from) {
  storage::ListOptions options;
  options.from = from;
  options.alias = "t";
  return store.Read(call, [&](ReadTransaction& tx) { return tx.List<Response>(request, options); });
}

absl::Status AppendChanged(WriteTransaction& tx, v1::SubGoal const& goal) {
  v1::SubGoalChanged event;
  *event.mutable_sub_goal() = goal;
  return tx.Append(event, goal.name(), PlanOf(goal.name()));
}

}  // namespace

absl::StatusOr<v1::ActivityType> ActivityService::GetActivityType(CallContext const& call,
                                                                  v1::GetActivityTypeRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::ActivityType>(request.name()); });
}

absl::StatusOr<v1::ListActivityTypesResponse> ActivityService::ListActivityTypes(CallContext const& call,
                                                                                 v1::ListActivityTypesRequest const& request) {
  return ListAll<v1::ListActivityTypesResponse>(store_, call, request, "activity_types t");
}

absl::StatusOr<v1::ActivityType> ActivityService::CreateActivityType(CallContext const& call,
                                                                     v1::CreateActivityTypeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ActivityType> {
    v1::ActivityType type = request.activity_type();
    type.set_name(absl::StrCat("activityTypes/", request.activity_type_id()));
    RETURN_IF_ERROR(tx.Insert(type));
    return type;
  });
}

absl::StatusOr<v1::ListActivityRulesResponse> ActivityService::ListActivityRules(CallContext const& call,
                                                                                 v1::ListActivityRulesRequest const& request) {
  return ListAll<v1::ListActivityRulesResponse>(store_, call, request, "activity_rules t");
}

absl::StatusOr<v1::ActivityRule> ActivityService::CreateActivityRule(CallContext const& call,
                                                                     v1::CreateActivityRuleRequest const& request) {
  if (!FromIsoDate(request.activity_rule_id())) return BadRequest({{"activity_rule_id", "must be an existing date"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ActivityRule> {
    RETURN_IF_ERROR(tx.Lock("activity_rules"));
    ASSIGN_OR_RETURN(auto const latest, tx.Query(kLatestRule, {}));
    // What held on a date that has passed was relied on, and stays.
    if (!latest.empty() && request.activity_rule_id() <= latest.Text(0, 0)) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_RULE_NOT_LATER,
                   "a rule holds from a later date than those that are there", {{"latest", latest.Text(0, 0)}});
    }
    v1::ActivityRule rule = request.activity_rule();
    rule.set_name(absl::StrCat("activityRules/", request.activity_rule_id()));
    RETURN_IF_ERROR(tx.Insert(rule));
    return rule;
  });
}

absl::StatusOr<v1::SubGoal> ActivityService::GetSubGoal(CallContext const& call, v1::GetSubGoalRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::SubGoal>(request.name()); });
}

absl::StatusOr<v1::ListSubGoalsResponse> ActivityService::ListSubGoals(CallContext const& call,
                                                                       v1::ListSubGoalsRequest const& request) {
  return ListBelow<v1::ListSubGoalsResponse>(store_, call, request, "sub_goals t");
}

absl::StatusOr<v1::SubGoal> ActivityService::CreateSubGoal(CallContext const& call, v1::CreateSubGoalRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::SubGoal> {
    v1::SubGoal goal = request.sub_goal();
    goal.set_name(absl::StrCat(request.parent(), "/subGoals/", IdOr(call, request.sub_goal_id())));
    RETURN_IF_ERROR(tx.Insert(goal));
    RETURN_IF_ERROR(AppendChanged(tx, goal));
    return goal;
  });
}

absl::StatusOr<v1::SubGoal> ActivityService::UpdateSubGoal(CallContext const& call, v1::UpdateSubGoalRequest const& request) {
  auto const& given = request.sub_goal();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::SubGoal> {
    ASSIGN_OR_RETURN(auto goal, tx.Get<v1::SubGoal>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), goal.etag(), given.name()));
    std::string const area = goal.focus_area();
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, goal, "sub_goal"));
    // Activities carry it, and what was counted was counted for it.
    if (goal.focus_area() != area) return BadRequest({{"sub_goal.focus_area", "stays as it was entered"}});
    RETURN_IF_ERROR(tx.Update(goal));
    RETURN_IF_ERROR(AppendChanged(tx, goal));
    return goal;
  });
}

}  // namespace helhed::activities
