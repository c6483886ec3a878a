#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/agreement_service.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

absl::Status Check(v1::Milestone const& milestone, v1::Plan const& plan, absl::CivilDay today) {
  std::vector<FieldViolation> violations;
  auto const& areas = plan.focus_areas();
  if (!milestone.focus_area().empty() && std::find(areas.begin(), areas.end(), milestone.focus_area()) == areas.end()) {
    violations.push_back({"milestone.focus_area", "must be a focus area that the plan has chosen"});
  }
  auto const due = ToCivil(milestone.due_date());
  if (!due) violations.push_back({"milestone.due_date", "must be an existing date with year, month and day"});
  if (milestone.has_reach_date() && ToCivil(milestone.reach_date()).value_or(absl::CivilDay::max()) > today) {
    violations.push_back({"milestone.reach_date", "must not be later than today"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const period = StoredPeriod(plan.period());
  if (period.Contains(*due)) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_OUTSIDE_PLAN,
               "a milestone is due within the plan's period",
               {{"resource", milestone.name()}, {"period", ToIsoDate(*due)}, {"plan_period", ToIsoPeriod(period)}});
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Milestone const& milestone) {
  v1::MilestoneChanged event;
  *event.mutable_milestone() = milestone;
  return tx.Append(event, milestone.name(), PlanOf(milestone.name()));
}

}  // namespace

absl::StatusOr<v1::Milestone> AgreementService::GetMilestone(CallContext const& call, v1::GetMilestoneRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Milestone>(request.name()); });
}

absl::StatusOr<v1::ListMilestonesResponse> AgreementService::ListMilestones(CallContext const& call,
                                                                            v1::ListMilestonesRequest const& request) {
  return ListBelowPlan<v1::ListMilestonesResponse>(store_, call, request, "milestones t");
}

absl::StatusOr<v1::Milestone> AgreementService::CreateMilestone(CallContext const& call,
                                                                v1::CreateMilestoneRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Milestone> {
    RETURN_IF_ERROR(HoldPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, request.parent()));
    v1::Milestone milestone = request.milestone();
    milestone.set_name(absl::StrCat(plan.name(), "/milestones/", IdOr(call, request.milestone_id())));
    RETURN_IF_ERROR(Check(milestone, plan, call.Today()));
    RETURN_IF_ERROR(tx.Insert(milestone));
    RETURN_IF_ERROR(AppendChanged(tx, milestone));
    return milestone;
  });
}

absl::StatusOr<v1::Milestone> AgreementService::UpdateMilestone(CallContext const& call,
                                                                v1::UpdateMilestoneRequest const& request) {
  auto const& given = request.milestone();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Milestone> {
    RETURN_IF_ERROR(LockPlan(tx, given.name()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, PlanOf(given.name())));
    ASSIGN_OR_RETURN(auto milestone, tx.Get<v1::Milestone>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), milestone.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, milestone, "milestone"));
    RETURN_IF_ERROR(Check(milestone, plan, call.Today()));
    RETURN_IF_ERROR(tx.Update(milestone));
    RETURN_IF_ERROR(AppendChanged(tx, milestone));
    return milestone;
  });
}

}  // namespace helhed::funding
