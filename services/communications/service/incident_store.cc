#include "services/communications/service/incident_store.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/incident_life.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// SQLite has one writer.
Statement const kLockIncident("communications.lock_incident", "SELECT state FROM incidents WHERE plan = $1 AND incident = $2",
                              "SELECT state FROM incidents WHERE plan = $1 AND incident = $2 FOR NO KEY UPDATE");
Statement const kParty("communications.party_of_subject",
                       "SELECT incident_party FROM incident_parties WHERE plan = $1 AND incident = $2 AND subject = $3");
Statement const kRule("communications.incident_rule_on",
                      "SELECT incident_rule FROM incident_rules WHERE incident_rule <= $1 ORDER BY incident_rule DESC LIMIT 1");
// Taken with the row's lock, so that entries have the order in which they are written, also within one millisecond.
Statement const kNextEntry("communications.next_timeline_entry",
                           "UPDATE incidents SET timeline_count = timeline_count + 1 WHERE plan = $1 AND incident = $2 "
                           "RETURNING timeline_count");
Statement const kMakeTally(
    "communications.make_incident_tally",
    "INSERT INTO incident_tallies (plan, incident_tally, month, kind, department, department_organisation, "
    "count, revision, create_time, update_time) VALUES ($1, $2, $3, $4, $5, $6, 0, 1, $7, $7) "
    "ON CONFLICT (plan, incident_tally) DO NOTHING");
Statement const kAddToTally("communications.add_to_incident_tally",
                            "UPDATE incident_tallies SET count = count + $3, revision = revision + 1, update_time = $4 "
                            "WHERE plan = $1 AND incident_tally = $2");

}  // namespace

std::string IncidentOf(std::string_view name) {
  std::size_t end = 0;
  for (int parts = 0; parts < 4 && end != std::string_view::npos; ++parts) end = name.find('/', end + 1);
  return std::string(name.substr(0, end));
}

absl::Status CheckTexts(std::initializer_list<CheckedText> texts, bool confirmed) {
  return RefusePersonalNumbers({texts.begin(), texts.size()}, confirmed);
}

absl::StatusOr<v1::Incident> LockIncident(WriteTransaction& tx, std::string_view incident, std::string_view asked_for) {
  auto const key = KeyOf<v1::Incident>(incident);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kLockIncident, {std::string_view(key[0]), std::string_view(key[1])}));
  if (!rows.empty()) return tx.Get<v1::Incident>(incident);
  ASSIGN_OR_RETURN(auto const now, IncidentNow(tx, incident));
  return now == incident ? NotFound(asked_for) : GoneOn(incident, now);
}

absl::StatusOr<std::optional<v1::IncidentParty>> FindParty(ReadTransaction& tx, std::string_view incident,
                                                           std::string_view subject) {
  auto const key = KeyOf<v1::Incident>(incident);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kParty, {std::string_view(key[0]), std::string_view(key[1]), subject}));
  if (rows.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(auto party, tx.Get<v1::IncidentParty>(absl::StrCat(Av(incident), "/parties/", rows.Text(0, 0))));
  return party;
}

absl::StatusOr<v1::IncidentParty> RequireParty(ReadTransaction& tx, std::string_view incident, std::string_view asked_for) {
  ASSIGN_OR_RETURN(auto party, FindParty(tx, incident, tx.call().identity().subject()));
  if (party) return *std::move(party);
  // Whoever is a party of it elsewhere may know where.
  ASSIGN_OR_RETURN(auto const now, IncidentNow(tx, incident));
  if (now == incident) return NotFound(asked_for);
  ASSIGN_OR_RETURN(auto const there, FindParty(tx, now, tx.call().identity().subject()));
  return there ? GoneOn(incident, now) : NotFound(asked_for);
}

absl::StatusOr<v1::IncidentParty> RequireCoordinator(ReadTransaction& tx, std::string_view incident, std::string_view asked_for) {
  ASSIGN_OR_RETURN(auto party, RequireParty(tx, incident, asked_for));
  if (party.coordinates()) return party;
  return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NOT_COORDINATOR,
               "whoever coordinates the incident may do this", {{"incident", std::string(incident)}});
}

absl::Status AddParty(WriteTransaction& tx, std::string_view incident, NewParty const& party) {
  ASSIGN_OR_RETURN(auto const there, FindParty(tx, incident, party.subject));
  if (there) {
    if (!party.coordinates || there->coordinates()) return absl::OkStatus();
    auto changed = *there;
    changed.set_coordinates(true);
    if (party.subject == tx.call().identity().subject()) changed.set_kind(party.kind);
    return tx.Update(changed);
  }
  v1::IncidentParty added;
  added.set_name(absl::StrCat(Av(incident), "/parties/", tx.call().NewId()));
  added.set_subject(party.subject);
  added.set_kind(party.kind);
  added.set_coordinates(party.coordinates);
  added.set_need_to_know(party.need_to_know);
  RETURN_IF_ERROR(tx.Insert(added));
  return AddToTimeline(tx, incident, v1::TIMELINE_KIND_PARTY_ADDED);
}

absl::Status EnterInTimeline(WriteTransaction& tx, std::string_view incident, v1::TimelineEntry& entry) {
  auto const key = KeyOf<v1::Incident>(incident);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kNextEntry, {std::string_view(key[0]), std::string_view(key[1])}));
  if (rows.empty()) return NotFound(incident);
  entry.set_name(absl::StrFormat("%s/timelineEntries/%08d", Av(incident), rows.Int64(0, 0)));
  entry.set_author(tx.call().identity().subject());
  return tx.Insert(entry);
}

absl::Status AddToTimeline(WriteTransaction& tx, std::string_view incident, v1::TimelineKind kind, std::string_view text) {
  v1::TimelineEntry entry;
  entry.set_kind(kind);
  entry.set_text(std::string(text));
  return EnterInTimeline(tx, incident, entry);
}

absl::Status AppendIncidentChanged(WriteTransaction& tx, v1::Incident const& incident, v1::IncidentState former) {
  v1::IncidentChanged event;
  event.set_incident(incident.name());
  event.set_state(incident.state());
  event.set_former_state(former);
  event.set_severity(incident.severity());
  return tx.Append(event, incident.name(), PlanOf(incident.name()));
}

absl::Status SaveIncident(WriteTransaction& tx, v1::Incident& incident, v1::IncidentState former) {
  RETURN_IF_ERROR(tx.Update(incident));
  tx.AnswerIsAbout(incident.name());
  return AppendIncidentChanged(tx, incident, former);
}

absl::StatusOr<v1::IncidentRule> RuleOfToday(ReadTransaction& tx) {
  auto const today = ToIsoDate(tx.call().Today());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kRule, {std::string_view(today)}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_RULE, "no rule about incidents holds today",
                 {{"date", today}});
  }
  return tx.Get<v1::IncidentRule>("incidentRules/" + rows.Text(0, 0));
}

absl::Status Tally(WriteTransaction& tx, v1::Incident const& incident, int count) {
  auto const key = KeyOf<v1::Incident>(incident.name());
  auto const month = MonthOf(DateIn(TimeOf(incident.occur_time())));
  auto const id = UuidOf(absl::StrCat(month, " ", static_cast<int>(incident.kind()), " ", incident.department()));
  storage::Bind department = nullptr;
  storage::Bind organisation = nullptr;
  std::string const above(contract::ParentOf(incident.department()));
  if (!incident.department().empty()) {
    department = contract::LastPart(incident.department());
    organisation = contract::LastPart(above);
  }
  std::int64_t const now = absl::ToUnixMicros(tx.call().Now());
  RETURN_IF_ERROR(tx.Enqueue(kMakeTally, {std::string_view(key[0]), std::string_view(id), std::string_view(month),
                                          std::int64_t{incident.kind()}, department, organisation, now}));
  return tx.Enqueue(kAddToTally, {std::string_view(key[0]), std::string_view(id), std::int64_t{count}, now});
}

}  // namespace helhed::communications
