#include "services/communications/testing/incidents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/communications/v1/events.pb.h"
#include "helhed/communications/v1/incident_service.pb.h"
#include "services/platform/base/times.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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
    list.set_parent(std::string(kIncidentPlan));
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
  list.set_parent(std::string(kIncidentPlan));
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
  auto const name = Must<v1::Incident>("IncidentService/CreateIncident", request, As("portal", kIncidentPlan, "politi")).name();
  EXPECT_EQ(Must<v1::Incident>("IncidentService/CreateIncident", request, As("portal", kIncidentPlan, "politi")).name(), name);
  request.clear_request_id();
  request.clear_incident_id();
  auto const refusal = Refused<v1::Incident>("IncidentService/CreateIncident", request, kExists, "INCIDENT_REPORTED",
                                             As("portal", kIncidentPlan, "politi"));
  EXPECT_EQ(refusal.metadata.at("incident"), name);
  // Another system's id is another id.
  EXPECT_NE(Must<v1::Incident>("IncidentService/CreateIncident", request, As("portal", kIncidentPlan, "brand")).name(), name);
}

TEST_P(IncidentTest, AReportIsJoinedAndBothNamesLeadToTheOne) {
  auto const target = Triaged("ild");
  auto const first = Reported("ild-2", As("portal", kIncidentPlan, "politi"));
  auto const second = Reported("ild-3", As("portal", kIncidentPlan, "brand"));
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
    EXPECT_EQ(Must<v1::Incident>("IncidentService/ResolveIncident", resolve, As("portal", kIncidentPlan, who)).name(), target);
  }
  EXPECT_EQ(Get(second, As("portal", kIncidentPlan, "brand"))->duplicate_of(), target);
  // One incident is counted, not three.
  v1::ListIncidentTalliesRequest tallies;
  tallies.set_parent(std::string(kIncidentPlan));
  auto const page = Must<v1::ListIncidentTalliesResponse>("IncidentService/ListIncidentTallies", tallies, Leader());
  ASSERT_THAT(page.incident_tallies(), SizeIs(1));
  EXPECT_EQ(page.incident_tallies(0).month(), "2126-02");
  EXPECT_EQ(page.incident_tallies(0).count(), 1);
  EXPECT_EQ(page.incident_tallies(0).department(), "organisations/9001/departments/001");
  Refused<v1::Incident>("IncidentService/JoinIncident", join(target, first), kPrecondition, "INCIDENT_STATE", Leader());
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

// Whoever was taken out of the one learns nothing of it by the name of the other.
TEST_P(IncidentTest, AJoinedReportLeadsNobodyPastTheNeedToKnow) {
  auto const target = Triaged("ild");
  auto const report = Reported("ild-2", As("portal", kIncidentPlan, "politi"));
  v1::JoinIncidentRequest join;
  join.set_name(report);
  join.set_into(target);
  Must<v1::Incident>("IncidentService/JoinIncident", join, Leader());
  v1::ResolveIncidentRequest resolve;
  resolve.set_name(report);
  EXPECT_EQ(Must<v1::Incident>("IncidentService/ResolveIncident", resolve, As("portal", kIncidentPlan, "politi")).name(), target);
  v1::ListIncidentPartiesRequest list;
  list.set_parent(target);
  v1::DeleteIncidentPartyRequest remove;
  auto const parties = Must<v1::ListIncidentPartiesResponse>("IncidentService/ListIncidentParties", list, Leader());
  for (auto const& party : parties.incident_parties()) {
    if (party.subject() == "politi") remove.set_name(party.name());
  }
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  Refused<v1::Incident>("IncidentService/ResolveIncident", resolve, kAbsent, "RESOURCE_NOT_FOUND",
                        As("portal", kIncidentPlan, "politi"));
}

HELHED_BOTH_ENGINES(IncidentTest);

}  // namespace
}  // namespace helhed::communications::testing
