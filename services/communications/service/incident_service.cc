#include "services/communications/service/incident_service.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/incident_life.h"
#include "services/communications/service/moved_plans.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/times.h"
#include "services/platform/service/requests.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// A clock of a caller may be a little ahead.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

Statement const kByExternalId("communications.incident_of_external_id",
                              "SELECT incident FROM incidents WHERE plan = $1 AND reporter = $2 AND external_id = $3 "
                              "AND external_id IS NOT NULL");
Statement const kSomeParties("communications.some_parties",
                             "SELECT incident_party FROM incident_parties WHERE plan = $1 AND incident = $2 LIMIT 2");
Statement const kOpenTask("communications.open_task",
                          "SELECT incident_task FROM incident_tasks WHERE plan = $1 AND incident = $2 AND state = 1 LIMIT 1");

// A system that sends a report again, under another request_id or much later, is told which incident it made.
absl::Status CheckReportedOnce(WriteTransaction& tx, v1::Incident const& incident) {
  if (incident.external_id().empty()) return absl::OkStatus();
  auto const plan = PlanOf(incident.name());
  RETURN_IF_ERROR(tx.Lock(absl::StrCat("report ", plan, " ", incident.reporter(), " ", incident.external_id())));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kByExternalId, {contract::LastPart(plan), std::string_view(incident.reporter()),
                                                             std::string_view(incident.external_id())}));
  if (rows.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_INCIDENT_REPORTED,
               "you reported it before under this external_id",
               {{"incident", absl::StrCat(plan, "/incidents/", rows.Text(0, 0))}});
}

absl::Status NotReady(v1::Incident const& incident, std::vector<std::string> const& missing) {
  if (missing.empty()) return absl::OkStatus();
  auto const names = absl::StrJoin(missing, ", ");
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INCIDENT_NOT_READY,
               "before the step there must be: " + names, {{"incident", incident.name()}, {"missing", names}});
}

// What a step needs to be there.
absl::Status CheckReady(ReadTransaction& tx, v1::Incident const& incident, v1::AdvanceIncidentRequest const& request) {
  auto const key = KeyOf<v1::Incident>(incident.name());
  std::vector<std::string> missing;
  switch (request.step()) {
    case v1::INCIDENT_STEP_COORDINATE: {
      if (request.note().empty()) missing.emplace_back("an action plan in `note`");
      ASSIGN_OR_RETURN(auto const parties, tx.Query(kSomeParties, {std::string_view(key[0]), std::string_view(key[1])}));
      if (parties.size() < 2) missing.emplace_back("a party besides the coordinator");
      break;
    }
    case v1::INCIDENT_STEP_CLOSE: {
      if (request.note().empty()) missing.emplace_back("an outcome in `note`");
      ASSIGN_OR_RETURN(auto const tasks, tx.Query(kOpenTask, {std::string_view(key[0]), std::string_view(key[1])}));
      if (!tasks.empty()) missing.emplace_back("an end of every task");
      break;
    }
    case v1::INCIDENT_STEP_REOPEN:
      if (request.note().empty()) missing.emplace_back("a reason in `note`");
      break;
    default:
      break;
  }
  return NotReady(incident, missing);
}

// What a step changes besides the state.
absl::Status Step(WriteTransaction& tx, v1::Incident& incident, v1::AdvanceIncidentRequest const& request) {
  switch (request.step()) {
    case v1::INCIDENT_STEP_COORDINATE:
      incident.set_action_plan(request.note());
      return absl::OkStatus();
    case v1::INCIDENT_STEP_CLOSE: {
      ASSIGN_OR_RETURN(auto const rule, RuleOfToday(tx));
      incident.set_outcome(request.note());
      *incident.mutable_close_time() = Stamp(tx.call().Now());
      *incident.mutable_retain_until_date() = ToProtoDate(tx.call().Today() + rule.retention_days());
      return SettleAlerts(tx, incident.name(), "");
    }
    case v1::INCIDENT_STEP_REOPEN:
      incident.clear_close_time();
      incident.clear_retain_until_date();
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

}  // namespace

void IncidentService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.communications.v1.IncidentService", method, this, handler);
  };
  on("CreateIncident", &IncidentService::CreateIncident);
  on("GetIncident", &IncidentService::GetIncident);
  on("ResolveIncident", &IncidentService::ResolveIncident);
  on("ListIncidents", &IncidentService::ListIncidents);
  on("ListReportedIncidents", &IncidentService::ListReportedIncidents);
  on("TriageIncident", &IncidentService::TriageIncident);
  on("DismissIncident", &IncidentService::DismissIncident);
  on("JoinIncident", &IncidentService::JoinIncident);
  on("AdvanceIncident", &IncidentService::AdvanceIncident);
  on("PublishIncidentInformation", &IncidentService::PublishIncidentInformation);
  on("TakeOverIncident", &IncidentService::TakeOverIncident);
  on("CreateIncidentParty", &IncidentService::CreateIncidentParty);
  on("ListIncidentParties", &IncidentService::ListIncidentParties);
  on("DeleteIncidentParty", &IncidentService::DeleteIncidentParty);
  on("CreateIncidentTask", &IncidentService::CreateIncidentTask);
  on("ListIncidentTasks", &IncidentService::ListIncidentTasks);
  on("CompleteIncidentTask", &IncidentService::CompleteIncidentTask);
  on("ListIncidentAlerts", &IncidentService::ListIncidentAlerts);
  on("AcknowledgeIncidentAlert", &IncidentService::AcknowledgeIncidentAlert);
  on("EscalateIncidentAlert", &IncidentService::EscalateIncidentAlert);
  on("CreateTimelineEntry", &IncidentService::CreateTimelineEntry);
  on("ListTimelineEntries", &IncidentService::ListTimelineEntries);
  on("CreateIncidentAnnex", &IncidentService::CreateIncidentAnnex);
  on("GetIncidentAnnex", &IncidentService::GetIncidentAnnex);
  on("DeleteIncidentAnnex", &IncidentService::DeleteIncidentAnnex);
  on("ListAnnexAccesses", &IncidentService::ListAnnexAccesses);
  on("GetContingencyPlan", &IncidentService::GetContingencyPlan);
  on("ListContingencyPlans", &IncidentService::ListContingencyPlans);
  on("CreateContingencyPlan", &IncidentService::CreateContingencyPlan);
  on("ListIncidentRules", &IncidentService::ListIncidentRules);
  on("CreateIncidentRule", &IncidentService::CreateIncidentRule);
  on("ListIncidentTallies", &IncidentService::ListIncidentTallies);
}

absl::StatusOr<v1::Incident> IncidentService::CreateIncident(CallContext const& call, v1::CreateIncidentRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"incident.place", request.incident().place()},
                              {"incident.description", request.incident().description()},
                              {"incident.external_id", request.incident().external_id()}},
                             request.confirm_no_personal_data()));
  if (TimeOf(request.incident().occur_time()) > call.Now() + kClockSkew) {
    return BadRequest({{"incident.occur_time", "must not be in the future"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    v1::Incident incident = request.incident();
    incident.set_name(absl::StrCat(request.parent(), "/incidents/", IdOr(call, request.incident_id())));
    incident.set_reporter(call.identity().subject());
    incident.set_state(v1::INCIDENT_STATE_REPORTED);
    RETURN_IF_ERROR(HoldPlanHere(tx, incident.name()));
    RETURN_IF_ERROR(CheckReportedOnce(tx, incident));
    RETURN_IF_ERROR(tx.Insert(incident));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_REPORTED));
    RETURN_IF_ERROR(AddParty(tx, incident.name(), {.subject = incident.reporter(), .need_to_know = "reported it"}));
    RETURN_IF_ERROR(CallRoles(tx, incident, Call::kOnReport));
    if (!incident.contingency_plan().empty()) {
      RETURN_IF_ERROR(tx.Update(incident));
    }
    RETURN_IF_ERROR(Tally(tx, incident, 1));
    tx.AnswerIsAbout(incident.name());
    RETURN_IF_ERROR(AppendIncidentChanged(tx, incident, v1::INCIDENT_STATE_UNSPECIFIED));
    return incident;
  });
}

absl::StatusOr<v1::Incident> IncidentService::GetIncident(CallContext const& call, v1::GetIncidentRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Incident> {
    RETURN_IF_ERROR(RequireParty(tx, request.name(), request.name()).status());
    return tx.Get<v1::Incident>(request.name());
  });
}

absl::StatusOr<v1::Incident> IncidentService::ResolveIncident(CallContext const& call,
                                                              v1::ResolveIncidentRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Incident> {
    ASSIGN_OR_RETURN(auto const name, IncidentNow(tx, request.name()));
    RETURN_IF_ERROR(RequireParty(tx, name, request.name()).status());
    ASSIGN_OR_RETURN(auto incident, tx.Get<v1::Incident>(name));
    if (incident.duplicate_of().empty()) return incident;
    // Whoever was removed from the one that it was joined to learns nothing more here.
    RETURN_IF_ERROR(RequireParty(tx, incident.duplicate_of(), request.name()).status());
    return tx.Get<v1::Incident>(incident.duplicate_of());
  });
}

absl::StatusOr<v1::ListIncidentsResponse> IncidentService::ListIncidents(CallContext const& call,
                                                                         v1::ListIncidentsRequest const& request) {
  v1::ListIncidentsRequest ordered = request;
  // Names that the service makes sort by time.
  if (ordered.order_by().empty()) ordered.set_order_by("name desc");
  return store_.Read(call, [&](ReadTransaction& tx) {
    return PageBelow<v1::ListIncidentsResponse>(
        tx, ordered, "incident_parties p JOIN incidents t ON t.plan = p.plan AND t.incident = p.incident",
        {{"p.plan = ?", {std::string(contract::LastPart(request.parent()))}}, {"p.subject = ?", {call.identity().subject()}}});
  });
}

absl::StatusOr<v1::ListReportedIncidentsResponse> IncidentService::ListReportedIncidents(
    CallContext const& call, v1::ListReportedIncidentsRequest const& request) {
  v1::ListReportedIncidentsRequest ordered = request;
  if (ordered.order_by().empty()) ordered.set_order_by("occur_time");
  return store_.Read(call, [&](ReadTransaction& tx) {
    return PageBelow<v1::ListReportedIncidentsResponse>(
        tx, ordered, "incidents t", {{"t.plan = ?", {std::string(contract::LastPart(request.parent()))}}, {"t.state = 1"}});
  });
}

absl::StatusOr<v1::Incident> IncidentService::TriageIncident(CallContext const& call, v1::TriageIncidentRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"note", request.note()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    ASSIGN_OR_RETURN(auto incident, LockIncident(tx, request.name(), request.name()));
    auto const former = incident.state();
    bool const first = IsReported(former);
    if (!first) {
      RETURN_IF_ERROR(RequireCoordinator(tx, request.name(), request.name()).status());
    }
    RETURN_IF_ERROR(RequireState(incident, IsOpen));
    bool const becomes_acute =
        request.severity() == v1::INCIDENT_SEVERITY_ACUTE && incident.severity() != v1::INCIDENT_SEVERITY_ACUTE;
    incident.set_severity(request.severity());
    incident.set_scope(request.scope());
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_TRIAGED, request.note()));
    if (first) {
      incident.set_state(v1::INCIDENT_STATE_TRIAGED);
      RETURN_IF_ERROR(AddParty(tx, incident.name(), {call.identity().subject(), request.party_kind(), true, "judged it"}));
      // Those who were called on the report were called for this.
      RETURN_IF_ERROR(SettleAlerts(tx, incident.name(), ""));
    }
    if (becomes_acute) {
      RETURN_IF_ERROR(CallRoles(tx, incident, Call::kAcute));
    }
    RETURN_IF_ERROR(SaveIncident(tx, incident, former));
    return incident;
  });
}

absl::StatusOr<v1::Incident> IncidentService::AdvanceIncident(CallContext const& call,
                                                              v1::AdvanceIncidentRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"note", request.note()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    RETURN_IF_ERROR(RequireCoordinator(tx, request.name(), request.name()).status());
    ASSIGN_OR_RETURN(auto incident, LockIncident(tx, request.name(), request.name()));
    auto const former = incident.state();
    auto const after = After(former, request.step());
    if (!after) return StepRefused(incident, request.step());
    RETURN_IF_ERROR(CheckReady(tx, incident, request));
    RETURN_IF_ERROR(Step(tx, incident, request));
    incident.set_state(*after);
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_STEPPED, request.note()));
    RETURN_IF_ERROR(SaveIncident(tx, incident, former));
    return incident;
  });
}

absl::StatusOr<v1::Incident> IncidentService::PublishIncidentInformation(CallContext const& call,
                                                                         v1::PublishIncidentInformationRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"text", request.text()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    RETURN_IF_ERROR(RequireCoordinator(tx, request.name(), request.name()).status());
    ASSIGN_OR_RETURN(auto incident, LockIncident(tx, request.name(), request.name()));
    RETURN_IF_ERROR(RequireState(incident, IsJudged));
    incident.set_public_information(request.text());
    incident.clear_publish_time();
    if (!request.text().empty()) *incident.mutable_publish_time() = Stamp(call.Now());
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_PUBLISHED, request.text()));
    RETURN_IF_ERROR(tx.Update(incident));
    tx.AnswerIsAbout(incident.name());
    v1::IncidentInformationPublished event;
    event.set_incident(incident.name());
    event.set_text(request.text());
    event.set_department(incident.department());
    RETURN_IF_ERROR(tx.Append(event, incident.name(), PlanOf(incident.name())));
    return incident;
  });
}

absl::StatusOr<v1::Incident> IncidentService::TakeOverIncident(CallContext const& call,
                                                               v1::TakeOverIncidentRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"note", request.note()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    ASSIGN_OR_RETURN(auto incident, LockIncident(tx, request.name(), request.name()));
    RETURN_IF_ERROR(RequireState(incident, IsJudged));
    RETURN_IF_ERROR(AddParty(tx, incident.name(), {call.identity().subject(), request.party_kind(), true, "took it over"}));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_TAKEN_OVER, request.note()));
    tx.AnswerIsAbout(incident.name());
    return incident;
  });
}

}  // namespace helhed::communications
