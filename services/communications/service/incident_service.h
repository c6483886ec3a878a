#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/empty.pb.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "helhed/communications/v1/incident_service.pb.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/platform/crypto/key_ring.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of IncidentService, one for each method of the contract, which says what they do and refuse.
class IncidentService {
 public:
  // `keys` seal what stands in annexes; without them there are none.
  IncidentService(Store& store, crypto::KeyRing const* keys) : store_(store), keys_(keys) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // incident_service.cc
  absl::StatusOr<v1::Incident> CreateIncident(CallContext const& call, v1::CreateIncidentRequest const& request);
  absl::StatusOr<v1::Incident> GetIncident(CallContext const& call, v1::GetIncidentRequest const& request);
  absl::StatusOr<v1::Incident> ResolveIncident(CallContext const& call, v1::ResolveIncidentRequest const& request);
  absl::StatusOr<v1::ListIncidentsResponse> ListIncidents(CallContext const& call, v1::ListIncidentsRequest const& request);
  absl::StatusOr<v1::ListReportedIncidentsResponse> ListReportedIncidents(CallContext const& call,
                                                                          v1::ListReportedIncidentsRequest const& request);
  absl::StatusOr<v1::Incident> TriageIncident(CallContext const& call, v1::TriageIncidentRequest const& request);
  absl::StatusOr<v1::Incident> AdvanceIncident(CallContext const& call, v1::AdvanceIncidentRequest const& request);
  absl::StatusOr<v1::Incident> PublishIncidentInformation(CallContext const& call,
                                                          v1::PublishIncidentInformationRequest const& request);
  absl::StatusOr<v1::Incident> TakeOverIncident(CallContext const& call, v1::TakeOverIncidentRequest const& request);

  // incident_ends.cc
  absl::StatusOr<v1::Incident> DismissIncident(CallContext const& call, v1::DismissIncidentRequest const& request);
  absl::StatusOr<v1::Incident> JoinIncident(CallContext const& call, v1::JoinIncidentRequest const& request);
  absl::StatusOr<bool> AnonymiseJob(storage::Limits const& limits);

  // incident_parts.cc
  absl::StatusOr<v1::IncidentParty> CreateIncidentParty(CallContext const& call, v1::CreateIncidentPartyRequest const& request);
  absl::StatusOr<v1::ListIncidentPartiesResponse> ListIncidentParties(CallContext const& call,
                                                                      v1::ListIncidentPartiesRequest const& request);
  absl::StatusOr<google::protobuf::Empty> DeleteIncidentParty(CallContext const& call,
                                                              v1::DeleteIncidentPartyRequest const& request);
  absl::StatusOr<v1::IncidentTask> CreateIncidentTask(CallContext const& call, v1::CreateIncidentTaskRequest const& request);
  absl::StatusOr<v1::ListIncidentTasksResponse> ListIncidentTasks(CallContext const& call,
                                                                  v1::ListIncidentTasksRequest const& request);
  absl::StatusOr<v1::IncidentTask> CompleteIncidentTask(CallContext const& call, v1::CompleteIncidentTaskRequest const& request);
  absl::StatusOr<v1::TimelineEntry> CreateTimelineEntry(CallContext const& call, v1::CreateTimelineEntryRequest const& request);
  absl::StatusOr<v1::ListTimelineEntriesResponse> ListTimelineEntries(CallContext const& call,
                                                                      v1::ListTimelineEntriesRequest const& request);

  // alerts.cc
  absl::StatusOr<v1::ListIncidentAlertsResponse> ListIncidentAlerts(CallContext const& call,
                                                                    v1::ListIncidentAlertsRequest const& request);
  absl::StatusOr<v1::IncidentAlert> AcknowledgeIncidentAlert(CallContext const& call,
                                                             v1::AcknowledgeIncidentAlertRequest const& request);
  absl::StatusOr<v1::IncidentAlert> EscalateIncidentAlert(CallContext const& call,
                                                          v1::EscalateIncidentAlertRequest const& request);
  absl::StatusOr<bool> EscalateJob(storage::Limits const& limits);

  // annexes.cc
  absl::StatusOr<v1::IncidentAnnex> CreateIncidentAnnex(CallContext const& call, v1::CreateIncidentAnnexRequest const& request);
  absl::StatusOr<v1::IncidentAnnex> GetIncidentAnnex(CallContext const& call, v1::GetIncidentAnnexRequest const& request);
  absl::StatusOr<google::protobuf::Empty> DeleteIncidentAnnex(CallContext const& call,
                                                              v1::DeleteIncidentAnnexRequest const& request);
  absl::StatusOr<v1::ListAnnexAccessesResponse> ListAnnexAccesses(CallContext const& call,
                                                                  v1::ListAnnexAccessesRequest const& request);
  absl::StatusOr<bool> EraseAnnexesJob(storage::Limits const& limits);
  // Seals anew what another key than the active one sealed. There must be keys.
  absl::StatusOr<bool> RotateAnnexesJob(storage::Limits const& limits);

  // contingency.cc
  absl::StatusOr<v1::ContingencyPlan> GetContingencyPlan(CallContext const& call, v1::GetContingencyPlanRequest const& request);
  absl::StatusOr<v1::ListContingencyPlansResponse> ListContingencyPlans(CallContext const& call,
                                                                        v1::ListContingencyPlansRequest const& request);
  absl::StatusOr<v1::ContingencyPlan> CreateContingencyPlan(CallContext const& call,
                                                            v1::CreateContingencyPlanRequest const& request);
  absl::StatusOr<v1::ListIncidentRulesResponse> ListIncidentRules(CallContext const& call,
                                                                  v1::ListIncidentRulesRequest const& request);
  absl::StatusOr<v1::IncidentRule> CreateIncidentRule(CallContext const& call, v1::CreateIncidentRuleRequest const& request);
  absl::StatusOr<v1::ListIncidentTalliesResponse> ListIncidentTallies(CallContext const& call,
                                                                      v1::ListIncidentTalliesRequest const& request);

 private:
  // A page of what lies below an incident, for its parties.
  template <typename Response, typename Request>
  static absl::StatusOr<Response> PageOfIncident(ReadTransaction& tx, Request const& request, std::string_view from) {
    RETURN_IF_ERROR(RequireParty(tx, request.parent(), request.parent()).status());
    auto key = KeyOf<v1::Incident>(request.parent());
    return PageBelow<Response>(tx, request, from, {{"t.plan = ?", {std::move(key[0])}}, {"t.incident = ?", {std::move(key[1])}}});
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> ListOfIncident(CallContext const& call, Request const& request, std::string_view from) {
    return store_.Read(call, [&](ReadTransaction& tx) { return PageOfIncident<Response>(tx, request, from); });
  }

  Store& store_;
  crypto::KeyRing const* keys_;
};

}  // namespace helhed::communications
