#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

#include "helhed/communications/v1/incident.pb.h"
#include "services/platform/base/status.h"

// The life of an incident (domain notes, 8.6), and its clocks.
namespace helhed::communications {

// Where a step leads from a state; nullopt when the state does not allow it.
std::optional<v1::IncidentState> After(v1::IncidentState state, v1::IncidentStep step);

// FAILED_PRECONDITION INCIDENT_STATE, unless the incident is in a state that is allowed. Says which it is in and which are
// needed.
absl::Status RequireState(v1::Incident const& incident, absl::FunctionRef<bool(v1::IncidentState)> allowed);
// The states from which a step may be taken, for the refusal.
absl::Status StepRefused(v1::Incident const& incident, v1::IncidentStep step);

// Whether something can still be done about it: neither closed nor dismissed, joined or anonymised.
bool IsOpen(v1::IncidentState state);
// Whether it waits to be judged.
bool IsReported(v1::IncidentState state);
// Whether it was judged and is open.
bool IsUnderWay(v1::IncidentState state);
// Whether it was judged and is open or closed, which is where it may be opened again.
bool IsJudged(v1::IncidentState state);

// How long somebody who is called has to answer. `severity` unspecified: nobody has judged it yet.
absl::Duration TimeToAnswer(v1::IncidentRule const& rule, v1::IncidentSeverity severity);

// Leaves of an incident what may be kept after its retention: kind, department, the month, severity and scope. Its name stays,
// so that what refers to it does not break, and so does what it turned out to be. `month` is when the month of the incident
// began.
void Anonymise(v1::Incident& incident, absl::Time month);

// `2026-03`.
std::string MonthOf(absl::CivilDay day);

// Adds what is wrong with a contingency plan beyond what the contract says: a role that comes twice, a holder without a name, or
// two roles and none that coordinates.
void CheckContingencyPlan(v1::ContingencyPlan const& plan, std::vector<FieldViolation>& violations);

// Whether a party of this kind is an authority in the sense of retsplejeloven § 115. The staff of a housing organisation and of a
// plan is not (domain notes, 5.4); who is neither for sure is not either.
bool IsAuthority(v1::PartyKind kind);

std::string NameOf(v1::IncidentState state);

}  // namespace helhed::communications
