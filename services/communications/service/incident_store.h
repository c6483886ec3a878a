#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/incident.pb.h"
#include "services/communications/domain/personal_numbers.h"
#include "services/platform/service/store.h"

// An incident and what lies below it: who may know, what was done, who is called.
namespace helhed::communications {

// `plans/p/incidents/i/tasks/t` -> `plans/p/incidents/i`.
std::string IncidentOf(std::string_view name);

// INVALID_ARGUMENT PERSONAL_DATA_SUSPECTED; see domain/personal_numbers.h.
absl::Status CheckTexts(std::initializer_list<CheckedText> texts, bool confirmed);

// Keeps other writers of an incident away until the transaction ends, and returns it; NOT_FOUND for `asked_for`, or
// GONE_ON_ELSEWHERE when it has moved to another plan.
absl::StatusOr<v1::Incident> LockIncident(WriteTransaction& tx, std::string_view incident, std::string_view asked_for);

// The caller as a party of the incident; NOT_FOUND for `asked_for` when it is none, as if nothing were there; GONE_ON_ELSEWHERE
// for a party of an incident that has moved to another plan.
absl::StatusOr<v1::IncidentParty> RequireParty(ReadTransaction& tx, std::string_view incident, std::string_view asked_for);
// The same, and PERMISSION_DENIED NOT_COORDINATOR for a party that does not coordinate.
absl::StatusOr<v1::IncidentParty> RequireCoordinator(ReadTransaction& tx, std::string_view incident, std::string_view asked_for);
// The party with that subject, if there is one.
absl::StatusOr<std::optional<v1::IncidentParty>> FindParty(ReadTransaction& tx, std::string_view incident,
                                                           std::string_view subject);

// Makes somebody a party. Who is one already stays it, and coordinates from now on if that is asked for; for whom he acts is
// another one then only if he says so of himself: a kind is what lets a party exchange under § 115.
struct NewParty {
  std::string subject;
  v1::PartyKind kind = v1::PARTY_KIND_OTHER;
  bool coordinates = false;
  std::string need_to_know;
};
absl::Status AddParty(WriteTransaction& tx, std::string_view incident, NewParty const& party);

// Adds to the timeline, as the caller.
absl::Status AddToTimeline(WriteTransaction& tx, std::string_view incident, v1::TimelineKind kind, std::string_view text = "");

// The same with the number of its place and the author set in `entry`.
absl::Status EnterInTimeline(WriteTransaction& tx, std::string_view incident, v1::TimelineEntry& entry);

// Stores a changed incident and says where it is now. What is answered about it is forgotten with it.
absl::Status SaveIncident(WriteTransaction& tx, v1::Incident& incident, v1::IncidentState former);
absl::Status AppendIncidentChanged(WriteTransaction& tx, v1::Incident const& incident, v1::IncidentState former);

// The rule of today, or NO_RULE.
absl::StatusOr<v1::IncidentRule> RuleOfToday(ReadTransaction& tx);

// Adds to the counts of the incident's month, kind and department.
absl::Status Tally(WriteTransaction& tx, v1::Incident const& incident, int count);

// ---- contingency.cc

// With its roles, or NOT_FOUND.
absl::StatusOr<v1::ContingencyPlan> LoadContingencyPlan(ReadTransaction& tx, std::string_view name);
// Adds their roles to contingency plans of one plan.
absl::Status CompleteContingencyPlans(ReadTransaction& tx, std::span<v1::ContingencyPlan* const> plans);
absl::Status StoreRoles(WriteTransaction& tx, v1::ContingencyPlan const& plan);
// The one that holds today, or nullopt. `plan` is a name below the plan.
absl::StatusOr<std::optional<v1::ContingencyPlan>> ContingencyPlanOfToday(ReadTransaction& tx, std::string_view plan);

// ---- alerts.cc

// Calls the roles of the contingency plan: all that are not waited for already, or those that are called on a report. Without a
// plan nothing when it is a report, ESCALATION_TO_NOBODY when it is acute.
enum class Call { kOnReport, kAcute };
absl::Status CallRoles(WriteTransaction& tx, v1::Incident& incident, Call call);

// Calls the first of `holders`, and the others in turn if nobody answers. They are parties.
struct NewAlert {
  std::string role = "";
  std::string task = "";
  std::vector<std::string> holders;
};
absl::Status RaiseAlert(WriteTransaction& tx, v1::Incident const& incident, NewAlert const& alert);

// Passes a waiting alert on to the next in line; with nobody left it is EXHAUSTED. Whoever is called for a role becomes a party
// as the contingency plan has it; for a task only parties are called, so that whoever was removed stays it. Returns the alert
// that waits now, or the exhausted one. The incident is locked.
absl::StatusOr<v1::IncidentAlert> PassOn(WriteTransaction& tx, v1::Incident const& incident, v1::IncidentAlert alert);
// Whether somebody is left to pass it on to.
absl::StatusOr<bool> HasNext(ReadTransaction& tx, v1::IncidentAlert const& alert);

// Settles what waits, of the task or of the whole incident where `task` is empty: answered where the caller was called, MOOT
// where somebody else was.
absl::Status SettleAlerts(WriteTransaction& tx, std::string_view incident, std::string_view task);
absl::Status SettleAlert(WriteTransaction& tx, v1::IncidentAlert& alert, v1::AlertState state);

// ---- annexes.cc

// Erases the content of an annex; that there was one stays until the incident is anonymised.
absl::Status EraseAnnex(WriteTransaction& tx, v1::IncidentAnnex& annex);

}  // namespace helhed::communications
