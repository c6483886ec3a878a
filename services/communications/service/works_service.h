#pragma once

#include <absl/status/statusor.h>

#include <utility>

#include "helhed/communications/v1/works_service.pb.h"
#include "services/communications/domain/works_rules.h"
#include "services/communications/service/household_register.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of WorksService, one for each method of the contract, which says what they do and refuse.
class WorksService {
 public:
  WorksService(Store& store, HouseholdRegister households) : store_(store), households_(std::move(households)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // works_service.cc
  absl::StatusOr<v1::ConstructionProject> GetConstructionProject(CallContext const& call,
                                                                 v1::GetConstructionProjectRequest const& request);
  absl::StatusOr<v1::ListConstructionProjectsResponse> ListConstructionProjects(
      CallContext const& call, v1::ListConstructionProjectsRequest const& request);
  absl::StatusOr<v1::ConstructionProject> CreateConstructionProject(CallContext const& call,
                                                                    v1::CreateConstructionProjectRequest const& request);
  absl::StatusOr<v1::ListConstructionPhasesResponse> ListConstructionPhases(CallContext const& call,
                                                                            v1::ListConstructionPhasesRequest const& request);
  absl::StatusOr<v1::ConstructionPhase> CreateConstructionPhase(CallContext const& call,
                                                                v1::CreateConstructionPhaseRequest const& request);
  absl::StatusOr<v1::ListNoticePeriodsResponse> ListNoticePeriods(CallContext const& call,
                                                                  v1::ListNoticePeriodsRequest const& request);
  absl::StatusOr<v1::NoticePeriod> CreateNoticePeriod(CallContext const& call, v1::CreateNoticePeriodRequest const& request);

  // works_notices.cc
  absl::StatusOr<v1::WorksNotice> GetWorksNotice(CallContext const& call, v1::GetWorksNoticeRequest const& request);
  absl::StatusOr<v1::ListWorksNoticesResponse> ListWorksNotices(CallContext const& call,
                                                                v1::ListWorksNoticesRequest const& request);
  absl::StatusOr<v1::WorksNotice> CreateWorksNotice(CallContext const& call, v1::CreateWorksNoticeRequest const& request);
  absl::StatusOr<v1::WorksNotice> AdvanceWorksNotice(CallContext const& call, v1::AdvanceWorksNoticeRequest const& request);
  absl::StatusOr<v1::ComputeEarliestStartResponse> ComputeEarliestStart(CallContext const& call,
                                                                        v1::ComputeEarliestStartRequest const& request);

  // works_deliveries.cc
  absl::StatusOr<v1::WorksNotice> DeliverWorksNotice(CallContext const& call, v1::DeliverWorksNoticeRequest const& request);
  absl::StatusOr<v1::WorksNotice> RecordWorksDeliveries(CallContext const& call, v1::RecordWorksDeliveriesRequest const& request);
  absl::StatusOr<v1::WorksNotice> RescheduleWorksNotice(CallContext const& call, v1::RescheduleWorksNoticeRequest const& request);
  absl::StatusOr<v1::ListWorksHouseholdsResponse> ListWorksHouseholds(CallContext const& call,
                                                                      v1::ListWorksHouseholdsRequest const& request);

 private:
  // Who lives in the areas of the notice today, and when the works touch them. Asks another service: not within a write. Errors:
  // FAILED_PRECONDITION AUDIENCE_EMPTY, and those of the register.
  absl::StatusOr<std::vector<Touched>> AffectedToday(CallContext const& call, v1::WorksNotice const& notice) const;

  Store& store_;
  HouseholdRegister households_;
};

}  // namespace helhed::communications
