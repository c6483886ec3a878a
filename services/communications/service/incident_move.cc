#include "services/communications/service/incident_move.h"

#include <absl/strings/str_cat.h>

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/incident.pb.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/platform/base/free_id.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// Reported, triaged, coordinated, monitored and reopened.
static_assert(v1::INCIDENT_STATE_REPORTED == 1 && v1::INCIDENT_STATE_MONITORED == 4 && v1::INCIDENT_STATE_REOPENED == 6);
Statement const kOpenIncidents("communications.open_incidents",
                               "SELECT incident FROM incidents WHERE plan = $1 AND state IN (1, 2, 3, 4, 6) ORDER BY incident");
Statement const kIdsOfIncidents("communications.ids_of_incidents",
                                "SELECT incident FROM incidents WHERE plan = $1 ORDER BY incident");
Statement const kJoinedTo("communications.incidents_joined_to",
                          "SELECT incident FROM incidents WHERE plan = $1 AND duplicate_of = $2 AND duplicate_of IS NOT NULL "
                          "ORDER BY incident");

// $1, $2 are where it comes from, $3, $4 where it goes. What the other plan has under a system's own number keeps it.
Statement const kCopyIncident(
    "communications.copy_incident",
    "INSERT INTO incidents (plan, incident, kind, occur_time, place, department, department_organisation, description, "
    "external_id, reporter, state, severity, scope, action_plan, contingency_plan, duplicate_of, public_information, "
    "publish_time, outcome, close_time, retain_until_date, timeline_count, revision, create_time, update_time) "
    "SELECT $3, $4, i.kind, i.occur_time, i.place, i.department, i.department_organisation, i.description, "
    "CASE WHEN EXISTS (SELECT 1 FROM incidents x WHERE x.plan = $3 AND x.reporter = i.reporter "
    "AND x.external_id = i.external_id) THEN NULL ELSE i.external_id END, i.reporter, i.state, i.severity, i.scope, "
    "i.action_plan, $5, $6, i.public_information, i.publish_time, i.outcome, i.close_time, i.retain_until_date, "
    "i.timeline_count, i.revision, i.create_time, i.update_time FROM incidents i WHERE i.plan = $1 AND i.incident = $2");
Statement const kCopyParties(
    "communications.copy_incident_parties",
    "INSERT INTO incident_parties (plan, incident, incident_party, subject, kind, coordinates, need_to_know, revision, "
    "create_time, update_time) SELECT $3, $4, incident_party, subject, kind, coordinates, need_to_know, revision, create_time, "
    "update_time FROM incident_parties WHERE plan = $1 AND incident = $2");
Statement const kCopyTasks(
    "communications.copy_incident_tasks",
    "INSERT INTO incident_tasks (plan, incident, incident_task, title, owner, due_time, state, outcome, assigner, revision, "
    "create_time, update_time) SELECT $3, $4, incident_task, title, owner, due_time, state, outcome, assigner, revision, "
    "create_time, update_time FROM incident_tasks WHERE plan = $1 AND incident = $2");
Statement const kCopyDeputies("communications.copy_task_deputies",
                              "INSERT INTO incident_task_deputies (plan, incident, incident_task, position, subject) "
                              "SELECT $3, $4, incident_task, position, subject FROM incident_task_deputies "
                              "WHERE plan = $1 AND incident = $2");
Statement const kCopyAlerts(
    "communications.copy_incident_alerts",
    "INSERT INTO incident_alerts (plan, incident, incident_alert, role, task, subject, position, state, due_time, settle_time, "
    "escalated_to, next_holders, revision, create_time, update_time) SELECT $3, $4, incident_alert, role, task, subject, "
    "position, state, due_time, settle_time, escalated_to, next_holders, revision, create_time, update_time "
    "FROM incident_alerts WHERE plan = $1 AND incident = $2");
Statement const kCopyTimeline(
    "communications.copy_timeline",
    "INSERT INTO timeline_entries (plan, incident, timeline_entry, kind, text, author, revision, create_time, update_time) "
    "SELECT $3, $4, timeline_entry, kind, text, author, revision, create_time, update_time FROM timeline_entries "
    "WHERE plan = $1 AND incident = $2");
Statement const kCopyAnnexes(
    "communications.copy_incident_annexes",
    "INSERT INTO incident_annexes (plan, incident, incident_annex, basis, purpose, expire_time, author, erase_time, key_id, "
    "sealed, revision, create_time, update_time) SELECT $3, $4, incident_annex, basis, purpose, expire_time, author, erase_time, "
    "key_id, sealed, revision, create_time, update_time FROM incident_annexes WHERE plan = $1 AND incident = $2");
Statement const kCopyReaders("communications.copy_annex_readers",
                             "INSERT INTO annex_readers (plan, incident, incident_annex, position, subject) "
                             "SELECT $3, $4, incident_annex, position, subject FROM annex_readers "
                             "WHERE plan = $1 AND incident = $2");
Statement const kCopyAccesses(
    "communications.copy_annex_accesses",
    "INSERT INTO annex_accesses (plan, incident, incident_annex, annex_access, subject, purpose, case_reference, trace_id, "
    "revision, create_time, update_time) SELECT $3, $4, incident_annex, annex_access, subject, purpose, case_reference, "
    "trace_id, revision, create_time, update_time FROM annex_accesses WHERE plan = $1 AND incident = $2");

Statement const kDropAccesses("communications.drop_annex_accesses",
                              "DELETE FROM annex_accesses WHERE plan = $1 AND incident = $2");
Statement const kDropReaders("communications.drop_annex_readers", "DELETE FROM annex_readers WHERE plan = $1 AND incident = $2");
Statement const kDropAnnexes("communications.drop_incident_annexes",
                             "DELETE FROM incident_annexes WHERE plan = $1 AND incident = $2");
Statement const kDropTimeline("communications.drop_timeline", "DELETE FROM timeline_entries WHERE plan = $1 AND incident = $2");
Statement const kDropAlerts("communications.drop_incident_alerts",
                            "DELETE FROM incident_alerts WHERE plan = $1 AND incident = $2");
Statement const kDropDeputies("communications.drop_task_deputies",
                              "DELETE FROM incident_task_deputies WHERE plan = $1 AND incident = $2");
Statement const kDropTasks("communications.drop_incident_tasks", "DELETE FROM incident_tasks WHERE plan = $1 AND incident = $2");
Statement const kDropParties("communications.drop_incident_parties",
                             "DELETE FROM incident_parties WHERE plan = $1 AND incident = $2");
Statement const kDropIncident("communications.drop_incident", "DELETE FROM incidents WHERE plan = $1 AND incident = $2");

Statement const kSealedOf("communications.sealed_annexes_of_incident",
                          "SELECT incident_annex, key_id, sealed FROM incident_annexes "
                          "WHERE plan = $1 AND incident = $2 AND key_id IS NOT NULL");
Statement const kReseal(
    "communications.reseal_annex",
    "UPDATE incident_annexes SET key_id = $4, sealed = $5 WHERE plan = $1 AND incident = $2 AND incident_annex = $3");

Statement const kLeads("communications.lead_to_incident",
                       "INSERT INTO moved_incidents (plan, incident, successor_plan, successor, contingency_plan) "
                       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (plan, incident) DO UPDATE SET "
                       "successor_plan = excluded.successor_plan, successor = excluded.successor");
Statement const kIsHere("communications.incident_is_here",
                        "DELETE FROM moved_incidents WHERE plan = $1 AND incident = $2 RETURNING contingency_plan");

struct Place {
  std::string plan;
  std::string id;
  friend auto operator<=>(Place const&, Place const&) = default;
};

std::string NameOf(Place const& place) { return NameIn(place.plan, "incidents", place.id); }

// Whether the incident is counted in its plan: a report that was dismissed, or joined to another, is not.
bool IsCounted(v1::Incident const& incident) {
  return incident.state() != v1::INCIDENT_STATE_DISMISSED && incident.state() != v1::INCIDENT_STATE_DUPLICATE &&
         incident.state() != v1::INCIDENT_STATE_ANONYMISED;
}

class Moving {
 public:
  Moving(WriteTransaction& tx, crypto::KeyRing const* keys) : tx_(tx), keys_(keys) {}

  // With what was joined to it, of which `place_of` says where each goes.
  template <typename PlaceOf>
  absl::Status Move(Place const& from, Place const& to, PlaceOf const& place_of) {
    ASSIGN_OR_RETURN(auto const joined, tx_.Query(kJoinedTo, {std::string_view(from.plan), std::string_view(from.id)}));
    RETURN_IF_ERROR(Copy(from, to, std::nullopt));
    for (std::size_t i = 0; i < joined.size(); ++i) {
      Place const one{from.plan, joined.Text(i, 0)};
      Place const goes = place_of(one);
      RETURN_IF_ERROR(Copy(one, goes, to.id));
      RETURN_IF_ERROR(Drop(one));
    }
    return Drop(from);
  }

 private:
  absl::Status Copy(Place const& from, Place const& to, std::optional<std::string> const& duplicate_of) {
    ASSIGN_OR_RETURN(auto incident, LockIncident(tx_, NameOf(from), NameOf(from)));
    // A contingency plan is its plan's: it is remembered where the incident was.
    ASSIGN_OR_RETURN(auto const here, tx_.Query(kIsHere, {std::string_view(to.plan), std::string_view(to.id)}));
    std::string const contingency = here.empty() || here.IsNull(0, 0) ? "" : here.Text(0, 0);
    std::string const joined = duplicate_of.value_or("");
    RETURN_IF_ERROR(tx_.Enqueue(kCopyIncident, {std::string_view(from.plan), std::string_view(from.id), std::string_view(to.plan),
                                                std::string_view(to.id), storage::OrNull(contingency), storage::OrNull(joined)}));
    for (auto const* const statement : {&kCopyParties, &kCopyTasks, &kCopyDeputies, &kCopyAlerts, &kCopyTimeline, &kCopyAnnexes,
                                        &kCopyReaders, &kCopyAccesses}) {
      RETURN_IF_ERROR(tx_.Enqueue(*statement, {std::string_view(from.plan), std::string_view(from.id), std::string_view(to.plan),
                                               std::string_view(to.id)}));
    }
    RETURN_IF_ERROR(Reseal(from, to));
    std::string const former(incident.contingency_plan().empty() ? "" : contract::LastPart(incident.contingency_plan()));
    RETURN_IF_ERROR(tx_.Enqueue(kLeads, {std::string_view(from.plan), std::string_view(from.id), std::string_view(to.plan),
                                         std::string_view(to.id), storage::OrNull(former)}));
    bool const counts = IsCounted(incident);
    if (counts) {
      RETURN_IF_ERROR(Tally(tx_, incident, -1));
    }
    incident.set_name(NameOf(to));
    if (counts) {
      RETURN_IF_ERROR(Tally(tx_, incident, 1));
    }
    RETURN_IF_ERROR(tx_.ForgetAnswers(NameOf(from)));
    return AppendIncidentChanged(tx_, incident, incident.state());
  }

  // What is sealed opens under its own name only.
  absl::Status Reseal(Place const& from, Place const& to) {
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kSealedOf, {std::string_view(from.plan), std::string_view(from.id)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (keys_ == nullptr) {
        return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ANNEXES_NOT_KEPT,
                     "annexes of an incident cannot be moved without the data keys that sealed them");
      }
      auto const bytes = rows.Blob(i, 2);
      auto const annex = absl::StrCat("/annexes/", rows.Text(i, 0));
      ASSIGN_OR_RETURN(
          auto const content,
          keys_->Open(NameOf(from) + annex, {rows.Text(i, 1), {reinterpret_cast<char const*>(bytes.data()), bytes.size()}}));
      auto const sealed = keys_->Seal(NameOf(to) + annex, content);
      RETURN_IF_ERROR(tx_.Enqueue(kReseal, {std::string_view(to.plan), std::string_view(to.id), rows.Text(i, 0),
                                            std::string_view(sealed.key_id), std::as_bytes(std::span(sealed.bytes))}));
    }
    return absl::OkStatus();
  }

  absl::Status Drop(Place const& from) {
    for (auto const* const statement : {&kDropAccesses, &kDropReaders, &kDropAnnexes, &kDropTimeline, &kDropAlerts,
                                        &kDropDeputies, &kDropTasks, &kDropParties, &kDropIncident}) {
      RETURN_IF_ERROR(tx_.Enqueue(*statement, {std::string_view(from.plan), std::string_view(from.id)}));
    }
    return absl::OkStatus();
  }

  WriteTransaction& tx_;
  crypto::KeyRing const* keys_;
};

absl::StatusOr<IdSet> TakenIn(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const ids, IdsIn(tx, kIdsOfIncidents, plan));
  return IdSet(ids.begin(), ids.end());
}

}  // namespace

absl::StatusOr<std::vector<std::string>> OpenIncidents(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto names, IdsIn(tx, kOpenIncidents, plan));
  for (auto& name : names) name = NameIn(plan, "incidents", name);
  return names;
}

absl::StatusOr<std::int64_t> MoveIncidents(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys) {
  ASSIGN_OR_RETURN(auto taken, TakenIn(tx, merging.successor));
  Moving moving(tx, keys);
  std::int64_t count = 0;
  for (auto const& plan : merging.predecessors) {
    ASSIGN_OR_RETURN(auto const open, IdsIn(tx, kOpenIncidents, plan));
    std::vector<Carry> carries;
    auto const place_of = [&](Place const& from) {
      auto const id = FreeId(from.id, plan, taken);
      carries.push_back({CarryKind::kIncident, plan, from.id, id});
      return Place{merging.successor, id};
    };
    for (auto const& id : open) {
      Place const from{plan, id};
      RETURN_IF_ERROR(moving.Move(from, place_of(from), place_of));
      ++count;
    }
    for (auto const& carry : carries) RETURN_IF_ERROR(StoreCarry(tx, merging, carry));
  }
  return count;
}

absl::StatusOr<std::int64_t> MoveIncidentsBack(WriteTransaction& tx, Merging const& merging, std::span<Carry const> carries,
                                               crypto::KeyRing const* keys) {
  std::map<std::string, IdSet> taken;
  for (auto const& plan : merging.predecessors) {
    ASSIGN_OR_RETURN(taken[plan], TakenIn(tx, plan));
  }
  std::map<std::string, Place> came_from;
  for (auto const& carry : carries) {
    if (carry.kind == CarryKind::kIncident) came_from[carry.id] = {carry.from_plan, carry.from_id};
  }
  Moving moving(tx, keys);
  std::int64_t count = 0;
  for (auto const& [id, origin] : came_from) {
    Place const from{merging.successor, id};
    auto const incident = tx.Get<v1::Incident>(NameOf(from));
    // It went back with the one that it was joined to.
    if (absl::IsNotFound(incident.status())) continue;
    RETURN_IF_ERROR(incident.status());
    if (!incident->duplicate_of().empty()) continue;
    auto const place_of = [&, &plan = origin.plan](Place const& joined) {
      auto const known = came_from.find(joined.id);
      if (known != came_from.end() && known->second.plan == plan) return known->second;
      return Place{plan, FreeId(joined.id, merging.successor, taken[plan])};
    };
    RETURN_IF_ERROR(moving.Move(from, origin, place_of));
    ++count;
  }
  return count;
}

}  // namespace helhed::communications
