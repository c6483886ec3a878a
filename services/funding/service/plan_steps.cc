#include <algorithm>
#include <utility>

#include "services/funding/domain/plan_terms.h"
#include "services/funding/service/merging_plans.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/plan_service.h"
#include "services/funding/service/plans_of_departments.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

v1::MissingItem Successor(std::string_view plan) {
  v1::MissingItem item;
  item.set_kind(v1::MISSING_KIND_SUCCESSOR);
  item.set_party(v1::PARTY_PLAN);
  item.set_subject(std::string(plan));
  item.set_description("an approved plan that names this one as its predecessor");
  return item;
}

// The steps that a plan does not take while it is being merged: it has come to its end then, or its accounts are closed.
bool EndsPlan(v1::PlanTransition step) {
  return step == v1::PLAN_TRANSITION_WITHDRAW || step == v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS ||
         step == v1::PLAN_TRANSITION_FINISH;
}

// Whether `successor` is there to take the plan's place.
absl::StatusOr<bool> TakesPlaceOf(ReadTransaction& tx, std::string_view successor, v1::Plan const& plan) {
  auto const other = LoadPlan(tx, successor);
  if (absl::IsNotFound(other.status())) return false;
  RETURN_IF_ERROR(other.status());
  bool const names =
      std::find(other->predecessors().begin(), other->predecessors().end(), plan.name()) != other->predecessors().end();
  return names && (other->state() == v1::PLAN_STATE_APPROVED || other->state() == v1::PLAN_STATE_ACTIVE);
}

}  // namespace

absl::StatusOr<v1::Plan> PlanService::Take(CallContext const& call, Act const& act) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Plan> {
    ASSIGN_OR_RETURN(auto plan, LockForAct(tx, act));
    if (EndsPlan(act.step)) {
      RETURN_IF_ERROR(RequireNotMerging(tx, plan.name()));
    }
    ASSIGN_OR_RETURN(auto const date, EffectiveDate(tx, act));
    ASSIGN_OR_RETURN(auto const facts, LoadFacts(tx, plan));
    ASSIGN_OR_RETURN(auto const missing, MissingOf(tx, money_, facts, act.step, date));
    auto const next = After(plan.state(), act.step);
    if (!next || !missing.empty()) return NotReady(plan, act.step, missing);
    auto const before = plan;
    plan.set_state(*next);
    RETURN_IF_ERROR(tx.Update(plan));
    RETURN_IF_ERROR(Record(tx, act, date, before, plan));
    return plan;
  });
}

absl::StatusOr<v1::Plan> PlanService::DraftPrequalification(CallContext const& call,
                                                            v1::DraftPrequalificationRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION));
}
absl::StatusOr<v1::Plan> PlanService::SubmitPrequalification(CallContext const& call,
                                                             v1::SubmitPrequalificationRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION));
}
absl::StatusOr<v1::Plan> PlanService::PrequalifyPlan(CallContext const& call, v1::PrequalifyPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_PREQUALIFY));
}
absl::StatusOr<v1::Plan> PlanService::RejectPrequalification(CallContext const& call,
                                                             v1::RejectPrequalificationRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_REJECT_PREQUALIFICATION));
}
absl::StatusOr<v1::Plan> PlanService::DraftPlan(CallContext const& call, v1::DraftPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_DRAFT));
}
absl::StatusOr<v1::Plan> PlanService::OpenLocalDecision(CallContext const& call, v1::OpenLocalDecisionRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION));
}
absl::StatusOr<v1::Plan> PlanService::SubmitPlan(CallContext const& call, v1::SubmitPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_SUBMIT));
}
absl::StatusOr<v1::Plan> PlanService::ApprovePlan(CallContext const& call, v1::ApprovePlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_APPROVE));
}
absl::StatusOr<v1::Plan> PlanService::ReturnPlan(CallContext const& call, v1::ReturnPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_RETURN));
}
absl::StatusOr<v1::Plan> PlanService::RejectPlan(CallContext const& call, v1::RejectPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_REJECT));
}
absl::StatusOr<v1::Plan> PlanService::StartPlan(CallContext const& call, v1::StartPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_START));
}
absl::StatusOr<v1::Plan> PlanService::BeginClosing(CallContext const& call, v1::BeginClosingRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_BEGIN_CLOSING));
}
absl::StatusOr<v1::Plan> PlanService::SubmitAccounts(CallContext const& call, v1::SubmitAccountsRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS));
}
absl::StatusOr<v1::Plan> PlanService::RecordAudit(CallContext const& call, v1::RecordAuditRequest const& request) {
  RETURN_IF_ERROR(RequireHash(request.evidence(), "evidence"));
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_RECORD_AUDIT));
}
absl::StatusOr<v1::Plan> PlanService::FinishPlan(CallContext const& call, v1::FinishPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_FINISH));
}
absl::StatusOr<v1::Plan> PlanService::WithdrawPlan(CallContext const& call, v1::WithdrawPlanRequest const& request) {
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_WITHDRAW));
}
absl::StatusOr<v1::Plan> PlanService::PublishOverview(CallContext const& call, v1::PublishOverviewRequest const& request) {
  RETURN_IF_ERROR(RequireHash(request.evidence(), "evidence"));
  return Take(call, ActOf(request, v1::PLAN_TRANSITION_PUBLISH_OVERVIEW));
}

absl::StatusOr<v1::Plan> PlanService::SupersedePlan(CallContext const& call, v1::SupersedePlanRequest const& request) {
  auto const act = ActOf(request, v1::PLAN_TRANSITION_SUPERSEDE);
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Plan> {
    ASSIGN_OR_RETURN(auto plan, LockForAct(tx, act));
    RETURN_IF_ERROR(RequireNotMerging(tx, plan.name()));
    ASSIGN_OR_RETURN(auto const date, EffectiveDate(tx, act));
    ASSIGN_OR_RETURN(bool const ready, TakesPlaceOf(tx, request.successor(), plan));
    std::vector<v1::MissingItem> missing;
    if (!ready) missing.push_back(Successor(plan.name()));
    auto const next = After(plan.state(), act.step);
    if (!next || !missing.empty()) return NotReady(plan, act.step, missing);
    RETURN_IF_ERROR(EndFor(tx, act, date, plan, *next, request.successor()));
    return plan;
  });
}

absl::StatusOr<v1::Plan> PlanService::TransferRegulation(CallContext const& call, v1::TransferRegulationRequest const& request) {
  auto const act = ActOf(request, v1::PLAN_TRANSITION_TRANSFER_REGULATION);
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Plan> {
    ASSIGN_OR_RETURN(auto plan, LockForAct(tx, act));
    ASSIGN_OR_RETURN(auto const date, EffectiveDate(tx, act));
    if (!After(plan.state(), act.step)) return NotReady(plan, act.step, {});
    auto const before = plan;
    plan.set_regulation(request.regulation());
    if (!request.focus_areas().empty()) *plan.mutable_focus_areas() = request.focus_areas();
    if (request.has_period()) *plan.mutable_period() = request.period();
    std::vector<FieldViolation> violations;
    CheckPlan(plan, violations);
    if (plan.regulation() == before.regulation()) {
      violations.push_back({"regulation", "must be another regulation than the plan is under"});
    }
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    ASSIGN_OR_RETURN(auto const regulation, LoadRegulation(tx, plan.regulation()));
    RETURN_IF_ERROR(CheckUnder(regulation, plan));
    RETURN_IF_ERROR(CheckInside(tx, plan));
    RETURN_IF_ERROR(tx.Update(plan));
    RETURN_IF_ERROR(StoreFocusAreas(tx, plan));
    RETURN_IF_ERROR(Record(tx, act, date, before, plan));
    return plan;
  });
}

absl::StatusOr<v1::WhatIsMissingResponse> PlanService::WhatIsMissing(CallContext const& call,
                                                                     v1::WhatIsMissingRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::WhatIsMissingResponse> {
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, request.name()));
    ASSIGN_OR_RETURN(auto const facts, LoadFacts(tx, plan));
    v1::WhatIsMissingResponse response;
    response.set_state(plan.state());
    *response.mutable_start_date() = plan.period().start_date();
    for (auto const step : AllowedFrom(plan.state())) response.add_allowed_transitions(step);
    auto const ahead = StepsAhead(plan.state());
    bool const to_start = std::find(ahead.begin(), ahead.end(), v1::PLAN_TRANSITION_START) != ahead.end();
    // The plan is asked as it would be on its first day: that the day is still to come hinders nothing.
    auto const date = to_start ? StoredPeriod(plan.period()).start : call.Today();
    std::vector<v1::MissingItem> missing;
    for (auto const step : ahead) {
      ASSIGN_OR_RETURN(auto more, MissingOf(tx, money_, facts, step, date));
      Merge(std::move(more), missing);
    }
    response.set_may_start(to_start && missing.empty());
    for (auto& item : missing) *response.add_missing() = std::move(item);
    for (auto& proposal : RemovalProposals(facts.departments)) *response.add_proposals() = std::move(proposal);
    ASSIGN_OR_RETURN(auto const question, QuestionAbout(tx, plan, MoneyStep::kWarnings, call.Today()));
    ASSIGN_OR_RETURN(auto warnings, money_.Open(tx, question));
    ASSIGN_OR_RETURN(auto twice, CoveredTwice(tx, facts));
    Merge(std::move(twice), warnings);
    for (auto& item : warnings) *response.add_warnings() = std::move(item);
    return response;
  });
}

absl::StatusOr<v1::ListPlanChangesResponse> PlanService::ListPlanChanges(CallContext const& call,
                                                                         v1::ListPlanChangesRequest const& request) {
  return ListBelowPlan<v1::ListPlanChangesResponse>(store_, call, request, "plan_changes t");
}

}  // namespace helhed::funding
