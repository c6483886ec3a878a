#include "services/funding/service/coverage_service.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "helhed/funding/v1/decision.pb.h"
#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/decision_life.h"
#include "services/funding/domain/plan_life.h"
#include "services/funding/service/merging_plans.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/plans_of_departments.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

static_assert(v1::DECISION_STATE_ANNULLED == 12);
Statement const kDecision("funding.decision_of_department",
                          "SELECT decision, state FROM decisions WHERE plan = $1 AND covered_department = $2 AND state <> 12");

// OK when the department's own period lies within the plan's.
absl::Status CheckPeriod(v1::CoveredDepartment const& covered, v1::Plan const& plan) {
  if (!covered.has_period()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const period, ToPeriod(covered.period(), "covered_department.period"));
  if (!period.end) return BadRequest({{"covered_department.period.end_date", "must be set"}});
  auto const whole = StoredPeriod(plan.period());
  if (whole.Contains(period)) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_OUTSIDE_PLAN,
               "a department is covered within the plan's period",
               {{"resource", covered.name()}, {"period", ToIsoPeriod(period)}, {"plan_period", ToIsoPeriod(whole)}});
}

// OK while departments may be added and left out.
absl::Status CheckUnsettled(v1::Plan const& plan) {
  if (MayChangeTerms(plan.state())) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PLAN_SUBMITTED,
               "the departments of a plan are settled since it was submitted; only their periods may change",
               {{"plan", plan.name()}, {"state", NameOf(plan.state())}});
}

// A department leaves after a no that stands, or before anything is decided: not to get round a yes, nor round an override.
absl::Status CheckUndecided(ReadTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kDecision, {PlanIdOf(name), contract::LastPart(name)}));
  if (rows.empty()) return absl::OkStatus();
  auto const state = static_cast<v1::DecisionState>(rows.Int64(0, 1));
  if (state == v1::DECISION_STATE_NOT_CALLED || state == v1::DECISION_STATE_STANDS_REJECTED) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DECISION_STATE,
               "a department is left out after a no that stands, or before its meeting is called",
               {{"decision", absl::StrCat(Av(PlanOf(name)), "/decisions/", rows.Text(0, 0))},
                {"state", NameOf(state)},
                {"allowed", "NOT_CALLED, STANDS_REJECTED"}});
}

}  // namespace

absl::Status AppendCoverageChanged(WriteTransaction& tx, v1::CoveredDepartment const& covered) {
  v1::CoverageChanged event;
  event.set_covered_department(covered.name());
  event.set_department(covered.department());
  if (covered.has_period()) *event.mutable_period() = covered.period();
  event.set_dwelling_count(covered.dwelling_count());
  event.set_state(covered.state());
  return tx.Append(event, covered.name(), PlanOf(covered.name()));
}

void CoverageService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.CoverageService", method, this, handler);
  };
  on("GetCoveredDepartment", &CoverageService::GetCoveredDepartment);
  on("ListCoveredDepartments", &CoverageService::ListCoveredDepartments);
  on("CreateCoveredDepartment", &CoverageService::CreateCoveredDepartment);
  on("UpdateCoveredDepartment", &CoverageService::UpdateCoveredDepartment);
  on("ExcludeCoveredDepartment", &CoverageService::ExcludeCoveredDepartment);
}

absl::StatusOr<v1::CoveredDepartment> CoverageService::GetCoveredDepartment(CallContext const& call,
                                                                            v1::GetCoveredDepartmentRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::CoveredDepartment>(request.name()); });
}

absl::StatusOr<v1::ListCoveredDepartmentsResponse> CoverageService::ListCoveredDepartments(
    CallContext const& call, v1::ListCoveredDepartmentsRequest const& request) {
  return ListBelowPlan<v1::ListCoveredDepartmentsResponse>(store_, call, request, "covered_departments t");
}

absl::StatusOr<v1::CoveredDepartment> CoverageService::CreateCoveredDepartment(
    CallContext const& call, v1::CreateCoveredDepartmentRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::CoveredDepartment> {
    RETURN_IF_ERROR(LockPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, request.parent()));
    RETURN_IF_ERROR(CheckUnsettled(plan));
    v1::CoveredDepartment covered = request.covered_department();
    auto const organisation = contract::LastPart(contract::ParentOf(covered.department()));
    covered.set_name(
        absl::StrCat(plan.name(), "/coveredDepartments/", Av(organisation), "-", Av(contract::LastPart(covered.department()))));
    covered.set_state(v1::COVERAGE_STATE_COVERED);
    RETURN_IF_ERROR(CheckPeriod(covered, plan));
    RETURN_IF_ERROR(tx.Insert(covered));
    RETURN_IF_ERROR(RememberCovered(tx, covered));
    RETURN_IF_ERROR(AppendCoverageChanged(tx, covered));
    return covered;
  });
}

absl::StatusOr<v1::CoveredDepartment> CoverageService::UpdateCoveredDepartment(
    CallContext const& call, v1::UpdateCoveredDepartmentRequest const& request) {
  auto const& given = request.covered_department();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::CoveredDepartment> {
    RETURN_IF_ERROR(LockPlan(tx, given.name()));
    // A merge that is undone puts back what was covered when it was executed.
    RETURN_IF_ERROR(RequireNotMerging(tx, PlanOf(given.name())));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, PlanOf(given.name())));
    ASSIGN_OR_RETURN(auto covered, tx.Get<v1::CoveredDepartment>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), covered.etag(), given.name()));
    auto const before = covered;
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, covered, "covered_department"));
    if (before.dwelling_count() != covered.dwelling_count() || before.area_square_metres() != covered.area_square_metres()) {
      RETURN_IF_ERROR(CheckUnsettled(plan));
    }
    RETURN_IF_ERROR(CheckPeriod(covered, plan));
    RETURN_IF_ERROR(tx.Update(covered));
    RETURN_IF_ERROR(AppendCoverageChanged(tx, covered));
    return covered;
  });
}

absl::StatusOr<v1::CoveredDepartment> CoverageService::ExcludeCoveredDepartment(
    CallContext const& call, v1::ExcludeCoveredDepartmentRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::CoveredDepartment> {
    RETURN_IF_ERROR(LockPlan(tx, request.name()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, PlanOf(request.name())));
    ASSIGN_OR_RETURN(auto covered, tx.Get<v1::CoveredDepartment>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), covered.etag(), covered.name()));
    RETURN_IF_ERROR(CheckUnsettled(plan));
    RETURN_IF_ERROR(CheckUndecided(tx, covered.name()));
    covered.set_state(v1::COVERAGE_STATE_EXCLUDED);
    covered.set_exclude_reason(request.reason());
    RETURN_IF_ERROR(tx.Update(covered));
    RETURN_IF_ERROR(AppendCoverageChanged(tx, covered));
    return covered;
  });
}

}  // namespace helhed::funding
