#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/communications/v1/incident_service.pb.h"
#include "services/communications/testing/incidents.h"
#include "services/platform/base/times.h"

namespace helhed::communications::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class IncidentCallsTest : public IncidentTest {};

TEST_P(IncidentCallsTest, AcuteCallsTheRolesAndNobodyIsAnError) {
  auto const name = Reported("ild");
  auto const refusal = Refused<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), kPrecondition,
                                             "ESCALATION_TO_NOBODY", Leader());
  EXPECT_EQ(refusal.metadata.at("incident"), name);
  EnterContingency();
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name, kAcute), Leader());
  EXPECT_THAT(Waiting(name, Leader()), UnorderedElementsAre("vagt dora 1", "presse gerda 1"));
  EXPECT_THAT(Get(name, As("housing-organisation", kIncidentPlan, "gerda")), IsOk()) << "who is called needs to know";
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

TEST_P(IncidentCallsTest, ARoleWithoutADeputyIsNoRole) {
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

TEST_P(IncidentCallsTest, AnAlertEscalatesOnTimeAndOnceAlsoAcrossARestart) {
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

TEST_P(IncidentCallsTest, AnAnsweredAlertDoesNotEscalateAndALateAnswerEndsTheLine) {
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

TEST_P(IncidentCallsTest, AnAlertPassedOnByHandGoesToTheNextAndNeverToNobody) {
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

TEST_P(IncidentCallsTest, ATaskHasAnOwnerAClockAndAnEnd) {
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
TEST_P(IncidentCallsTest, ATaskThatIsPassedOnMakesNobodyACoordinatorAndBringsNobodyBack) {
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

TEST_P(IncidentCallsTest, WhoIsCalledForARoleIsWhatThePlanSaysOfTheRole) {
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

TEST_P(IncidentCallsTest, AnAlertThatNobodyHasToAnswerAnyMoreIsNotAnswered) {
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

TEST_P(IncidentCallsTest, WhatEndsWaitsForNobodyAndIsForgottenInTime) {
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

TEST_P(IncidentCallsTest, RulesAndContingencyPlansHoldFromDatesThatExistAndTakeNothingBack) {
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

HELHED_BOTH_ENGINES(IncidentCallsTest);

}  // namespace
}  // namespace helhed::communications::testing
