#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <set>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/incident_life.h"
#include "services/communications/service/incident_service.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/fields.h"
#include "services/platform/service/requests.h"

// Who is called, has to answer, and who is called next.
namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kStoreNext(
    "communications.store_next_holders",
    "UPDATE incident_alerts SET next_holders = $4 WHERE plan = $1 AND incident = $2 AND incident_alert = $3");
Statement const kNext("communications.next_holders",
                      "SELECT next_holders FROM incident_alerts WHERE plan = $1 AND incident = $2 AND incident_alert = $3");
Statement const kWaitingAlerts(
    "communications.waiting_alerts",
    "SELECT incident_alert, role FROM incident_alerts WHERE plan = $1 AND incident = $2 AND state = 1");
Statement const kWaitingOfTask("communications.waiting_alerts_of_task",
                               "SELECT incident_alert FROM incident_alerts WHERE plan = $1 AND incident = $2 AND task = $3 "
                               "AND task IS NOT NULL AND state = 1");
// The index holds what waits in the order in which it is due: one row is read, however many there are.
Statement const kAlertDue("communications.next_alert_due",
                          "SELECT plan, incident, incident_alert FROM incident_alerts WHERE state = 1 AND due_time <= $1 "
                          "ORDER BY due_time, plan, incident, incident_alert LIMIT 1");

absl::Status Nobody(ErrorMetadata metadata) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ESCALATION_TO_NOBODY,
               "there is nobody to call: enter a contingency plan, or name deputies", std::move(metadata));
}

absl::Status Settled(v1::IncidentAlert const& alert) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ALERT_SETTLED, "the alert does not wait any more",
               {{"alert", alert.name()}, {"state", contract::EnumText(alert.state())}});
}

// Who is left in line. For a task only those who are still parties: they all were when it was given.
absl::StatusOr<std::vector<std::string>> NextHolders(ReadTransaction& tx, v1::IncidentAlert const& alert) {
  auto const key = KeyOf<v1::IncidentAlert>(alert.name());
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kNext, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2])}));
  std::vector<std::string> holders;
  std::string_view rest = rows.Text(0, 0);
  while (!rest.empty()) {
    auto const end = std::min(rest.find('\n'), rest.size());
    std::string holder(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!alert.task().empty()) {
      ASSIGN_OR_RETURN(auto const party, FindParty(tx, IncidentOf(alert.name()), holder));
      if (!party) continue;
    }
    holders.push_back(std::move(holder));
  }
  return holders;
}

// What an alert needs besides what it says itself.
struct Line {
  std::string subject;
  std::vector<std::string> next;
};

absl::Status Raise(WriteTransaction& tx, v1::Incident const& incident, v1::IncidentAlert& alert, Line const& line) {
  ASSIGN_OR_RETURN(auto const rule, RuleOfToday(tx));
  alert.set_name(absl::StrCat(incident.name(), "/alerts/", tx.call().NewId()));
  alert.set_subject(line.subject);
  alert.set_state(v1::ALERT_STATE_WAITING);
  *alert.mutable_due_time() = Stamp(tx.call().Now() + TimeToAnswer(rule, incident.severity()));
  RETURN_IF_ERROR(tx.Insert(alert));
  auto const key = KeyOf<v1::IncidentAlert>(alert.name());
  auto const next = absl::StrJoin(line.next, "\n");
  RETURN_IF_ERROR(tx.Enqueue(
      kStoreNext, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2]), std::string_view(next)}));
  RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_ALERT, alert.role()));
  v1::IncidentAlertRaised event;
  event.set_incident_alert(alert.name());
  event.set_role(alert.role());
  event.set_position(alert.position());
  *event.mutable_due_time() = alert.due_time();
  return tx.Append(event, incident.name(), PlanOf(incident.name()));
}

NewParty PartyOf(v1::ContingencyRole const& role, std::string const& holder) {
  return {holder, role.kind(), role.coordinates(), role.display_name()};
}

// What whoever is called next for a role is in the incident: what the plan whose roles were called says of it, and nothing that
// the one before was.
absl::Status AddHolder(WriteTransaction& tx, v1::Incident const& incident, v1::IncidentAlert const& alert,
                       std::string const& holder) {
  if (!alert.task().empty()) return absl::OkStatus();
  NewParty party{.subject = holder, .need_to_know = alert.role()};
  if (!incident.contingency_plan().empty()) {
    ASSIGN_OR_RETURN(auto const plan, LoadContingencyPlan(tx, incident.contingency_plan()));
    for (auto const& role : plan.roles()) {
      // A later plan than the one that the alert was raised by may not know the role any more.
      if (role.role() == alert.role()) party = PartyOf(role, holder);
    }
  }
  return AddParty(tx, incident.name(), party);
}

// The alert that took the place of one that was passed on, and so on.
absl::StatusOr<v1::IncidentAlert> LastInLine(ReadTransaction& tx, v1::IncidentAlert alert) {
  while (alert.state() == v1::ALERT_STATE_ESCALATED) {
    ASSIGN_OR_RETURN(auto next, tx.Get<v1::IncidentAlert>(alert.escalated_to()));
    alert = std::move(next);
  }
  return alert;
}

}  // namespace

absl::Status SettleAlert(WriteTransaction& tx, v1::IncidentAlert& alert, v1::AlertState state) {
  alert.set_state(state);
  *alert.mutable_settle_time() = Stamp(tx.call().Now());
  RETURN_IF_ERROR(tx.Update(alert));
  v1::IncidentAlertSettled event;
  event.set_incident_alert(alert.name());
  event.set_state(state);
  auto const incident = IncidentOf(alert.name());
  return tx.Append(event, incident, PlanOf(incident));
}

absl::Status SettleAlerts(WriteTransaction& tx, std::string_view incident, std::string_view task) {
  auto const key = KeyOf<v1::Incident>(incident);
  auto const rows =
      task.empty() ? tx.Query(kWaitingAlerts, {std::string_view(key[0]), std::string_view(key[1])})
                   : tx.Query(kWaitingOfTask, {std::string_view(key[0]), std::string_view(key[1]), contract::LastPart(task)});
  RETURN_IF_ERROR(rows.status());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    ASSIGN_OR_RETURN(auto alert, tx.Get<v1::IncidentAlert>(absl::StrCat(Av(incident), "/alerts/", rows->Text(row, 0))));
    bool const by_caller = alert.subject() == tx.call().identity().subject();
    RETURN_IF_ERROR(SettleAlert(tx, alert, by_caller ? v1::ALERT_STATE_ACKNOWLEDGED : v1::ALERT_STATE_MOOT));
  }
  return absl::OkStatus();
}

absl::Status RaiseAlert(WriteTransaction& tx, v1::Incident const& incident, NewAlert const& wanted) {
  if (wanted.holders.empty()) return Nobody({{"incident", incident.name()}});
  v1::IncidentAlert alert;
  alert.set_role(wanted.role);
  alert.set_task(wanted.task);
  alert.set_position(1);
  return Raise(tx, incident, alert, {wanted.holders.front(), {wanted.holders.begin() + 1, wanted.holders.end()}});
}

absl::Status CallRoles(WriteTransaction& tx, v1::Incident& incident, Call call) {
  ASSIGN_OR_RETURN(auto const plan, ContingencyPlanOfToday(tx, incident.name()));
  if (!plan) return call == Call::kOnReport ? absl::OkStatus() : Nobody({{"incident", incident.name()}});
  incident.set_contingency_plan(plan->name());
  auto const key = KeyOf<v1::Incident>(incident.name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kWaitingAlerts, {std::string_view(key[0]), std::string_view(key[1])}));
  std::set<std::string> waited_for;
  for (std::size_t row = 0; row < rows.size(); ++row) waited_for.insert(rows.Text(row, 1));
  for (auto const& role : plan->roles()) {
    if ((call == Call::kOnReport && !role.on_report()) || waited_for.contains(role.role())) continue;
    RETURN_IF_ERROR(AddParty(tx, incident.name(), PartyOf(role, role.holders(0))));
    RETURN_IF_ERROR(RaiseAlert(tx, incident, {role.role(), "", {role.holders().begin(), role.holders().end()}}));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> HasNext(ReadTransaction& tx, v1::IncidentAlert const& alert) {
  ASSIGN_OR_RETURN(auto const holders, NextHolders(tx, alert));
  return !holders.empty();
}

absl::StatusOr<v1::IncidentAlert> PassOn(WriteTransaction& tx, v1::Incident const& incident, v1::IncidentAlert alert) {
  ASSIGN_OR_RETURN(auto const holders, NextHolders(tx, alert));
  if (holders.empty()) {
    RETURN_IF_ERROR(SettleAlert(tx, alert, v1::ALERT_STATE_EXHAUSTED));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_ALERT, alert.role()));
    return alert;
  }
  RETURN_IF_ERROR(AddHolder(tx, incident, alert, holders.front()));
  v1::IncidentAlert next;
  next.set_role(alert.role());
  next.set_task(alert.task());
  next.set_position(alert.position() + 1);
  RETURN_IF_ERROR(Raise(tx, incident, next, {holders.front(), {holders.begin() + 1, holders.end()}}));
  alert.set_escalated_to(next.name());
  RETURN_IF_ERROR(SettleAlert(tx, alert, v1::ALERT_STATE_ESCALATED));
  return next;
}

absl::StatusOr<bool> IncidentService::EscalateJob(storage::Limits const& limits) {
  bool found = false;
  auto const status =
      store_.Apply(OwnContext("communications", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
        auto const now = tx.call().Now();
        ASSIGN_OR_RETURN(auto const rows, tx.Query(kAlertDue, {absl::ToUnixMicros(now)}));
        found = !rows.empty();
        if (!found) return absl::OkStatus();
        auto const incident_name = absl::StrCat("plans/", rows.Text(0, 0), "/incidents/", rows.Text(0, 1));
        ASSIGN_OR_RETURN(auto const incident, LockIncident(tx, incident_name, incident_name));
        ASSIGN_OR_RETURN(auto alert, tx.Get<v1::IncidentAlert>(absl::StrCat(incident_name, "/alerts/", rows.Text(0, 2))));
        // Answered, or passed on by another replica, while this waited for the incident.
        if (alert.state() != v1::ALERT_STATE_WAITING) return absl::OkStatus();
        return PassOn(tx, incident, std::move(alert)).status();
      });
  if (!status.ok()) return status;
  return found;
}

absl::StatusOr<v1::ListIncidentAlertsResponse> IncidentService::ListIncidentAlerts(CallContext const& call,
                                                                                   v1::ListIncidentAlertsRequest const& request) {
  return ListOfIncident<v1::ListIncidentAlertsResponse>(call, request, "incident_alerts t");
}

absl::StatusOr<v1::IncidentAlert> IncidentService::AcknowledgeIncidentAlert(CallContext const& call,
                                                                            v1::AcknowledgeIncidentAlertRequest const& request) {
  auto const name = IncidentOf(request.name());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentAlert> {
    RETURN_IF_ERROR(RequireParty(tx, name, request.name()).status());
    RETURN_IF_ERROR(LockIncident(tx, name, request.name()).status());
    ASSIGN_OR_RETURN(auto const alert, tx.Get<v1::IncidentAlert>(request.name()));
    if (alert.subject() != call.identity().subject()) {
      return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ALERT_OF_ANOTHER, "who was called answers the alert",
                   {{"alert", alert.name()}});
    }
    // Late is better than never: whoever was called after is not waited for any more.
    ASSIGN_OR_RETURN(auto last, LastInLine(tx, alert));
    if (last.state() == v1::ALERT_STATE_ACKNOWLEDGED || last.state() == v1::ALERT_STATE_MOOT) return Settled(last);
    RETURN_IF_ERROR(SettleAlert(tx, last, v1::ALERT_STATE_ACKNOWLEDGED));
    RETURN_IF_ERROR(AddToTimeline(tx, name, v1::TIMELINE_KIND_ALERT, last.role()));
    tx.AnswerIsAbout(name);
    return last;
  });
}

absl::StatusOr<v1::IncidentAlert> IncidentService::EscalateIncidentAlert(CallContext const& call,
                                                                         v1::EscalateIncidentAlertRequest const& request) {
  auto const name = IncidentOf(request.name());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentAlert> {
    RETURN_IF_ERROR(RequireParty(tx, name, request.name()).status());
    ASSIGN_OR_RETURN(auto const incident, LockIncident(tx, name, request.name()));
    ASSIGN_OR_RETURN(auto alert, tx.Get<v1::IncidentAlert>(request.name()));
    if (alert.subject() != call.identity().subject()) {
      RETURN_IF_ERROR(RequireCoordinator(tx, name, request.name()).status());
    }
    if (alert.state() != v1::ALERT_STATE_WAITING) return Settled(alert);
    ASSIGN_OR_RETURN(bool const has_next, HasNext(tx, alert));
    if (!has_next) return Nobody({{"alert", alert.name()}, {"position", absl::StrCat(alert.position())}});
    tx.AnswerIsAbout(name);
    return PassOn(tx, incident, std::move(alert));
  });
}

}  // namespace helhed::communications
