#include "services/communications/service/works_service.h"

#include <absl/strings/str_cat.h>

#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/communications/service/validity.h"
#include "services/communications/service/works_store.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/requests.h"
#include "services/platform/service/requests.h"

namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kLatestPeriod("communications.latest_notice_period",
                              "SELECT start_date FROM notice_periods WHERE kind = $1 ORDER BY start_date DESC LIMIT 1");

}  // namespace

void WorksService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.communications.v1.WorksService", method, this, handler);
  };
  on("GetConstructionProject", &WorksService::GetConstructionProject);
  on("ListConstructionProjects", &WorksService::ListConstructionProjects);
  on("CreateConstructionProject", &WorksService::CreateConstructionProject);
  on("ListConstructionPhases", &WorksService::ListConstructionPhases);
  on("CreateConstructionPhase", &WorksService::CreateConstructionPhase);
  on("ListNoticePeriods", &WorksService::ListNoticePeriods);
  on("CreateNoticePeriod", &WorksService::CreateNoticePeriod);
  on("GetWorksNotice", &WorksService::GetWorksNotice);
  on("ListWorksNotices", &WorksService::ListWorksNotices);
  on("CreateWorksNotice", &WorksService::CreateWorksNotice);
  on("AdvanceWorksNotice", &WorksService::AdvanceWorksNotice);
  on("DeliverWorksNotice", &WorksService::DeliverWorksNotice);
  on("RecordWorksDeliveries", &WorksService::RecordWorksDeliveries);
  on("RescheduleWorksNotice", &WorksService::RescheduleWorksNotice);
  on("ComputeEarliestStart", &WorksService::ComputeEarliestStart);
  on("ListWorksHouseholds", &WorksService::ListWorksHouseholds);
}

absl::StatusOr<v1::ConstructionProject> WorksService::GetConstructionProject(CallContext const& call,
                                                                             v1::GetConstructionProjectRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::ConstructionProject>(request.name()); });
}

absl::StatusOr<v1::ListConstructionProjectsResponse> WorksService::ListConstructionProjects(
    CallContext const& call, v1::ListConstructionProjectsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) {
    return PageOfPlan<v1::ListConstructionProjectsResponse>(tx, request, "construction_projects t");
  });
}

absl::StatusOr<v1::ConstructionProject> WorksService::CreateConstructionProject(
    CallContext const& call, v1::CreateConstructionProjectRequest const& request) {
  RETURN_IF_ERROR(ToPeriod(request.construction_project().period(), "construction_project.period").status());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ConstructionProject> {
    v1::ConstructionProject project = request.construction_project();
    project.set_name(absl::StrCat(request.parent(), "/constructionProjects/", IdOr(call, request.construction_project_id())));
    RETURN_IF_ERROR(HoldPlanHere(tx, project.name()));
    RETURN_IF_ERROR(tx.Insert(project));
    return project;
  });
}

absl::StatusOr<v1::ListConstructionPhasesResponse> WorksService::ListConstructionPhases(
    CallContext const& call, v1::ListConstructionPhasesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) {
    auto key = KeyOf<v1::ConstructionProject>(request.parent());
    return PageBelow<v1::ListConstructionPhasesResponse>(
        tx, request, "construction_phases t",
        {{"t.plan = ?", {std::move(key[0])}}, {"t.construction_project = ?", {std::move(key[1])}}});
  });
}

absl::StatusOr<v1::ConstructionPhase> WorksService::CreateConstructionPhase(CallContext const& call,
                                                                            v1::CreateConstructionPhaseRequest const& request) {
  ASSIGN_OR_RETURN(auto const period, ToPeriod(request.construction_phase().period(), "construction_phase.period"));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ConstructionPhase> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const project, tx.Get<v1::ConstructionProject>(request.parent()));
    if (!StoredPeriod(project.period()).Contains(period)) {
      return BadRequest({{"construction_phase.period", "must be within the period of the project"}});
    }
    v1::ConstructionPhase phase = request.construction_phase();
    phase.set_name(absl::StrCat(request.parent(), "/phases/", IdOr(call, request.construction_phase_id())));
    RETURN_IF_ERROR(tx.Insert(phase));
    return phase;
  });
}

absl::StatusOr<v1::ListNoticePeriodsResponse> WorksService::ListNoticePeriods(CallContext const& call,
                                                                              v1::ListNoticePeriodsRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return PageBelow<v1::ListNoticePeriodsResponse>(tx, request, "notice_periods t", {}); });
}

absl::StatusOr<v1::NoticePeriod> WorksService::CreateNoticePeriod(CallContext const& call,
                                                                  v1::CreateNoticePeriodRequest const& request) {
  ASSIGN_OR_RETURN(auto const day, ReadDate(request.notice_period().start_date(), "notice_period.start_date"));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::NoticePeriod> {
    RETURN_IF_ERROR(tx.Lock("notice_periods"));
    ASSIGN_OR_RETURN(auto const latest, tx.Query(kLatestPeriod, {std::int64_t{request.notice_period().kind()}}));
    RETURN_IF_ERROR(CheckLater(latest, ToIsoDate(day)));
    v1::NoticePeriod period = request.notice_period();
    period.set_name(absl::StrCat("noticePeriods/", IdOr(call, request.notice_period_id())));
    RETURN_IF_ERROR(tx.Insert(period));
    return period;
  });
}

}  // namespace helhed::communications
