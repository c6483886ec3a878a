#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/communications/service/works_service.h"
#include "services/communications/service/works_store.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/requests.h"
#include "services/platform/service/requests.h"

// Works notices up to their delivery, and from it on.
namespace helhed::communications {
namespace {

absl::CivilDay FirstDay(v1::WorksNotice const& notice) { return StoredPeriod(notice.period()).start; }

// Even if everybody were told today.
absl::Status CheckStartIsPossible(ReadTransaction& tx, v1::WorksNotice const& notice) {
  auto const today = tx.call().Today();
  ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx, notice.kind(), today));
  return CheckStart(FirstDay(notice), EarliestStart(today, period), period);
}

// Nobody begins before the last household was told in time, nor before the day that they were told (C1). What is urgent does not
// wait.
absl::Status CheckBegin(ReadTransaction& tx, v1::WorksNotice const& notice) {
  if (notice.kind() == v1::WORKS_KIND_URGENT) {
    return RequireState(notice, {v1::WORKS_STATE_DELIVERING, v1::WORKS_STATE_DELIVERED});
  }
  if (notice.state() == v1::WORKS_STATE_DELIVERING) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOUSEHOLDS_WAITING,
                 "works begin when every household was told",
                 {{"works_notice", notice.name()}, {"waiting_count", absl::StrCat(notice.waiting_count())}});
  }
  RETURN_IF_ERROR(RequireState(notice, {v1::WORKS_STATE_DELIVERED}));
  auto const today = tx.call().Today();
  ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx, notice.kind(), today));
  ASSIGN_OR_RETURN(auto const violation, LatestViolation(tx, notice.name()));
  if (violation) return CheckStart(FirstDay(notice), *violation, period);
  return CheckStart(today, FirstDay(notice), period);
}

absl::StatusOr<v1::WorksState> StateAfter(ReadTransaction& tx, v1::WorksNotice const& notice, v1::WorksStep step) {
  switch (step) {
    case v1::WORKS_STEP_APPROVE:
      RETURN_IF_ERROR(RequireState(notice, {v1::WORKS_STATE_DRAFT}));
      RETURN_IF_ERROR(CheckStartIsPossible(tx, notice));
      return v1::WORKS_STATE_APPROVED;
    case v1::WORKS_STEP_BEGIN:
      RETURN_IF_ERROR(CheckBegin(tx, notice));
      return v1::WORKS_STATE_IN_EFFECT;
    case v1::WORKS_STEP_COMPLETE:
      RETURN_IF_ERROR(RequireState(notice, {v1::WORKS_STATE_IN_EFFECT}));
      return v1::WORKS_STATE_COMPLETED;
    default:
      RETURN_IF_ERROR(RequireState(notice, {v1::WORKS_STATE_DRAFT, v1::WORKS_STATE_APPROVED, v1::WORKS_STATE_DELIVERING,
                                            v1::WORKS_STATE_DELIVERED, v1::WORKS_STATE_IN_EFFECT}));
      return v1::WORKS_STATE_CANCELLED;
  }
}

}  // namespace

absl::StatusOr<v1::WorksNotice> WorksService::GetWorksNotice(CallContext const& call, v1::GetWorksNoticeRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadWorksNotice(tx, request.name()); });
}

absl::StatusOr<v1::ListWorksNoticesResponse> WorksService::ListWorksNotices(CallContext const& call,
                                                                            v1::ListWorksNoticesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListWorksNoticesResponse> {
    ASSIGN_OR_RETURN(auto page, PageOfPlan<v1::ListWorksNoticesResponse>(tx, request, "works_notices t"));
    std::vector<v1::WorksNotice*> const notices(page.mutable_works_notices()->pointer_begin(),
                                                page.mutable_works_notices()->pointer_end());
    RETURN_IF_ERROR(CompleteWorksNotices(tx, notices));
    return page;
  });
}

absl::StatusOr<v1::WorksNotice> WorksService::CreateWorksNotice(CallContext const& call,
                                                                v1::CreateWorksNoticeRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckWorksNotice(request.works_notice(), violations);
  if (PlanOf(request.works_notice().construction_project()) != request.parent()) {
    violations.push_back({"works_notice.construction_project", "must be a project of the plan"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::WorksNotice> {
    v1::WorksNotice notice = request.works_notice();
    notice.set_name(absl::StrCat(request.parent(), "/worksNotices/", IdOr(call, request.works_notice_id())));
    notice.set_state(v1::WORKS_STATE_DRAFT);
    RETURN_IF_ERROR(HoldPlanHere(tx, notice.name()));
    RETURN_IF_ERROR(tx.Get<v1::ConstructionProject>(notice.construction_project()).status());
    if (!notice.phase().empty()) {
      RETURN_IF_ERROR(tx.Get<v1::ConstructionPhase>(notice.phase()).status());
    }
    RETURN_IF_ERROR(CheckStartIsPossible(tx, notice));
    RETURN_IF_ERROR(InsertWorksNotice(tx, notice));
    RETURN_IF_ERROR(AppendWorksChanged(tx, notice, v1::WORKS_STATE_UNSPECIFIED));
    return notice;
  });
}

absl::StatusOr<v1::WorksNotice> WorksService::AdvanceWorksNotice(CallContext const& call,
                                                                 v1::AdvanceWorksNoticeRequest const& request) {
  if (request.step() == v1::WORKS_STEP_CANCEL && request.note().empty()) return BadRequest({{"note", "must say why"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::WorksNotice> {
    ASSIGN_OR_RETURN(auto notice, LockWorksNotice(tx, request.name()));
    auto const former = notice.state();
    ASSIGN_OR_RETURN(auto const state, StateAfter(tx, notice, request.step()));
    notice.set_state(state);
    if (state == v1::WORKS_STATE_CANCELLED) notice.set_change_note(request.note());
    RETURN_IF_ERROR(SaveWorksNotice(tx, notice, former));
    return notice;
  });
}

absl::StatusOr<v1::ComputeEarliestStartResponse> WorksService::ComputeEarliestStart(
    CallContext const& call, v1::ComputeEarliestStartRequest const& request) {
  auto day = call.Today();
  if (request.has_delivery_date()) {
    ASSIGN_OR_RETURN(day, ReadDate(request.delivery_date(), "delivery_date"));
  }
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ComputeEarliestStartResponse> {
    ASSIGN_OR_RETURN(auto const notice, tx.Get<v1::WorksNotice>(request.name()));
    ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx, notice.kind(), day));
    v1::ComputeEarliestStartResponse response;
    response.set_waiting_count(notice.waiting_count());
    response.set_notice_period(period.name());
    // Those who were told already count as well: with the day on which they were.
    bool const all_told = notice.household_count() > 0 && notice.waiting_count() == 0;
    auto earliest = all_told ? absl::CivilDay::min() : EarliestStart(day, period);
    ASSIGN_OR_RETURN(auto const start, LatestStart(tx, notice.name()));
    if (start) earliest = std::max(earliest, *start);
    *response.mutable_earliest_start_date() = ToProtoDate(earliest);
    return response;
  });
}

}  // namespace helhed::communications
