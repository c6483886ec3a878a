#include "services/activities/domain/plan_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::activities {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace cv1 = common::v1;

v1::Activity ActivityNamed(std::string const& name, std::string const& title, std::string const& type = "activityTypes/x") {
  v1::Activity activity;
  activity.set_name(name);
  activity.set_display_name(title);
  activity.set_activity_type(type);
  return activity;
}

v1::Volunteer VolunteerNamed(std::string const& name, std::string const& resident) {
  v1::Volunteer volunteer;
  volunteer.set_name(name);
  volunteer.set_resident(resident);
  return volunteer;
}

v1::Clearance ClearanceOf(v1::ClearanceState state, std::string_view expires = "") {
  v1::Clearance clearance;
  clearance.set_state(state);
  if (auto const day = FromIsoDate(expires)) *clearance.mutable_expire_date() = ToProtoDate(*day);
  return clearance;
}

TEST(FindMergeConflicts, FindsActivitiesOfTheSameKindAndTitleInSeveralPlans) {
  std::vector<v1::Activity> const activities = {
      ActivityNamed("plans/b/activities/1", "Lektiecafé"),  ActivityNamed("plans/a/activities/9", "lektiecafé"),
      ActivityNamed("plans/a/activities/2", "Sy"),          ActivityNamed("plans/a/activities/3", "Sy"),
      ActivityNamed("plans/b/activities/4", "Sy", "other"),
  };
  auto const findings = FindMergeConflicts(activities, {});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind(), cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE);
  EXPECT_THAT(findings[0].subjects(), ElementsAre("plans/a/activities/9", "plans/b/activities/1"));
  EXPECT_THAT(findings[0].resolutions(), ElementsAre(cv1::MERGE_RESOLUTION_CARRY_BOTH, cv1::MERGE_RESOLUTION_CARRY_FIRST));
}

TEST(FindMergeConflicts, FindsVolunteersTwiceWithoutSayingWhoTheyAre) {
  std::vector<v1::Volunteer> const volunteers = {VolunteerNamed("plans/a/volunteers/1", "residents/r"),
                                                 VolunteerNamed("plans/b/volunteers/2", "residents/r"),
                                                 VolunteerNamed("plans/b/volunteers/3", "residents/s")};
  auto const findings = FindMergeConflicts({}, volunteers);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].subjects(), ElementsAre("plans/a/volunteers/1", "plans/b/volunteers/2"));
  EXPECT_EQ(findings[0].ShortDebugString().find("residents"), std::string::npos);
}

TEST(NotCarried, IsEverythingBehindTheFirst) {
  cv1::MergeDecision decision;
  decision.set_kind(cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE);
  decision.set_resolution(cv1::MERGE_RESOLUTION_CARRY_FIRST);
  for (auto const* name : {"a", "b", "c"}) decision.add_subjects(name);
  std::vector<cv1::MergeDecision> decisions = {decision};
  EXPECT_THAT(NotCarried(decisions), ElementsAre("b", "c"));
  decisions[0].set_resolution(cv1::MERGE_RESOLUTION_CARRY_BOTH);
  EXPECT_THAT(NotCarried(decisions), IsEmpty());
}

TEST(JoinClearances, ANoOfThePoliceStands) {
  auto const no = ClearanceOf(v1::CLEARANCE_STATE_NOT_CLEARED);
  auto const yes = ClearanceOf(v1::CLEARANCE_STATE_CLEARED, "2028-01-01");
  EXPECT_EQ(JoinClearances(no, yes).state(), v1::CLEARANCE_STATE_NOT_CLEARED);
  EXPECT_EQ(JoinClearances(yes, no).state(), v1::CLEARANCE_STATE_NOT_CLEARED);
}

TEST(JoinClearances, ElseWhatHoldsLongest) {
  auto const longer = ClearanceOf(v1::CLEARANCE_STATE_REQUESTED, "2029-01-01");
  auto const shorter = ClearanceOf(v1::CLEARANCE_STATE_CLEARED, "2028-01-01");
  auto const none = ClearanceOf(v1::CLEARANCE_STATE_NONE);
  EXPECT_EQ(ToIsoDate(*ToCivil(JoinClearances(shorter, longer).expire_date())), "2029-01-01");
  EXPECT_EQ(JoinClearances(none, shorter).state(), v1::CLEARANCE_STATE_CLEARED);
}

v1::Clearance Answered(v1::ClearanceState state, std::string_view decided, std::string_view expires = "") {
  auto clearance = ClearanceOf(state, expires);
  *clearance.mutable_decide_date() = ToProtoDate(*FromIsoDate(decided));
  clearance.set_decider("anna");
  return clearance;
}

TEST(ClearanceBack, WhatNobodyHasChangedStaysWhatThePredecessorKnew) {
  auto const none = ClearanceOf(v1::CLEARANCE_STATE_NONE);
  auto const cleared = Answered(v1::CLEARANCE_STATE_CLEARED, "2026-01-01", "2028-01-01");
  EXPECT_FALSE(ClearanceBack(cleared, cleared, cleared).has_value());
  EXPECT_FALSE(ClearanceBack(none, cleared, cleared).has_value()) << "cleared for another plan is not cleared for this one";
}

TEST(ClearanceBack, AnAnswerThatCameSinceGoesBackWhole) {
  auto before = Answered(v1::CLEARANCE_STATE_CLEARED, "2025-01-01", "2027-01-01");
  before.set_name("plans/p/clearances/v");
  before.set_clearance_order("plans/p/clearanceOrders/1");
  auto const given = Answered(v1::CLEARANCE_STATE_CLEARED, "2026-01-01", "2028-01-01");
  auto const since = Answered(v1::CLEARANCE_STATE_CLEARED, "2026-06-01", "2028-06-01");
  auto const back = ClearanceBack(before, given, since);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->name(), before.name());
  EXPECT_EQ(back->clearance_order(), before.clearance_order());
  EXPECT_EQ(ToIsoDate(*ToCivil(back->expire_date())), "2028-06-01");
  EXPECT_EQ(ToIsoDate(*ToCivil(back->decide_date())), "2026-06-01");
}

TEST(ClearanceBack, AConsentThatCameSinceGoesBackWithoutTheAnswerOfAnotherPlan) {
  auto const none = ClearanceOf(v1::CLEARANCE_STATE_NONE);
  auto const given = Answered(v1::CLEARANCE_STATE_CLEARED, "2026-01-01", "2028-01-01");
  auto since = given;
  since.set_state(v1::CLEARANCE_STATE_CONSENT_GIVEN);
  *since.mutable_consent_date() = ToProtoDate(*FromIsoDate("2026-07-01"));
  auto const back = ClearanceBack(none, given, since);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->state(), v1::CLEARANCE_STATE_CONSENT_GIVEN);
  EXPECT_TRUE(back->has_consent_date());
  EXPECT_FALSE(back->has_decide_date());
  EXPECT_FALSE(back->has_expire_date());
}

TEST(ClearanceBack, ANoStandsAndWhoLeftIsNotClearedAnyMore) {
  auto const cleared = Answered(v1::CLEARANCE_STATE_CLEARED, "2026-01-01", "2028-01-01");
  auto const refused = Answered(v1::CLEARANCE_STATE_NOT_CLEARED, "2026-02-01");
  auto const no = ClearanceBack(cleared, refused, refused);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->state(), v1::CLEARANCE_STATE_NOT_CLEARED);
  EXPECT_FALSE(no->has_expire_date());
  auto left = cleared;
  left.set_state(v1::CLEARANCE_STATE_LEFT);
  left.clear_expire_date();
  auto const gone = ClearanceBack(cleared, cleared, left);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->state(), v1::CLEARANCE_STATE_LEFT);
  EXPECT_FALSE(gone->has_expire_date());
}

}  // namespace
}  // namespace helhed::activities
