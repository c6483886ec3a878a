#include <gmock/gmock.h>

#include "services/activities/testing/fixture.h"

namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_P(ActivitiesTest, KeepsWhatAnActivityIs) {
  Draft("other");
  auto request = ActivityRequest("lektier", 30);
  auto& given = *request.mutable_activity();
  given.set_age_min(10);
  given.set_age_max(16);
  given.set_place("Biblioteket");
  given.set_target_group("Børn i 4. til 9. klasse");
  given.set_department("organisations/9003/departments/022");
  auto& partner = *given.add_partners();
  partner.set_kind(v1::PARTNER_KIND_SCHOOL);
  partner.set_display_name("Skolen på Islands Brygge");
  given.add_languages("da");
  given.add_languages("ar");
  auto const entered = Must<v1::Activity>("ActivityService/CreateActivity", request);
  EXPECT_EQ(entered.focus_area(), "uddannelse-livschancer");
  EXPECT_EQ(entered.state(), v1::ACTIVITY_STATE_DRAFT);
  v1::GetActivityRequest get;
  get.set_name("plans/amager/activities/lektier");
  auto const read = Must<v1::Activity>("ActivityService/GetActivity", get);
  EXPECT_THAT(read, EqualsProto(entered));
  EXPECT_THAT(read.languages(), ElementsAre("da", "ar"));
  EXPECT_EQ(LastEvent<v1::ActivityChanged>("plans/amager/activities/lektier").state(), v1::ACTIVITY_STATE_DRAFT);

  v1::ListActivitiesRequest list;
  list.set_parent("plans/amager");
  EXPECT_THAT(ListedIn(Must<v1::ListActivitiesResponse>("ActivityService/ListActivities", list)),
              ElementsAre("lektier", "other"));
  list.set_filter("department = \"organisations/9003/departments/022\"");
  EXPECT_THAT(ListedIn(Must<v1::ListActivitiesResponse>("ActivityService/ListActivities", list)), ElementsAre("lektier"));
}

TEST_P(ActivitiesTest, RefusesWhatAnActivityCannotBe) {
  Draft("a");
  auto request = ActivityRequest("b");
  request.mutable_activity()->set_capacity(-1);
  EXPECT_THAT(Refused<v1::Activity>("ActivityService/CreateActivity", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("activity.capacity"));
  request = ActivityRequest("b");
  request.mutable_activity()->set_sub_goal("plans/other/subGoals/sprog");
  request.mutable_activity()->set_activity_type("activityTypes/none");
  request.mutable_activity()->set_age_min(10);
  request.mutable_activity()->set_age_max(9);
  EXPECT_THAT(Refused<v1::Activity>("ActivityService/CreateActivity", request, kInvalid, "BAD_REQUEST").fields,
              UnorderedElementsAre("activity.age_max", "activity.sub_goal", "activity.activity_type"));
  request = ActivityRequest("b");
  request.mutable_activity()->set_activity_type("activityTypes/familieraadgivning");
  request.mutable_activity()->set_open_to_all(true);
  Refused<v1::Activity>("ActivityService/CreateActivity", request, kPrecondition, "CONFIDENTIAL_NOT_PUBLIC");
  Refused<v1::Activity>("ActivityService/CreateActivity", ActivityRequest("a"), kExists, "RESOURCE_EXISTS");
}

TEST_P(ActivitiesTest, LivesAsTheDomainSays) {
  auto const name = Draft("a").name();
  Advance(name, v1::ACTIVITY_STEP_PLAN);
  Advance(name, v1::ACTIVITY_STEP_OPEN);
  EXPECT_EQ(Advance(name, v1::ACTIVITY_STEP_PAUSE).state(), v1::ACTIVITY_STATE_PAUSED);
  EXPECT_EQ(Advance(name, v1::ACTIVITY_STEP_RESUME).state(), v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP);
  EXPECT_EQ(Advance(name, v1::ACTIVITY_STEP_START).state(), v1::ACTIVITY_STATE_RUNNING);
  v1::AdvanceActivityRequest request;
  request.set_name(name);
  request.set_step(v1::ACTIVITY_STEP_REPORT);
  EXPECT_EQ(
      Refused<v1::Activity>("ActivityService/AdvanceActivity", request, kPrecondition, "STEP_NOT_ALLOWED").metadata["allowed"],
      "COMPLETE, PAUSE, CANCEL");
  request.set_step(v1::ACTIVITY_STEP_CANCEL);
  EXPECT_THAT(Refused<v1::Activity>("ActivityService/AdvanceActivity", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("reason"));
  Advance(name, v1::ACTIVITY_STEP_COMPLETE);
  EXPECT_EQ(Advance(name, v1::ACTIVITY_STEP_REPORT).state(), v1::ACTIVITY_STATE_REPORTED);
  v1::UpdateActivityRequest update;
  update.mutable_activity()->set_name(name);
  update.mutable_activity()->set_place("x");
  Refused<v1::Activity>("ActivityService/UpdateActivity", update, kPrecondition, "ACTIVITY_CLOSED");
}

TEST_P(ActivitiesTest, AProposalBecomesAnActivityAfterReview) {
  Draft("a");
  v1::CreateProposalRequest request;
  request.set_parent("plans/amager");
  request.set_proposal_id("kor");
  auto& given = *request.mutable_proposal();
  given.set_display_name("Et kor");
  given.set_description("Vi vil gerne synge sammen");
  given.set_proposer_kind(v1::PROPOSER_KIND_RESIDENT);
  given.set_resident("residents/018f0000-0000-7000-8000-000000000001");
  auto const proposal = Must<v1::Proposal>("ActivityService/CreateProposal", request);
  EXPECT_EQ(proposal.state(), v1::PROPOSAL_STATE_SUBMITTED);

  v1::AcceptProposalRequest accept;
  accept.set_name(proposal.name());
  accept.set_activity_id("kor");
  *accept.mutable_activity() = ActivityRequest("kor").activity();
  auto const accepted = Must<v1::Proposal>("ActivityService/AcceptProposal", accept);
  EXPECT_EQ(accepted.activity(), "plans/amager/activities/kor");
  v1::GetActivityRequest get;
  get.set_name(accepted.activity());
  EXPECT_EQ(Must<v1::Activity>("ActivityService/GetActivity", get).description(), "Vi vil gerne synge sammen");

  v1::WithdrawProposalRequest withdraw;
  withdraw.set_name(proposal.name());
  EXPECT_EQ(
      Refused<v1::Proposal>("ActivityService/WithdrawProposal", withdraw, kPrecondition, "PROPOSAL_REVIEWED").metadata["state"],
      "ACCEPTED");
}

TEST_P(ActivitiesTest, RulesAreOnlyEnteredForLater) {
  v1::CreateActivityRuleRequest request;
  request.set_activity_rule_id("2126-02-01");
  auto& rule = *request.mutable_activity_rule();
  rule.set_purpose("purposes/activities");
  rule.set_guardian_consent_age(13);
  rule.set_offer_hours(24);
  rule.set_child_age(15);
  rule.set_clearance_months(12);
  rule.set_clearance_order_max(50);
  rule.set_source("Bestyrelsens beslutning");
  Must<v1::ActivityRule>("ActivityService/CreateActivityRule", request);
  request.set_activity_rule_id("2126-01-01");
  Refused<v1::ActivityRule>("ActivityService/CreateActivityRule", request, kPrecondition, "RULE_NOT_LATER");
}

HELHED_BOTH_ENGINES(ActivitiesTest);

}  // namespace
}  // namespace helhed::activities::testing
