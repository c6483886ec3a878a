#pragma once

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/incident_service.pb.h"
#include "services/communications/testing/fixture.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/fields.h"

namespace helhed::communications::testing {

inline constexpr std::string_view kIncidentPlan = "plans/amager";
inline constexpr auto kAcute = v1::INCIDENT_SEVERITY_ACUTE;
inline constexpr auto kLow = v1::INCIDENT_SEVERITY_LOW;

// Reports, judgements and calls as several files of tests make them: bo reports, lone judges and coordinates.
class IncidentTest : public CommunicationsTest {
 protected:
  std::string Leader(std::string_view subject = "lone") { return As("plan-leader", kIncidentPlan, subject); }
  std::string Staff(std::string_view subject) { return As("plan-staff", kIncidentPlan, subject); }
  std::string Partner(std::string_view subject) { return As("municipality", kIncidentPlan, subject); }

  static v1::CreateIncidentRequest Report(std::string const& id = "") {
    v1::CreateIncidentRequest request;
    request.set_parent(std::string(kIncidentPlan));
    request.set_incident_id(id);
    auto& incident = *request.mutable_incident();
    incident.set_kind(v1::INCIDENT_KIND_ARSON);
    *incident.mutable_occur_time() = Instant("2126-02-28T22:30:00Z");
    incident.set_place("Ved containerne på Remisevej");
    incident.set_department("organisations/9001/departments/001");
    incident.set_description("Der blev sat ild til en container.");
    return request;
  }
  std::string Reported(std::string const& id, std::string identity = "") {
    return Must<v1::Incident>("IncidentService/CreateIncident", Report(id), identity.empty() ? Staff("bo") : identity).name();
  }
  static v1::TriageIncidentRequest Triage(std::string const& name, v1::IncidentSeverity severity = kLow) {
    v1::TriageIncidentRequest request;
    request.set_name(name);
    request.set_severity(severity);
    request.set_scope(v1::INCIDENT_SCOPE_LOCAL);
    request.set_party_kind(v1::PARTY_KIND_SOCIAL_PLAN);
    return request;
  }
  // Reported by bo, judged by lone.
  std::string Triaged(std::string const& id, v1::IncidentSeverity severity = kLow) {
    auto const name = Reported(id);
    Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, severity), Leader());
    return name;
  }
  static v1::AdvanceIncidentRequest Step(std::string const& name, v1::IncidentStep step, std::string const& note = "") {
    v1::AdvanceIncidentRequest request;
    request.set_name(name);
    request.set_step(step);
    request.set_note(note);
    return request;
  }
  std::string Closed(std::string const& id) {
    auto const name = Triaged(id);
    for (auto const step : {v1::INCIDENT_STEP_COORDINATE, v1::INCIDENT_STEP_MONITOR, v1::INCIDENT_STEP_CLOSE}) {
      Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, step, "vagt på pladsen"), Leader());
    }
    return name;
  }
  std::string Party(std::string const& incident, std::string const& subject, v1::PartyKind kind) {
    v1::CreateIncidentPartyRequest request;
    request.set_parent(incident);
    request.mutable_incident_party()->set_subject(subject);
    request.mutable_incident_party()->set_kind(kind);
    request.mutable_incident_party()->set_need_to_know("er på stedet");
    return Must<v1::IncidentParty>("IncidentService/CreateIncidentParty", request, Leader()).name();
  }
  // A duty officer who is called on reports, and somebody for the press.
  static v1::CreateContingencyPlanRequest Contingency() {
    v1::CreateContingencyPlanRequest request;
    request.set_parent(std::string(kIncidentPlan));
    request.set_contingency_plan_id("2126-01-01");
    auto& plan = *request.mutable_contingency_plan();
    plan.set_display_name("Beredskabsplan");
    plan.set_source("Bestyrelsen, 12. december");
    auto& duty = *plan.add_roles();
    duty.set_role("vagt");
    duty.set_display_name("Vagthavende");
    duty.set_kind(v1::PARTY_KIND_SOCIAL_PLAN);
    duty.set_on_report(true);
    duty.set_coordinates(true);
    for (auto const* holder : {"dora", "emil", "finn"}) duty.add_holders(holder);
    auto& press = *plan.add_roles();
    press.set_role("presse");
    press.set_display_name("Presse");
    press.set_kind(v1::PARTY_KIND_HOUSING_ORGANISATION);
    for (auto const* holder : {"gerda", "hans"}) press.add_holders(holder);
    return request;
  }
  void EnterContingency() { Must<v1::ContingencyPlan>("IncidentService/CreateContingencyPlan", Contingency()); }

  std::vector<v1::IncidentAlert> Alerts(std::string const& incident, std::string const& identity,
                                        std::string const& filter = "") {
    v1::ListIncidentAlertsRequest request;
    request.set_parent(incident);
    request.set_filter(filter);
    auto const page = Must<v1::ListIncidentAlertsResponse>("IncidentService/ListIncidentAlerts", request, identity);
    return {page.incident_alerts().begin(), page.incident_alerts().end()};
  }
  // Whose alerts wait: `vagt dora 1`.
  std::vector<std::string> Waiting(std::string const& incident, std::string const& identity) {
    std::vector<std::string> waiting;
    for (auto const& alert : Alerts(incident, identity, "state = \"ALERT_STATE_WAITING\"")) {
      waiting.push_back(absl::StrCat(alert.role(), " ", alert.subject(), " ", alert.position()));
    }
    return waiting;
  }
  absl::StatusOr<v1::Incident> Get(std::string const& name, std::string const& identity) {
    v1::GetIncidentRequest request;
    request.set_name(name);
    return Call<v1::Incident>("IncidentService/GetIncident", request, identity);
  }
  // `lone SOCIAL_PLAN coordinates`; each says why it needs to know.
  std::vector<std::string> Parties(std::string const& incident) {
    v1::ListIncidentPartiesRequest request;
    request.set_parent(incident);
    std::vector<std::string> parties;
    auto const page = Must<v1::ListIncidentPartiesResponse>("IncidentService/ListIncidentParties", request, Leader());
    for (auto const& party : page.incident_parties()) {
      EXPECT_NE(party.need_to_know(), "") << party.subject();
      parties.push_back(
          absl::StrCat(party.subject(), " ", contract::EnumText(party.kind()), party.coordinates() ? " coordinates" : ""));
    }
    return parties;
  }
  std::vector<v1::TimelineEntry> Timeline(std::string const& incident, std::string const& identity) {
    v1::ListTimelineEntriesRequest request;
    request.set_parent(incident);
    auto const page = Must<v1::ListTimelineEntriesResponse>("IncidentService/ListTimelineEntries", request, identity);
    return {page.timeline_entries().begin(), page.timeline_entries().end()};
  }
  v1::CreateIncidentAnnexRequest Annex(std::string const& incident, std::string const& id) {
    v1::CreateIncidentAnnexRequest request;
    request.set_parent(incident);
    request.set_incident_annex_id(id);
    auto& annex = *request.mutable_incident_annex();
    annex.set_content("Kim Canarysen, 010190-1234, ringede 20 30 40 50");
    annex.set_basis(v1::ANNEX_BASIS_CONSENT);
    annex.set_purpose("purposes/tryghed");
    annex.add_readers("lone");
    *annex.mutable_expire_time() = Stamp(clock().Now() + absl::Hours(24 * 30));
    return request;
  }
  static v1::GetIncidentAnnexRequest Reading(std::string const& name, std::string const& purpose = "purposes/tryghed") {
    v1::GetIncidentAnnexRequest request;
    request.set_name(name);
    request.set_purpose(purpose);
    request.set_case_reference("S-2126/17");
    return request;
  }
  // What everything that is stored and told holds, but the rows of the log of events are told by Events().
  std::string EverythingTold() {
    std::string all = Content() + Logged();
    for (auto const& event : Events()) all += event.ShortDebugString() + event.data().value();
    return all;
  }
};

}  // namespace helhed::communications::testing
