#include <absl/strings/str_cat.h>

#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/incident_life.h"
#include "services/communications/service/incident_service.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"
#include "services/platform/service/requests.h"

// How reports end that are no incident of their own, and what is left of an incident when its retention is over.
namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kSubjects("communications.subjects_of_parties",
                          "SELECT subject, kind, need_to_know FROM incident_parties WHERE plan = $1 AND incident = $2");
Statement const kJoined("communications.joined_incidents",
                        "SELECT incident FROM incidents WHERE plan = $1 AND duplicate_of = $2 AND duplicate_of IS NOT NULL");
Statement const kIncidentDue(
    "communications.next_incident_to_anonymise",
    "SELECT plan, incident FROM incidents WHERE retain_until_date IS NOT NULL AND retain_until_date <= $1 "
    "ORDER BY retain_until_date, plan, incident LIMIT 1");
// What lies below an incident, what refers to something before what it refers to. The times alone would tell which week it was.
Statement const kForgetReaders("communications.forget_readers", "DELETE FROM annex_readers WHERE plan = $1 AND incident = $2");
Statement const kForgetAccesses("communications.forget_annex_accesses",
                                "DELETE FROM annex_accesses WHERE plan = $1 AND incident = $2");
Statement const kForgetAnnexes("communications.forget_annexes", "DELETE FROM incident_annexes WHERE plan = $1 AND incident = $2");
Statement const kForgetAlerts("communications.forget_alerts", "DELETE FROM incident_alerts WHERE plan = $1 AND incident = $2");
Statement const kForgetDeputies("communications.forget_deputies",
                                "DELETE FROM incident_task_deputies WHERE plan = $1 AND incident = $2");
Statement const kForgetTasks("communications.forget_tasks", "DELETE FROM incident_tasks WHERE plan = $1 AND incident = $2");
Statement const kForgetParties("communications.forget_parties", "DELETE FROM incident_parties WHERE plan = $1 AND incident = $2");
Statement const kForgetTimeline("communications.forget_timeline",
                                "DELETE FROM timeline_entries WHERE plan = $1 AND incident = $2");
Statement const kForgetTimes("communications.forget_times_of_incident",
                             "UPDATE incidents SET create_time = $3, update_time = $4, timeline_count = 0 "
                             "WHERE plan = $1 AND incident = $2");

// An incident that waits to be judged, for whoever judges. What was judged is there for its parties alone.
absl::StatusOr<v1::Incident> LockReported(WriteTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto incident, LockIncident(tx, name, name));
  if (IsReported(incident.state())) return incident;
  RETURN_IF_ERROR(RequireParty(tx, name, name).status());
  return RequireState(incident, IsReported);
}

absl::Status End(WriteTransaction& tx, v1::Incident& incident, v1::IncidentState state) {
  auto const former = incident.state();
  ASSIGN_OR_RETURN(auto const rule, RuleOfToday(tx));
  incident.set_state(state);
  *incident.mutable_close_time() = Stamp(tx.call().Now());
  *incident.mutable_retain_until_date() = ToProtoDate(tx.call().Today() + rule.retention_days());
  RETURN_IF_ERROR(SettleAlerts(tx, incident.name(), ""));
  RETURN_IF_ERROR(Tally(tx, incident, -1));
  return SaveIncident(tx, incident, former);
}

// What a report is joined to: one that the caller may know of, and that can take it.
absl::StatusOr<v1::Incident> JoinTarget(WriteTransaction& tx, v1::JoinIncidentRequest const& request) {
  ASSIGN_OR_RETURN(auto target, LockIncident(tx, request.into(), request.into()));
  if (!IsReported(target.state())) {
    RETURN_IF_ERROR(RequireParty(tx, request.into(), request.into()).status());
  }
  RETURN_IF_ERROR(RequireState(target, [](v1::IncidentState state) { return IsReported(state) || IsJudged(state); }));
  return target;
}

// Who knows of the one needs to know of the other.
absl::Status BringParties(WriteTransaction& tx, std::string const& from, std::string const& to) {
  auto const key = KeyOf<v1::Incident>(from);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kSubjects, {std::string_view(key[0]), std::string_view(key[1])}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    RETURN_IF_ERROR(
        AddParty(tx, to, {rows.Text(row, 0), static_cast<v1::PartyKind>(rows.Int64(row, 1)), false, rows.Text(row, 2)}));
  }
  return absl::OkStatus();
}

// What was joined to the one leads to the other from now on, so that a name leads there in one step. Its parties came to the one
// when it was joined, and those of them who were removed since stay away.
absl::Status RepointJoined(WriteTransaction& tx, std::string const& from, std::string const& to) {
  auto const key = KeyOf<v1::Incident>(from);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kJoined, {std::string_view(key[0]), std::string_view(key[1])}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ASSIGN_OR_RETURN(auto joined, tx.Get<v1::Incident>(absl::StrCat(PlanOf(from), "/incidents/", rows.Text(row, 0))));
    joined.set_duplicate_of(to);
    RETURN_IF_ERROR(tx.Update(joined));
  }
  return absl::OkStatus();
}

// When the month of an instant began. In March or in April is a question of Copenhagen.
absl::Time MonthBegan(absl::Time time) {
  return absl::FromCivil(absl::CivilSecond(absl::CivilMonth(DateIn(time))), Copenhagen());
}

absl::Status Forget(WriteTransaction& tx, v1::Incident& incident) {
  auto const key = KeyOf<v1::Incident>(incident.name());
  for (auto const* const statement : {&kForgetReaders, &kForgetAccesses, &kForgetAnnexes, &kForgetAlerts, &kForgetDeputies,
                                      &kForgetTasks, &kForgetParties, &kForgetTimeline}) {
    RETURN_IF_ERROR(tx.Enqueue(*statement, {std::string_view(key[0]), std::string_view(key[1])}));
  }
  RETURN_IF_ERROR(tx.ForgetAnswers(incident.name()));
  auto const month = MonthBegan(TimeOf(incident.occur_time()));
  Anonymise(incident, month);
  RETURN_IF_ERROR(tx.Update(incident));
  RETURN_IF_ERROR(tx.Enqueue(kForgetTimes, {std::string_view(key[0]), std::string_view(key[1]), absl::ToUnixMicros(month),
                                            absl::ToUnixMicros(MonthBegan(tx.call().Now()))}));
  v1::IncidentAnonymised event;
  event.set_incident(incident.name());
  return tx.Append(event, incident.name(), PlanOf(incident.name()));
}

}  // namespace

absl::StatusOr<v1::Incident> IncidentService::DismissIncident(CallContext const& call,
                                                              v1::DismissIncidentRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"note", request.note()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    ASSIGN_OR_RETURN(auto incident, LockReported(tx, request.name()));
    incident.set_outcome(request.note());
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_DISMISSED, request.note()));
    RETURN_IF_ERROR(End(tx, incident, v1::INCIDENT_STATE_DISMISSED));
    return incident;
  });
}

absl::StatusOr<v1::Incident> IncidentService::JoinIncident(CallContext const& call, v1::JoinIncidentRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"note", request.note()}}, request.confirm_no_personal_data()));
  if (PlanOf(request.into()) != PlanOf(request.name()) || request.into() == request.name()) {
    return BadRequest({{"into", "must be another incident of the same plan"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Incident> {
    // One at a time in a plan: two that are joined to each other at once would both be gone.
    RETURN_IF_ERROR(tx.Lock("join incidents " + PlanOf(request.name())));
    ASSIGN_OR_RETURN(auto incident, LockReported(tx, request.name()));
    ASSIGN_OR_RETURN(auto const target, JoinTarget(tx, request));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_JOINED, request.note()));
    RETURN_IF_ERROR(AddToTimeline(tx, target.name(), v1::TIMELINE_KIND_JOINED, request.note()));
    RETURN_IF_ERROR(BringParties(tx, incident.name(), target.name()));
    RETURN_IF_ERROR(RepointJoined(tx, incident.name(), target.name()));
    incident.set_duplicate_of(target.name());
    RETURN_IF_ERROR(End(tx, incident, v1::INCIDENT_STATE_DUPLICATE));
    return incident;
  });
}

absl::StatusOr<bool> IncidentService::AnonymiseJob(storage::Limits const& limits) {
  bool found = false;
  auto const status =
      store_.Apply(OwnContext("communications", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
        auto const today = ToIsoDate(tx.call().Today());
        ASSIGN_OR_RETURN(auto const rows, tx.Query(kIncidentDue, {std::string_view(today)}));
        found = !rows.empty();
        if (!found) return absl::OkStatus();
        auto const name = absl::StrCat("plans/", rows.Text(0, 0), "/incidents/", rows.Text(0, 1));
        ASSIGN_OR_RETURN(auto incident, LockIncident(tx, name, name));
        // Reopened, or anonymised by another replica, while this waited.
        if (!incident.has_retain_until_date()) return absl::OkStatus();
        return Forget(tx, incident);
      });
  if (!status.ok()) return status;
  return found;
}

}  // namespace helhed::communications
