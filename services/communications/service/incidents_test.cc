#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/communications/v1/events.pb.h"
#include "helhed/communications/v1/incident_service.pb.h"
#include "services/communications/testing/answers.h"
#include "services/communications/testing/fixture.h"
#include "services/platform/base/times.h"
#include "services/platform/base/zone.h"
#include "services/platform/contract/fields.h"

namespace helhed::communications::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kPlan = "plans/amager";
constexpr auto kAcute = v1::INCIDENT_SEVERITY_ACUTE;
constexpr auto kLow = v1::INCIDENT_SEVERITY_LOW;

class IncidentTest : public CommunicationsTest {
 protected:
  std::string Leader(std::string_view subject = "lone") { return As("plan-leader", kPlan, subject); }
  std::string Staff(std::string_view subject) { return As("plan-staff", kPlan, subject); }
  std::string Partner(std::string_view subject) { return As("municipality", kPlan, subject); }

  static v1::CreateIncidentRequest Report(std::string const& id = "") {
    v1::CreateIncidentRequest request;
    request.set_parent(std::string(kPlan));
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
    request.set_parent(std::string(kPlan));
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

TEST_P(IncidentTest, LivesAsTheDomainSays) {
  auto const name = Reported("ild");
  auto incident = Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, v1::INCIDENT_SEVERITY_HIGH), Leader());
  EXPECT_EQ(incident.state(), v1::INCIDENT_STATE_TRIAGED);
  EXPECT_EQ(incident.reporter(), "bo");
  Refused<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_CLOSE, "slut"), kPrecondition,
                        "INCIDENT_STATE", Leader());
  auto const refusal = Refused<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE),
                                             kPrecondition, "INCIDENT_NOT_READY", Leader());
  EXPECT_THAT(refusal.metadata.at("missing"), HasSubstr("action plan"));
  incident =
      Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "vagt i aften"), Leader());
  EXPECT_EQ(incident.action_plan(), "vagt i aften");
  Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_MONITOR), Leader());
  incident = Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_CLOSE, "ro i gården"), Leader());
  EXPECT_EQ(incident.state(), v1::INCIDENT_STATE_CLOSED);
  EXPECT_EQ(ToIsoDate(*ToCivil(incident.retain_until_date())), ToIsoDate(absl::CivilDay(2126, 3, 1) + 730));
  auto const event = LastEvent<v1::IncidentChanged>(name);
  EXPECT_EQ(event.state(), v1::INCIDENT_STATE_CLOSED);
  EXPECT_EQ(event.former_state(), v1::INCIDENT_STATE_MONITORED);
  incident = Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_REOPEN, "ild igen"), Leader());
  EXPECT_FALSE(incident.has_retain_until_date());
  std::vector<v1::TimelineKind> kinds;
  for (auto const& entry : Timeline(name, Leader())) kinds.push_back(entry.kind());
  EXPECT_THAT(kinds, ElementsAre(v1::TIMELINE_KIND_REPORTED, v1::TIMELINE_KIND_PARTY_ADDED, v1::TIMELINE_KIND_TRIAGED,
                                 v1::TIMELINE_KIND_PARTY_ADDED, v1::TIMELINE_KIND_STEPPED, v1::TIMELINE_KIND_STEPPED,
                                 v1::TIMELINE_KIND_STEPPED, v1::TIMELINE_KIND_STEPPED));
}

TEST_P(IncidentTest, WhoIsNoPartyIsToldThatThereIsNothing) {
  auto const name = Triaged("ild");
  for (auto const& identity : {Leader("another"), Staff("karl"), Partner("kommunen"), As("operator", "", "drift")}) {
    EXPECT_THAT(Get(name, identity), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
    v1::ListIncidentsRequest list;
    list.set_parent(std::string(kPlan));
    EXPECT_THAT(ListedIn(Must<v1::ListIncidentsResponse>("IncidentService/ListIncidents", list, identity)), IsEmpty());
    v1::ListTimelineEntriesRequest timeline;
    timeline.set_parent(name);
    EXPECT_THAT(Call<v1::ListTimelineEntriesResponse>("IncidentService/ListTimelineEntries", timeline, identity),
                StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  }
  Refused<v1::Incident>("IncidentService/TriageIncident", Triage(name), kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  Refused<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_MONITOR), kAbsent, "RESOURCE_NOT_FOUND",
                        Leader("another"));
  v1::CreateTimelineEntryRequest note;
  note.set_parent(name);
  note.mutable_timeline_entry()->set_text("set");
  Refused<v1::TimelineEntry>("IncidentService/CreateTimelineEntry", note, kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  // A party from now on, and until it is removed.
  auto const party = Party(name, "kommunen", v1::PARTY_KIND_MUNICIPALITY);
  EXPECT_THAT(Get(name, Partner("kommunen")), IsOk());
  v1::DeleteIncidentPartyRequest remove;
  remove.set_name(party);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  EXPECT_THAT(Get(name, Partner("kommunen")), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(IncidentTest, APartyThatDoesNotCoordinateReadsAndWritesNotesAndNoMore) {
  auto const name = Triaged("ild");
  EXPECT_THAT(Get(name, Staff("bo")), IsOk()) << "who reported it";
  Refused<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "plan"),
                        absl::StatusCode::kPermissionDenied, "NOT_COORDINATOR", Staff("bo"));
  v1::CreateTimelineEntryRequest note;
  note.set_parent(name);
  note.mutable_timeline_entry()->set_text("Der er stille nu.");
  note.mutable_timeline_entry()->set_kind(v1::TIMELINE_KIND_PUBLISHED);
  auto const entry = Must<v1::TimelineEntry>("IncidentService/CreateTimelineEntry", note, Staff("bo"));
  EXPECT_EQ(entry.kind(), v1::TIMELINE_KIND_NOTE);
  EXPECT_EQ(entry.author(), "bo");
  EXPECT_EQ(Timeline(name, Leader()).back().text(), "Der er stille nu.");
}

TEST_P(IncidentTest, TheDeskSeesWhatWaitsAndNothingElse) {
  auto const first = Reported("foerst");
  Triaged("vurderet");
  v1::ListReportedIncidentsRequest list;
  list.set_parent(std::string(kPlan));
  EXPECT_THAT(ListedIn(Must<v1::ListReportedIncidentsResponse>("IncidentService/ListReportedIncidents", list, Leader())),
              ElementsAre("foerst"));
  EXPECT_THAT(Call<v1::ListReportedIncidentsResponse>("IncidentService/ListReportedIncidents", list, Partner("kommunen")),
              StatusCodeIs(kDenied));
}

TEST_P(IncidentTest, TheLastCoordinatorStaysAndWhoeverTakesOverStandsInTheTimeline) {
  auto const name = Triaged("ild");
  v1::ListIncidentPartiesRequest list;
  list.set_parent(name);
  list.set_filter("coordinates = true");
  auto const parties = Must<v1::ListIncidentPartiesResponse>("IncidentService/ListIncidentParties", list, Leader());
  ASSERT_THAT(parties.incident_parties(), SizeIs(1));
  v1::DeleteIncidentPartyRequest remove;
  remove.set_name(parties.incident_parties(0).name());
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, kPrecondition, "LAST_COORDINATOR", Leader());
  v1::TakeOverIncidentRequest take;
  take.set_name(name);
  take.set_party_kind(v1::PARTY_KIND_SOCIAL_PLAN);
  take.set_note("lederen er på barsel");
  EXPECT_THAT(Call<v1::Incident>("IncidentService/TakeOverIncident", take, Staff("karl")), StatusCodeIs(kDenied));
  Must<v1::Incident>("IncidentService/TakeOverIncident", take, Leader("ny"));
  EXPECT_EQ(Timeline(name, Leader("ny")).back().kind(), v1::TIMELINE_KIND_TAKEN_OVER);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader("ny"));
  EXPECT_THAT(Get(name, Leader()), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(IncidentTest, ASystemThatReportsAgainIsToldWhichItWas) {
  auto request = Report("ild");
  request.mutable_incident()->set_external_id("POL-77");
  request.set_request_id("0190a8b0-0000-7000-8000-000000000001");
  auto const name = Must<v1::Incident>("IncidentService/CreateIncident", request, As("portal", kPlan, "politi")).name();
  EXPECT_EQ(Must<v1::Incident>("IncidentService/CreateIncident", request, As("portal", kPlan, "politi")).name(), name);
  request.clear_request_id();
  request.clear_incident_id();
  auto const refusal = Refused<v1::Incident>("IncidentService/CreateIncident", request, kExists, "INCIDENT_REPORTED",
                                             As("portal", kPlan, "politi"));
  EXPECT_EQ(refusal.metadata.at("incident"), name);
  // Another system's id is another id.
  EXPECT_NE(Must<v1::Incident>("IncidentService/CreateIncident", request, As("portal", kPlan, "brand")).name(), name);
}

TEST_P(IncidentTest, TextsThatLookLikePersonsAreRefusedBeforeTheyAreStored) {
  auto request = Report();
  request.mutable_incident()->set_description("Spørg 010190-1234");
  auto refusal =
      Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, "PERSONAL_DATA_SUSPECTED", Staff("bo"));
  EXPECT_EQ(refusal.metadata.at("findings"), "incident.description 6 11 CPR_NUMBER");
  request.set_confirm_no_personal_data(true);
  Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, "PERSONAL_DATA_SUSPECTED", Staff("bo"));
  EXPECT_THAT(EverythingTold(), Not(HasSubstr("1234")));
  request.mutable_incident()->set_description("Vagtcentralen: 33 66 33 66");
  Must<v1::Incident>("IncidentService/CreateIncident", request, Staff("bo"));
  // Every text of every method.
  auto const name = Triaged("ild");
  auto const refused = [&](std::string_view method, auto call, std::string_view field) {
    EXPECT_THAT(
        Refused<v1::Incident>(absl::StrCat("IncidentService/", Av(method)), call, kInvalid, "PERSONAL_DATA_SUSPECTED", Leader())
            .metadata.at("findings"),
        ::testing::StartsWith(std::string(field)));
  };
  auto triage = Triage(name);
  triage.set_note("20304050");
  refused("TriageIncident", triage, "note ");
  refused("AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "20304050"), "note ");
  v1::PublishIncidentInformationRequest publish;
  publish.set_name(name);
  publish.set_text("Ring 20304050");
  refused("PublishIncidentInformation", publish, "text ");
  v1::CreateTimelineEntryRequest note;
  note.set_parent(name);
  note.mutable_timeline_entry()->set_text("Ring 20304050");
  Refused<v1::TimelineEntry>("IncidentService/CreateTimelineEntry", note, kInvalid, "PERSONAL_DATA_SUSPECTED", Leader());
}

TEST_P(IncidentTest, AReportIsJoinedAndBothNamesLeadToTheOne) {
  auto const target = Triaged("ild");
  auto const first = Reported("ild-2", As("portal", kPlan, "politi"));
  auto const second = Reported("ild-3", As("portal", kPlan, "brand"));
  auto const join = [&](std::string const& from, std::string const& to) {
    v1::JoinIncidentRequest request;
    request.set_name(from);
    request.set_into(to);
    return request;
  };
  Refused<v1::Incident>("IncidentService/JoinIncident", join(first, first), kInvalid, "BAD_REQUEST", Leader());
  Refused<v1::Incident>("IncidentService/JoinIncident", join(first, target), kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  EXPECT_EQ(Must<v1::Incident>("IncidentService/JoinIncident", join(second, first), Leader()).state(),
            v1::INCIDENT_STATE_DUPLICATE);
  Must<v1::Incident>("IncidentService/JoinIncident", join(first, target), Leader());
  v1::ResolveIncidentRequest resolve;
  for (auto const& [name, who] : {std::pair(first, "politi"), std::pair(second, "brand"), std::pair(target, "brand")}) {
    resolve.set_name(name);
    EXPECT_EQ(Must<v1::Incident>("IncidentService/ResolveIncident", resolve, As("portal", kPlan, who)).name(), target);
  }
  EXPECT_EQ(Get(second, As("portal", kPlan, "brand"))->duplicate_of(), target);
  // One incident is counted, not three.
  v1::ListIncidentTalliesRequest tallies;
  tallies.set_parent(std::string(kPlan));
  auto const page = Must<v1::ListIncidentTalliesResponse>("IncidentService/ListIncidentTallies", tallies, Leader());
  ASSERT_THAT(page.incident_tallies(), SizeIs(1));
  EXPECT_EQ(page.incident_tallies(0).month(), "2126-02");
  EXPECT_EQ(page.incident_tallies(0).count(), 1);
  EXPECT_EQ(page.incident_tallies(0).department(), "organisations/9001/departments/001");
  Refused<v1::Incident>("IncidentService/JoinIncident", join(target, first), kPrecondition, "INCIDENT_STATE", Leader());
}

TEST_P(IncidentTest, AcuteCallsTheRolesAndNobodyIsAnError) {
  auto const name = Reported("ild");
  auto const refusal = Refused<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), kPrecondition,
                                             "ESCALATION_TO_NOBODY", Leader());
  EXPECT_EQ(refusal.metadata.at("incident"), name);
  EnterContingency();
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), Leader());
  EXPECT_THAT(Waiting(name, Leader()), UnorderedElementsAre("vagt dora 1", "presse gerda 1"));
  EXPECT_THAT(Get(name, As("housing-organisation", kPlan, "gerda")), IsOk()) << "who is called needs to know";
  // A second judgement that is as grave calls nobody again, and one that is grave again nobody who is called still.
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), Leader());
  EXPECT_THAT(Waiting(name, Leader()), SizeIs(2));
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kLow), Leader());
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), Leader());
  EXPECT_THAT(Waiting(name, Leader()), UnorderedElementsAre("vagt dora 1", "presse gerda 1"));
  // Nor whoever has answered.
  v1::AcknowledgeIncidentAlertRequest acknowledge;
  acknowledge.set_name(Alerts(name, Leader(), "role = \"vagt\"").front().name());
  Must<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, Staff("dora"));
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), Leader());
  EXPECT_THAT(Waiting(name, Leader()), ElementsAre("presse gerda 1"));
}

TEST_P(IncidentTest, ARoleWithoutADeputyIsNoRole) {
  auto request = Contingency();
  request.mutable_contingency_plan()->mutable_roles(1)->mutable_holders()->RemoveLast();
  auto const refusal = Refused<v1::ContingencyPlan>("IncidentService/CreateContingencyPlan", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refusal.fields, ElementsAre("contingency_plan.roles[1].holders"));
  EnterContingency();
  Refused<v1::ContingencyPlan>("IncidentService/CreateContingencyPlan", Contingency(), kPrecondition, "RULE_NOT_LATER");
  v1::GetContingencyPlanRequest get;
  get.set_name("plans/amager/contingencyPlans/2126-01-01");
  auto const plan = Must<v1::ContingencyPlan>("IncidentService/GetContingencyPlan", get);
  ASSERT_THAT(plan.roles(), SizeIs(2));
  EXPECT_THAT(plan.roles(0).holders(), ElementsAre("dora", "emil", "finn"));
}

TEST_P(IncidentTest, AnAlertEscalatesOnTimeAndOnceAlsoAcrossARestart) {
  EnterContingency();
  auto const name = Reported("ild");
  EXPECT_THAT(Waiting(name, Staff("dora")), ElementsAre("vagt dora 1")) << "called on the report";
  clock().Advance(absl::Minutes(59));
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Staff("dora")), ElementsAre("vagt dora 1")) << "a minute early";
  // The service ends before the time is over and starts after it: the clock stands in the store.
  clock().Advance(absl::Seconds(59));
  Restart();
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Staff("dora")), ElementsAre("vagt dora 1"));
  clock().Advance(absl::Seconds(1));
  Restart();
  RunJob("escalate-alerts");
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Staff("emil")), ElementsAre("vagt emil 2"));
  EXPECT_THAT(Alerts(name, Staff("emil")), SizeIs(2)) << "once, however often somebody looks";
  // Nobody was there for days: the next is called when the service is back, and has the whole time to answer.
  clock().Advance(absl::Hours(72));
  Restart();
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Staff("finn")), ElementsAre("vagt finn 3"));
  EXPECT_EQ(TimeOf(Alerts(name, Staff("finn"), "state = \"ALERT_STATE_WAITING\"").front().due_time()),
            clock().Now() + absl::Hours(1));
  clock().Advance(absl::Hours(1));
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Staff("finn")), IsEmpty());
  EXPECT_EQ(Alerts(name, Staff("finn")).back().state(), v1::ALERT_STATE_EXHAUSTED);
  auto const event = LastEvent<v1::IncidentAlertSettled>(name);
  EXPECT_EQ(event.state(), v1::ALERT_STATE_EXHAUSTED);
}

TEST_P(IncidentTest, AnAnsweredAlertDoesNotEscalateAndALateAnswerEndsTheLine) {
  EnterContingency();
  auto const answered = Reported("ild");
  auto const alert = Alerts(answered, Staff("dora")).front();
  v1::AcknowledgeIncidentAlertRequest acknowledge;
  acknowledge.set_name(alert.name());
  Refused<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, absl::StatusCode::kPermissionDenied,
                             "ALERT_OF_ANOTHER", Staff("bo"));
  EXPECT_EQ(Must<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, Staff("dora")).state(),
            v1::ALERT_STATE_ACKNOWLEDGED);
  Refused<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, kPrecondition, "ALERT_SETTLED",
                             Staff("dora"));
  clock().Advance(absl::Hours(5));
  auto const late = Reported("ild-2");
  clock().Advance(absl::Hours(1));
  RunJob("escalate-alerts");
  EXPECT_THAT(Alerts(answered, Staff("dora")), SizeIs(1));
  EXPECT_THAT(Waiting(late, Staff("dora")), ElementsAre("vagt emil 2"));
  acknowledge.set_name(Alerts(late, Staff("dora")).front().name());
  EXPECT_EQ(Must<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, Staff("dora")).position(), 2);
  EXPECT_THAT(Waiting(late, Staff("dora")), IsEmpty());
}

TEST_P(IncidentTest, AnAlertPassedOnByHandGoesToTheNextAndNeverToNobody) {
  EnterContingency();
  auto const name = Triaged("ild", kAcute);
  v1::EscalateIncidentAlertRequest escalate;
  escalate.set_name(Alerts(name, Leader(), "role = \"presse\"").front().name());
  auto const next = Must<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, Leader());
  EXPECT_EQ(next.subject(), "hans");
  Refused<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, kPrecondition, "ALERT_SETTLED", Leader());
  escalate.set_name(next.name());
  auto const refusal = Refused<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, kPrecondition,
                                                  "ESCALATION_TO_NOBODY", Leader());
  EXPECT_EQ(refusal.metadata.at("alert"), next.name());
  EXPECT_EQ(refusal.metadata.at("position"), "2");
}

TEST_P(IncidentTest, ATaskHasAnOwnerAClockAndAnEnd) {
  auto const name = Triaged("ild", v1::INCIDENT_SEVERITY_HIGH);
  v1::CreateIncidentTaskRequest request;
  request.set_parent(name);
  request.set_incident_task_id("hegn");
  auto& task = *request.mutable_incident_task();
  task.set_title("Sæt hegn op");
  task.set_owner("karl");
  *task.mutable_due_time() = Stamp(clock().Now() + absl::Hours(24));
  auto refusal = Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", request, kPrecondition, "NOT_A_PARTY", Leader());
  EXPECT_EQ(refusal.metadata.at("field"), "incident_task.owner");
  task.set_owner("lone");
  Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", request, kPrecondition, "ESCALATION_TO_NOBODY", Leader());
  Party(name, "karl", v1::PARTY_KIND_SOCIAL_PLAN);
  task.set_owner("karl");
  task.add_deputies("bo");
  EXPECT_THAT(Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", request, Leader()).deputies(), ElementsAre("bo"));
  EXPECT_THAT(Waiting(name, Leader()), ElementsAre(" karl 1"));
  clock().Advance(absl::Hours(1));
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Leader()), ElementsAre(" bo 2"));
  Refused<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_MONITOR), kPrecondition, "INCIDENT_STATE",
                        Leader());
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(name + "/tasks/hegn");
  complete.set_state(v1::TASK_STATE_DONE);
  complete.set_outcome("Det står.");
  Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, absl::StatusCode::kPermissionDenied,
                            "NOT_COORDINATOR", Staff("bo"));
  EXPECT_EQ(Must<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, Staff("karl")).state(), v1::TASK_STATE_DONE);
  EXPECT_THAT(Waiting(name, Leader()), IsEmpty());
  Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, kPrecondition, "TASK_ENDED", Staff("karl"));
  v1::ListIncidentTasksRequest list;
  list.set_parent(name);
  EXPECT_THAT(
      Must<v1::ListIncidentTasksResponse>("IncidentService/ListIncidentTasks", list, Leader()).incident_tasks(0).deputies(),
      ElementsAre("bo"));
}

// Whoever is called because another did not answer gets the task and nothing that the other was.
TEST_P(IncidentTest, ATaskThatIsPassedOnMakesNobodyACoordinatorAndBringsNobodyBack) {
  auto const name = Triaged("ild");
  v1::CreateIncidentPartyRequest municipality;
  municipality.set_parent(name);
  municipality.mutable_incident_party()->set_subject("kommunen");
  municipality.mutable_incident_party()->set_kind(v1::PARTY_KIND_MUNICIPALITY);
  municipality.mutable_incident_party()->set_coordinates(true);
  municipality.mutable_incident_party()->set_need_to_know("myndighed");
  Must<v1::IncidentParty>("IncidentService/CreateIncidentParty", municipality, Leader());
  Party(name, "vicevaert", v1::PARTY_KIND_HOUSING_ORGANISATION);
  auto const removed = Party(name, "erik", v1::PARTY_KIND_SOCIAL_PLAN);
  v1::CreateIncidentTaskRequest request;
  request.set_parent(name);
  auto& task = *request.mutable_incident_task();
  task.set_title("Sæt hegn op");
  task.set_owner("kommunen");
  task.add_deputies("vicevaert");
  task.add_deputies("erik");
  *task.mutable_due_time() = Stamp(clock().Now() + absl::Hours(100));
  Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", request, Leader("kommunen"));
  clock().Advance(absl::Hours(24));
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Leader()), ElementsAre(" vicevaert 2"));
  EXPECT_THAT(Parties(name), Contains("vicevaert HOUSING_ORGANISATION"));
  v1::DeleteIncidentPartyRequest remove;
  remove.set_name(removed);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  clock().Advance(absl::Hours(24));
  RunJob("escalate-alerts");
  EXPECT_THAT(Waiting(name, Leader()), IsEmpty());
  EXPECT_EQ(Alerts(name, Leader()).back().state(), v1::ALERT_STATE_EXHAUSTED);
  EXPECT_THAT(Parties(name), UnorderedElementsAre("bo OTHER", "lone SOCIAL_PLAN coordinates", "kommunen MUNICIPALITY coordinates",
                                                  "vicevaert HOUSING_ORGANISATION"));
}

TEST_P(IncidentTest, WhoIsCalledForARoleIsWhatThePlanSaysOfTheRole) {
  auto const name = Triaged("ild");
  Party(name, "dora", v1::PARTY_KIND_POLICE);
  EnterContingency();
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), Leader());
  EXPECT_THAT(Parties(name), Contains("dora POLICE coordinates")) << "for whom she acts nobody else changes";
  v1::TakeOverIncidentRequest take;
  take.set_name(name);
  take.set_party_kind(v1::PARTY_KIND_MUNICIPALITY);
  take.set_note("på stedet");
  Must<v1::Incident>("IncidentService/TakeOverIncident", take, Leader("gerda"));
  EXPECT_THAT(Parties(name), Contains("gerda MUNICIPALITY coordinates")) << "as she says of herself";
  v1::EscalateIncidentAlertRequest escalate;
  escalate.set_name(Alerts(name, Leader(), "role = \"presse\"").front().name());
  EXPECT_EQ(Must<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, Leader()).subject(), "hans");
  EXPECT_THAT(Parties(name), Contains("hans HOUSING_ORGANISATION"));
}

TEST_P(IncidentTest, AnAlertThatNobodyHasToAnswerAnyMoreIsNotAnswered) {
  EnterContingency();
  auto const by_another = Reported("ild");
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(by_another), Leader());
  auto const alert = Alerts(by_another, Leader()).front();
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_MOOT);
  EXPECT_TRUE(alert.has_settle_time());
  v1::AcknowledgeIncidentAlertRequest acknowledge;
  acknowledge.set_name(alert.name());
  Refused<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, kPrecondition, "ALERT_SETTLED",
                             Staff("dora"));
  auto const by_herself = Reported("ild-2");
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(by_herself), Leader("dora"));
  EXPECT_EQ(Alerts(by_herself, Leader("dora")).front().state(), v1::ALERT_STATE_ACKNOWLEDGED);
}

TEST_P(IncidentTest, AnAnnexIsForItsReadersItsPurposeAndItsTime) {
  auto const name = Triaged("ild");
  Party(name, "politi", v1::PARTY_KIND_POLICE);
  auto request = Annex(name, "a");
  request.mutable_incident_annex()->add_readers("ukendt");
  auto refusal =
      Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "NOT_A_PARTY", Leader());
  EXPECT_EQ(refusal.metadata.at("field"), "incident_annex.readers[1]");
  request = Annex(name, "a");
  *request.mutable_incident_annex()->mutable_expire_time() = Stamp(clock().Now() + absl::Hours(24 * 91));
  Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "ANNEX_TOO_LONG", Leader());
  auto const created = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  EXPECT_EQ(created.content(), "") << "an answer is kept, and must not hold it";
  auto const& annex = created.name();
  EXPECT_THAT(Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), Leader()).content(),
              HasSubstr("Canarysen"));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex, "purposes/andet"), kDenied, "PURPOSE_FOREIGN",
                             Leader());
  // A party that is no reader; no party at all; a role without the permission.
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND", Staff("bo"));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND",
                             As("operator", ""));
  EXPECT_THAT(Call<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), As("portal", kPlan, "lone")),
              StatusCodeIs(kDenied));
  v1::ListAnnexAccessesRequest list;
  list.set_parent(annex);
  auto const accesses = Must<v1::ListAnnexAccessesResponse>("IncidentService/ListAnnexAccesses", list, Leader());
  ASSERT_THAT(accesses.annex_accesses(), SizeIs(1)) << "the readings that were refused showed nothing";
  EXPECT_EQ(accesses.annex_accesses(0).subject(), "lone");
  EXPECT_EQ(accesses.annex_accesses(0).purpose(), "purposes/tryghed");
  EXPECT_EQ(accesses.annex_accesses(0).case_reference(), "S-2126/17");
  EXPECT_THAT(EverythingTold(), Not(HasSubstr("Canarysen")));
  clock().Advance(absl::Hours(24 * 30));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND", Leader());
  RunJob("erase-annexes");
  EXPECT_EQ(Timeline(name, Leader()).back().kind(), v1::TIMELINE_KIND_ANNEX);
  EXPECT_EQ(Timeline(name, Leader()).back().author(), "services/communications");
}

TEST_P(IncidentTest, UnderSection115AuthoritiesExchangeAndNobodyElse) {
  auto const name = Triaged("ild");
  Party(name, "politi", v1::PARTY_KIND_POLICE);
  Party(name, "ssp", v1::PARTY_KIND_SSP);
  auto request = Annex(name, "a");
  auto& annex = *request.mutable_incident_annex();
  annex.set_basis(v1::ANNEX_BASIS_ADMINISTRATION_OF_JUSTICE_115);
  annex.clear_readers();
  annex.add_readers("ssp");
  auto refusal =
      Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "NOT_AN_AUTHORITY", Leader());
  EXPECT_EQ(refusal.metadata.at("field"), "incident_annex.basis");
  annex.add_readers("lone");
  refusal = Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "NOT_AN_AUTHORITY",
                                       Partner("politi"));
  EXPECT_EQ(refusal.metadata.at("field"), "incident_annex.readers[1]");
  annex.mutable_readers()->RemoveLast();
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, Partner("politi"));
  Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(name + "/annexes/a"), Partner("ssp"));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(name + "/annexes/a"), kAbsent, "RESOURCE_NOT_FOUND",
                             Leader());
}

TEST_P(IncidentTest, AnAnnexIsErasedByHandAndAfterThatNobodyReadsIt) {
  auto const name = Triaged("ild");
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  v1::DeleteIncidentAnnexRequest erase;
  erase.set_name(name + "/annexes/a");
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, kAbsent, "RESOURCE_NOT_FOUND",
                                   Leader("another"));
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, Leader());
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(erase.name()), kAbsent, "RESOURCE_NOT_FOUND", Leader());
}

TEST_P(IncidentTest, AnnexesAreSealedAnewWhenTheKeyChanges) {
  auto const name = Triaged("ild");
  auto const annex = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader()).name();
  auto const erased = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "b"), Leader()).name();
  v1::DeleteIncidentAnnexRequest erase;
  erase.set_name(erased);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, Leader());
  constexpr char next[] = "helhed-data-key next AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";
  Restart(absl::StrCat(next, absl::string_view(kDataKey.data(), kDataKey.size())));
  RunJob("rotate-annexes");
  // The old key is taken away.
  Restart(next);
  EXPECT_THAT(Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), Leader()).content(),
              HasSubstr("Canarysen"));
  RunJob("rotate-annexes");
}

TEST_P(IncidentTest, WhatEverybodyMayKnowIsDecidedAndCanBeTakenBack) {
  auto const name = Triaged("ild");
  v1::PublishIncidentInformationRequest publish;
  publish.set_name(name);
  publish.set_text("Der har været brand. Ingen er kommet til skade.");
  Refused<v1::Incident>("IncidentService/PublishIncidentInformation", publish, kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  EXPECT_TRUE(Must<v1::Incident>("IncidentService/PublishIncidentInformation", publish, Leader()).has_publish_time());
  EXPECT_EQ(LastEvent<v1::IncidentInformationPublished>(name).text(), publish.text());
  publish.clear_text();
  auto const back = Must<v1::Incident>("IncidentService/PublishIncidentInformation", publish, Leader());
  EXPECT_FALSE(back.has_publish_time());
  EXPECT_EQ(LastEvent<v1::IncidentInformationPublished>(name).text(), "");
}

TEST_P(IncidentTest, WhatIsOverItsRetentionIsForgottenAndOnlyThat) {
  auto report = Report("ild");
  report.set_request_id("0190a8b0-0000-7000-8000-000000000002");
  report.mutable_incident()->set_description("Beretning-Kanarie");
  Must<v1::Incident>("IncidentService/CreateIncident", report, Staff("anmelder-kanarie"));
  auto const name = std::string(kPlan) + "/incidents/ild";
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name), Leader());
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(name + "/annexes/a"), Leader());
  v1::CreateIncidentTaskRequest task;
  task.set_parent(name);
  task.set_incident_task_id("hegn");
  task.mutable_incident_task()->set_title("Tekst-Kanarie");
  task.mutable_incident_task()->set_owner("anmelder-kanarie");
  task.mutable_incident_task()->add_deputies("lone");
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now() + absl::Hours(1));
  Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, Leader());
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(name + "/tasks/hegn");
  complete.set_state(v1::TASK_STATE_CANCELLED);
  Must<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, Leader());
  for (auto const step : {v1::INCIDENT_STEP_COORDINATE, v1::INCIDENT_STEP_MONITOR, v1::INCIDENT_STEP_CLOSE}) {
    Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, step, "Tekst-Kanarie"), Leader());
  }
  auto const open = Triaged("vand");
  clock().Advance(absl::Hours(24 * 729));
  RunJob("anonymise-incidents");
  EXPECT_EQ(Get(name, Leader())->state(), v1::INCIDENT_STATE_CLOSED) << "a day early";
  EXPECT_EQ(AnswersThatHold(database(), "Kanarie"), 1);
  clock().Advance(absl::Hours(24));
  RunJob("anonymise-incidents");
  EXPECT_THAT(Get(name, Leader()), StatusIs(kAbsent, "RESOURCE_NOT_FOUND")) << "there are no parties any more";
  auto const content = Content();
  EXPECT_THAT(content, Not(HasSubstr("Kanarie")));
  EXPECT_THAT(content, Not(HasSubstr("anmelder-kanarie")));
  EXPECT_EQ(AnswersThatHold(database(), "Kanarie"), 0);
  // One row is left, and no instant in it but the beginnings of months: a day would tell which incident it was.
  std::vector<std::string> left;
  for (auto const& row : absl::StrSplit(content, '\n')) {
    if (row.find(" | ild | ") != absl::string_view::npos) left.emplace_back(row);
  }
  ASSERT_THAT(left, ElementsAre(::testing::StartsWith("incidents | ")));
  std::vector<std::int64_t> instants;
  for (auto const& column : absl::StrSplit(left[0], " | ")) {
    std::int64_t number = 0;
    if (absl::SimpleAtoi(column, &number) && number > 1'000'000'000'000) instants.push_back(number);
  }
  auto const began = [](int year, int month) {
    return absl::ToUnixMicros(absl::FromCivil(absl::CivilMonth(year, month), Copenhagen()));
  };
  EXPECT_THAT(instants, ElementsAre(began(2126, 2), began(2126, 2), began(2128, 2)));
  EXPECT_EQ(LastEvent<v1::IncidentAnonymised>(name).incident(), name);
  EXPECT_THAT(Get(open, Leader()), IsOk());
  // The call that is tried again does not bring it back.
  auto const again = Call<v1::Incident>("IncidentService/CreateIncident", report, Staff("anmelder-kanarie"));
  EXPECT_TRUE(!again.ok() || again->description().empty());
  v1::ListIncidentTalliesRequest tallies;
  tallies.set_parent(std::string(kPlan));
  EXPECT_EQ(
      Must<v1::ListIncidentTalliesResponse>("IncidentService/ListIncidentTallies", tallies, Leader()).incident_tallies(0).count(),
      2);
}

TEST_P(IncidentTest, EventsAndLogSayNothingOfWhatHappened) {
  EnterContingency();
  auto report = Report("ild");
  report.mutable_incident()->set_description("Beretning-Kanarie");
  report.mutable_incident()->set_place("Sted-Kanarie");
  report.mutable_incident()->set_external_id("Id-Kanarie");
  Must<v1::Incident>("IncidentService/CreateIncident", report, Staff("bo"));
  auto const name = std::string(kPlan) + "/incidents/ild";
  auto triage = Triage(name, kAcute);
  triage.set_note("Note-Kanarie");
  Must<v1::Incident>("IncidentService/TriageIncident", triage, Leader());
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "Plan-Kanarie"), Leader());
  clock().Advance(absl::Hours(2));
  RunJob("escalate-alerts");
  std::string told = Logged();
  for (auto const& event : Events()) told += event.ShortDebugString() + event.data().value();
  EXPECT_THAT(told, Not(HasSubstr("Kanarie")));
  EXPECT_THAT(told, Not(HasSubstr("Canarysen")));
  EXPECT_THAT(told, Not(HasSubstr("gerda"))) << "whom an alert calls";
  EXPECT_THAT(Events(), SizeIs(::testing::Ge(6)));
}

TEST_P(IncidentTest, EachStepNeedsWhatItIsAbout) {
  // Reported and judged by the same: nobody to coordinate with.
  auto const alone = Must<v1::Incident>("IncidentService/CreateIncident", Report("alene"), Leader()).name();
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(alone), Leader());
  auto const missing = [&](std::string const& name, v1::IncidentStep step, std::string const& note) {
    return Refused<v1::Incident>("IncidentService/AdvanceIncident", Step(name, step, note), kPrecondition, "INCIDENT_NOT_READY",
                                 Leader())
        .metadata.at("missing");
  };
  EXPECT_EQ(missing(alone, v1::INCIDENT_STEP_COORDINATE, "vagt"), "a party besides the coordinator");

  auto const name = Triaged("ild");
  v1::CreateIncidentTaskRequest task;
  task.set_parent(name);
  task.set_incident_task_id("hegn");
  task.mutable_incident_task()->set_title("Sæt hegn op");
  task.mutable_incident_task()->set_owner("bo");
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now());
  EXPECT_THAT(Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, kInvalid, "BAD_REQUEST", Leader()).fields,
              ElementsAre("incident_task.due_time"));
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now() + absl::Hours(1));
  Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, Leader());
  Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "vagt"), Leader());
  Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_MONITOR), Leader());
  EXPECT_EQ(missing(name, v1::INCIDENT_STEP_CLOSE, ""), "an outcome in `note`, an end of every task");
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(name + "/tasks/hegn");
  complete.set_state(v1::TASK_STATE_OPEN);
  EXPECT_THAT(
      Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, kInvalid, "BAD_REQUEST", Staff("bo")).fields,
      ElementsAre("state"));
  complete.set_state(v1::TASK_STATE_DONE);
  Must<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, Staff("bo"));
  Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_CLOSE, "ro"), Leader());
  EXPECT_EQ(missing(name, v1::INCIDENT_STEP_REOPEN, ""), "a reason in `note`");
  // Closed: no tasks, no annexes, no new judgement.
  task.set_incident_task_id("mere");
  Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, kPrecondition, "INCIDENT_STATE", Leader());
  Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), kPrecondition, "INCIDENT_STATE", Leader());
  Refused<v1::Incident>("IncidentService/TriageIncident", Triage(name), kPrecondition, "INCIDENT_STATE", Leader());
}

TEST_P(IncidentTest, NothingHasHappenedBeforeItHappens) {
  auto request = Report("ild");
  *request.mutable_incident()->mutable_occur_time() = Stamp(clock().Now() + absl::Minutes(5) + absl::Seconds(1));
  EXPECT_THAT(Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, "BAD_REQUEST", Staff("bo")).fields,
              ElementsAre("incident.occur_time"));
  *request.mutable_incident()->mutable_occur_time() = Stamp(clock().Now() + absl::Minutes(5));
  Must<v1::Incident>("IncidentService/CreateIncident", request, Staff("bo"));
}

// What is only reported is published, taken over and given to nobody.
TEST_P(IncidentTest, WhatNobodyHasJudgedIsNeitherPublishedNorTakenOver) {
  auto const name = Must<v1::Incident>("IncidentService/CreateIncident", Report("ild"), Leader()).name();
  v1::TakeOverIncidentRequest take;
  take.set_name(name);
  take.set_party_kind(v1::PARTY_KIND_SOCIAL_PLAN);
  take.set_note("lederen er på barsel");
  Refused<v1::Incident>("IncidentService/TakeOverIncident", take, kPrecondition, "INCIDENT_STATE", Leader());
  v1::PublishIncidentInformationRequest publish;
  publish.set_name(name);
  publish.set_text("Der har været brand.");
  Refused<v1::Incident>("IncidentService/PublishIncidentInformation", publish, kDenied, "NOT_COORDINATOR", Leader());
  // Who is on duty coordinates what was only reported, and publishes nothing of it either.
  EnterContingency();
  publish.set_name(Reported("ild-2"));
  Refused<v1::Incident>("IncidentService/PublishIncidentInformation", publish, kPrecondition, "INCIDENT_STATE", Leader("dora"));
  publish.set_name(name);
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name), Leader());
  Party(name, "karl", v1::PARTY_KIND_SOCIAL_PLAN);
  Refused<v1::Incident>("IncidentService/PublishIncidentInformation", publish, kDenied, "NOT_COORDINATOR", Leader("karl"));
  Refused<v1::Incident>("IncidentService/TriageIncident", Triage(name), kDenied, "NOT_COORDINATOR", Leader("karl"));
}

// Whoever handles parties and tasks coordinates; whoever reads what lies below an incident is a party.
TEST_P(IncidentTest, WhoCoordinatesDecidesWhoNeedsToKnowAndWhoDoesWhat) {
  auto const name = Triaged("ild");
  auto const karl = Party(name, "karl", v1::PARTY_KIND_SOCIAL_PLAN);
  v1::CreateIncidentPartyRequest party;
  party.set_parent(name);
  party.mutable_incident_party()->set_subject("nabo");
  party.mutable_incident_party()->set_kind(v1::PARTY_KIND_OTHER);
  party.mutable_incident_party()->set_need_to_know("bor ved siden af");
  v1::DeleteIncidentPartyRequest remove;
  remove.set_name(karl);
  v1::CreateIncidentTaskRequest task;
  task.set_parent(name);
  task.mutable_incident_task()->set_title("Sæt hegn op");
  task.mutable_incident_task()->set_owner("karl");
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now() + absl::Hours(1));
  for (auto const& [who, code, reason] :
       {std::tuple(Leader("karl"), kDenied, "NOT_COORDINATOR"), std::tuple(Leader("another"), kAbsent, "RESOURCE_NOT_FOUND")}) {
    Refused<v1::IncidentParty>("IncidentService/CreateIncidentParty", party, code, reason, who);
    Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, code, reason, who);
    Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, code, reason, who);
  }
  party.mutable_incident_party()->set_subject("karl");
  auto const there = Refused<v1::IncidentParty>("IncidentService/CreateIncidentParty", party, kExists, "PARTY_EXISTS", Leader());
  EXPECT_EQ(there.metadata.at("party"), karl);

  auto const of_task = Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, Leader()).name();
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(of_task);
  complete.set_state(v1::TASK_STATE_DONE);
  Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  auto const alert = Alerts(name, Leader()).front().name();
  v1::AcknowledgeIncidentAlertRequest acknowledge;
  acknowledge.set_name(alert);
  Refused<v1::IncidentAlert>("IncidentService/AcknowledgeIncidentAlert", acknowledge, kAbsent, "RESOURCE_NOT_FOUND",
                             Leader("another"));
  v1::EscalateIncidentAlertRequest escalate;
  escalate.set_name(alert);
  Refused<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  Refused<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, kDenied, "NOT_COORDINATOR", Staff("bo"));
  v1::ResolveIncidentRequest resolve;
  resolve.set_name(name);
  Refused<v1::Incident>("IncidentService/ResolveIncident", resolve, kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  // Who was taken out has nothing to do with it any more, whatever was his.
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, kAbsent, "RESOURCE_NOT_FOUND", Leader("karl"));
  Refused<v1::IncidentAlert>("IncidentService/EscalateIncidentAlert", escalate, kAbsent, "RESOURCE_NOT_FOUND", Leader("karl"));
}

// Each text that is stored in the open is looked at before, whoever writes it.
TEST_P(IncidentTest, NoOtherTextHoldsNumbersOfPersonsEither) {
  constexpr auto reason = "PERSONAL_DATA_SUSPECTED";
  auto const name = Triaged("ild");
  auto const reported = Reported("ild-2");
  auto request = Report();
  request.mutable_incident()->set_place("Hos 20304050");
  request.mutable_incident()->set_external_id("20304050");
  EXPECT_EQ(
      Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, reason, Staff("bo")).metadata.at("findings"),
      "incident.place 4 8 TELEPHONE_NUMBER; incident.external_id 0 8 TELEPHONE_NUMBER");
  v1::DismissIncidentRequest dismiss;
  dismiss.set_name(reported);
  dismiss.set_note("Ring 20304050");
  Refused<v1::Incident>("IncidentService/DismissIncident", dismiss, kInvalid, reason, Leader());
  v1::JoinIncidentRequest join;
  join.set_name(reported);
  join.set_into(name);
  join.set_note("Ring 20304050");
  Refused<v1::Incident>("IncidentService/JoinIncident", join, kInvalid, reason, Leader());
  v1::TakeOverIncidentRequest take;
  take.set_name(name);
  take.set_party_kind(v1::PARTY_KIND_SOCIAL_PLAN);
  take.set_note("Ring 20304050");
  Refused<v1::Incident>("IncidentService/TakeOverIncident", take, kInvalid, reason, Leader());
  v1::CreateIncidentPartyRequest party;
  party.set_parent(name);
  party.mutable_incident_party()->set_subject("nabo");
  party.mutable_incident_party()->set_kind(v1::PARTY_KIND_OTHER);
  party.mutable_incident_party()->set_need_to_know("Ring 20304050");
  Refused<v1::IncidentParty>("IncidentService/CreateIncidentParty", party, kInvalid, reason, Leader());
  v1::CreateIncidentTaskRequest task;
  task.set_parent(name);
  task.mutable_incident_task()->set_title("Ring 20304050");
  task.mutable_incident_task()->set_owner("bo");
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now() + absl::Hours(1));
  Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, kInvalid, reason, Leader());
  task.mutable_incident_task()->set_title("Ring til vagten");
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, Leader()).name());
  complete.set_state(v1::TASK_STATE_DONE);
  complete.set_outcome("Ring 20304050");
  Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, kInvalid, reason, Staff("bo"));
  auto reading = Reading(Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader()).name());
  reading.set_case_reference("010190-1234");
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", reading, kInvalid, reason, Leader());
}

TEST_P(IncidentTest, WhatEndsWaitsForNobodyAndIsForgottenInTime) {
  EnterContingency();
  auto const dismissed = Reported("falsk");
  v1::DismissIncidentRequest dismiss;
  dismiss.set_name(dismissed);
  dismiss.set_note("Et bål til Sankt Hans");
  auto const over = Must<v1::Incident>("IncidentService/DismissIncident", dismiss, Leader());
  EXPECT_EQ(ToIsoDate(*ToCivil(over.retain_until_date())), ToIsoDate(absl::CivilDay(2126, 3, 1) + 730));
  EXPECT_THAT(Waiting(dismissed, Staff("dora")), IsEmpty());
  auto const closed = Triaged("ild", kAcute);
  EXPECT_THAT(Waiting(closed, Leader()), SizeIs(2));
  for (auto const step : {v1::INCIDENT_STEP_COORDINATE, v1::INCIDENT_STEP_MONITOR, v1::INCIDENT_STEP_CLOSE}) {
    Must<v1::Incident>("IncidentService/AdvanceIncident", Step(closed, step, "ro"), Leader());
  }
  EXPECT_THAT(Waiting(closed, Leader()), IsEmpty());
  // What was judged is dismissed by nobody, and nobody else learns of it by trying.
  dismiss.set_name(closed);
  Refused<v1::Incident>("IncidentService/DismissIncident", dismiss, kPrecondition, "INCIDENT_STATE", Leader());
  Refused<v1::Incident>("IncidentService/DismissIncident", dismiss, kAbsent, "RESOURCE_NOT_FOUND", Leader("another"));
  // Nor is anything joined to what was dismissed.
  v1::JoinIncidentRequest join;
  join.set_name(Reported("ild-2"));
  join.set_into(dismissed);
  Refused<v1::Incident>("IncidentService/JoinIncident", join, kPrecondition, "INCIDENT_STATE", Staff("dora"));
}

// Whoever was taken out of the one learns nothing of it by the name of the other.
TEST_P(IncidentTest, AJoinedReportLeadsNobodyPastTheNeedToKnow) {
  auto const target = Triaged("ild");
  auto const report = Reported("ild-2", As("portal", kPlan, "politi"));
  v1::JoinIncidentRequest join;
  join.set_name(report);
  join.set_into(target);
  Must<v1::Incident>("IncidentService/JoinIncident", join, Leader());
  v1::ResolveIncidentRequest resolve;
  resolve.set_name(report);
  EXPECT_EQ(Must<v1::Incident>("IncidentService/ResolveIncident", resolve, As("portal", kPlan, "politi")).name(), target);
  v1::ListIncidentPartiesRequest list;
  list.set_parent(target);
  v1::DeleteIncidentPartyRequest remove;
  auto const parties = Must<v1::ListIncidentPartiesResponse>("IncidentService/ListIncidentParties", list, Leader());
  for (auto const& party : parties.incident_parties()) {
    if (party.subject() == "politi") remove.set_name(party.name());
  }
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  Refused<v1::Incident>("IncidentService/ResolveIncident", resolve, kAbsent, "RESOURCE_NOT_FOUND", As("portal", kPlan, "politi"));
}

TEST_P(IncidentTest, AnAnnexIsKeptForAWhileByItsAuthorAndWhoeverCoordinates) {
  auto const name = Triaged("ild");
  Party(name, "politi", v1::PARTY_KIND_POLICE);
  auto const ssp = Party(name, "ssp", v1::PARTY_KIND_SSP);
  auto request = Annex(name, "a");
  *request.mutable_incident_annex()->mutable_expire_time() = Stamp(clock().Now());
  EXPECT_THAT(
      Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kInvalid, "BAD_REQUEST", Partner("politi"))
          .fields,
      ElementsAre("incident_annex.expire_time"));
  auto const annex = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Partner("politi")).name();
  // The author sees who has read it, and does not read it again.
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND",
                             Partner("politi"));
  v1::ListAnnexAccessesRequest list;
  list.set_parent(annex);
  Must<v1::ListAnnexAccessesResponse>("IncidentService/ListAnnexAccesses", list, Partner("politi"));
  v1::DeleteIncidentAnnexRequest erase;
  erase.set_name(annex);
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, kDenied, "NOT_COORDINATOR", Partner("ssp"));
  // Who is taken out of the incident reads no more, and takes nothing back.
  auto for_ssp = Annex(name, "b");
  for_ssp.mutable_incident_annex()->add_readers("ssp");
  auto const second = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", for_ssp, Leader()).name();
  Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(second), Partner("ssp"));
  auto const own = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "c"), Partner("ssp")).name();
  v1::DeleteIncidentPartyRequest remove;
  remove.set_name(ssp);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(second), kAbsent, "RESOURCE_NOT_FOUND", Partner("ssp"));
  erase.set_name(own);
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, kAbsent, "RESOURCE_NOT_FOUND", Partner("ssp"));
  erase.set_name(annex);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, Partner("politi"));
}

TEST_P(IncidentTest, RulesAndContingencyPlansHoldFromDatesThatExistAndTakeNothingBack) {
  auto contingency = Contingency();
  contingency.set_contingency_plan_id("2126-02-30");
  EXPECT_THAT(Refused<v1::ContingencyPlan>("IncidentService/CreateContingencyPlan", contingency, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("contingency_plan_id"));
  v1::CreateIncidentRuleRequest request;
  request.set_incident_rule_id("2126-02-30");
  auto& rule = *request.mutable_incident_rule();
  rule.set_report_minutes(10);
  rule.set_acute_minutes(5);
  rule.set_high_minutes(20);
  rule.set_medium_minutes(30);
  rule.set_low_minutes(40);
  rule.set_retention_days(7);
  rule.set_annex_days_max(3);
  rule.set_source("Bestyrelsen, 12. december");
  auto const refused = [&](absl::StatusCode code, std::string_view reason) {
    return Refused<v1::IncidentRule>("IncidentService/CreateIncidentRule", request, code, reason);
  };
  EXPECT_THAT(refused(kInvalid, "BAD_REQUEST").fields, ElementsAre("incident_rule_id"));
  EXPECT_THAT(Call<v1::IncidentRule>("IncidentService/CreateIncidentRule", request, Leader()), StatusCodeIs(kDenied));
  request.set_incident_rule_id("2126-03-01");
  Must<v1::IncidentRule>("IncidentService/CreateIncidentRule", request);
  EXPECT_EQ(refused(kPrecondition, "RULE_NOT_LATER").metadata.at("latest"), "2126-03-01");
  request.set_incident_rule_id("2126-02-28");
  refused(kPrecondition, "RULE_NOT_LATER");
  // It holds from now on.
  auto const name = Closed("ild");
  EXPECT_EQ(ToIsoDate(*ToCivil(Get(name, Leader())->retain_until_date())), "2126-03-08");
}

HELHED_BOTH_ENGINES(IncidentTest);

}  // namespace
}  // namespace helhed::communications::testing
