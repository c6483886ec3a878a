#include "services/communications/domain/incident_life.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <set>

#include "helhed/communications/v1/errors.pb.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

absl::Status StateRefused(v1::Incident const& incident, absl::FunctionRef<bool(v1::IncidentState)> allowed) {
  std::vector<std::string> needed;
  for (int i = v1::IncidentState_MIN + 1; i <= v1::IncidentState_MAX; ++i) {
    auto const state = static_cast<v1::IncidentState>(i);
    if (allowed(state)) needed.push_back(NameOf(state));
  }
  auto const names = absl::StrJoin(needed, ", ");
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INCIDENT_STATE, "this needs the incident to be " + names,
               {{"incident", incident.name()}, {"state", NameOf(incident.state())}, {"needed", names}});
}

}  // namespace

std::optional<v1::IncidentState> After(v1::IncidentState state, v1::IncidentStep step) {
  auto const when = [](bool allowed, v1::IncidentState to) { return allowed ? std::optional(to) : std::nullopt; };
  switch (step) {
    case v1::INCIDENT_STEP_COORDINATE:
      return when(state == v1::INCIDENT_STATE_TRIAGED || state == v1::INCIDENT_STATE_REOPENED, v1::INCIDENT_STATE_COORDINATED);
    case v1::INCIDENT_STEP_MONITOR:
      return when(state == v1::INCIDENT_STATE_COORDINATED, v1::INCIDENT_STATE_MONITORED);
    case v1::INCIDENT_STEP_CLOSE:
      return when(state == v1::INCIDENT_STATE_MONITORED, v1::INCIDENT_STATE_CLOSED);
    case v1::INCIDENT_STEP_REOPEN:
      return when(state == v1::INCIDENT_STATE_CLOSED, v1::INCIDENT_STATE_REOPENED);
    default:
      return std::nullopt;
  }
}

absl::Status RequireState(v1::Incident const& incident, absl::FunctionRef<bool(v1::IncidentState)> allowed) {
  return allowed(incident.state()) ? absl::OkStatus() : StateRefused(incident, allowed);
}

absl::Status StepRefused(v1::Incident const& incident, v1::IncidentStep step) {
  return StateRefused(incident, [step](v1::IncidentState state) { return After(state, step).has_value(); });
}

bool IsOpen(v1::IncidentState state) {
  return state >= v1::INCIDENT_STATE_REPORTED && state <= v1::INCIDENT_STATE_REOPENED && state != v1::INCIDENT_STATE_CLOSED;
}

bool IsReported(v1::IncidentState state) { return state == v1::INCIDENT_STATE_REPORTED; }

bool IsUnderWay(v1::IncidentState state) { return IsOpen(state) && !IsReported(state); }

bool IsJudged(v1::IncidentState state) { return IsUnderWay(state) || state == v1::INCIDENT_STATE_CLOSED; }

absl::Duration TimeToAnswer(v1::IncidentRule const& rule, v1::IncidentSeverity severity) {
  switch (severity) {
    case v1::INCIDENT_SEVERITY_LOW:
      return absl::Minutes(rule.low_minutes());
    case v1::INCIDENT_SEVERITY_MEDIUM:
      return absl::Minutes(rule.medium_minutes());
    case v1::INCIDENT_SEVERITY_HIGH:
      return absl::Minutes(rule.high_minutes());
    case v1::INCIDENT_SEVERITY_ACUTE:
      return absl::Minutes(rule.acute_minutes());
    default:
      return absl::Minutes(rule.report_minutes());
  }
}

void Anonymise(v1::Incident& incident, absl::Time month) {
  *incident.mutable_occur_time() = Stamp(month);
  incident.clear_place();
  incident.clear_description();
  incident.clear_external_id();
  incident.clear_reporter();
  incident.clear_action_plan();
  incident.clear_contingency_plan();
  incident.clear_public_information();
  incident.clear_publish_time();
  incident.clear_outcome();
  incident.clear_close_time();
  incident.clear_retain_until_date();
  incident.set_state(v1::INCIDENT_STATE_ANONYMISED);
}

std::string MonthOf(absl::CivilDay day) { return absl::FormatCivilTime(absl::CivilMonth(day)); }

void CheckContingencyPlan(v1::ContingencyPlan const& plan, std::vector<FieldViolation>& violations) {
  std::set<std::string> roles;
  bool coordinated = false;
  for (int i = 0; i < plan.roles_size(); ++i) {
    auto const& role = plan.roles(i);
    auto const field = absl::StrCat("contingency_plan.roles[", i, "]");
    coordinated = coordinated || role.coordinates();
    if (!roles.insert(role.role()).second) violations.push_back({field + ".role", "must not come twice"});
    for (int j = 0; j < role.holders_size(); ++j) {
      auto const& holder = role.holders(j);
      if (!holder.empty() && holder.size() <= 200 && holder.find('\n') == std::string::npos) continue;
      violations.push_back({absl::StrCat(field, ".holders[", j, "]"), "must be a subject of 1 to 200 bytes on one line"});
    }
  }
  if (!coordinated) violations.push_back({"contingency_plan.roles", "one of them must coordinate"});
}

bool IsAuthority(v1::PartyKind kind) {
  return kind == v1::PARTY_KIND_MUNICIPALITY || kind == v1::PARTY_KIND_POLICE || kind == v1::PARTY_KIND_SSP;
}

std::string NameOf(v1::IncidentState state) { return v1::IncidentState_Name(state).substr(sizeof("INCIDENT_STATE_") - 1); }

}  // namespace helhed::communications
