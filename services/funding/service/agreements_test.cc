#include <gmock/gmock.h>

#include "services/funding/testing/plan_life.h"

namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class AgreementsTest : public PlanLifeTest {
 protected:
  v1::Agreement On(std::string const& agreement, std::string_view date) {
    v1::GetAgreementRequest request;
    request.set_name("plans/a/agreements/" + agreement);
    *request.mutable_as_of_date() = Date(date);
    return Must<v1::Agreement>("AgreementService/GetAgreement", request);
  }
};
HELHED_BOTH_ENGINES(AgreementsTest);

TEST_P(AgreementsTest, ASubAgreementIsAnsweredAsCurrentOnADate) {
  Plan("a");
  Agree("a", "beskaeftigelse", "2022-01-01");
  auto later = VersionRequest("a", "beskaeftigelse", "2023-07-01");
  later.mutable_agreement_version()->set_goals("Flere fritidsjob.");
  auto const second = Must<v1::AgreementVersion>("AgreementService/CreateAgreementVersion", later);
  EXPECT_EQ(second.name(), "plans/a/agreements/beskaeftigelse/versions/000002");
  EXPECT_FALSE(On("beskaeftigelse", "2021-12-31").has_current_version());
  EXPECT_EQ(On("beskaeftigelse", "2022-01-01").current_version().name(), "plans/a/agreements/beskaeftigelse/versions/000001");
  EXPECT_EQ(On("beskaeftigelse", "2023-06-30").current_version().name(), "plans/a/agreements/beskaeftigelse/versions/000001");
  EXPECT_THAT(On("beskaeftigelse", "2023-07-01").current_version(), EqualsProto(second));
  EXPECT_EQ(On("beskaeftigelse", "2023-07-01").kind(), v1::AGREEMENT_KIND_SUB);
  v1::ListAgreementsRequest list;
  list.set_parent("plans/a");
  *list.mutable_as_of_date() = Date("2022-05-05");
  auto const listed = Must<v1::ListAgreementsResponse>("AgreementService/ListAgreements", list);
  ASSERT_THAT(listed.agreements(), SizeIs(1));
  EXPECT_EQ(listed.agreements(0).current_version().goals(), "Flere unge i uddannelse.");
  v1::ListAgreementVersionsRequest versions;
  versions.set_parent("plans/a/agreements/beskaeftigelse");
  EXPECT_THAT(ListedIn(Must<v1::ListAgreementVersionsResponse>("AgreementService/ListAgreementVersions", versions)),
              ElementsAre("000001", "000002"));
}

TEST_P(AgreementsTest, WhatWasInForceOnADateStaysSo) {
  Plan("a");
  Agree("a", "beskaeftigelse", "2022-01-01");
  for (auto const* date : {"2021-12-31", "2022-01-01"}) {
    EXPECT_EQ(Refused<v1::AgreementVersion>("AgreementService/CreateAgreementVersion",
                                            VersionRequest("a", "beskaeftigelse", date), kPrecondition, "VERSION_NOT_LATER")
                  .metadata.at("valid_from_date_after"),
              "2022-01-01");
  }
}

TEST_P(AgreementsTest, AChangeOfTheStrategicAgreementNeedsTheFundsApprovalOfThatVersion) {
  Plan("a");
  Agree("a", "strategic", "2022-01-01");
  auto change = VersionRequest("a", "strategic", "2023-01-01");
  auto const refused = [&] {
    return Refused<v1::AgreementVersion>("AgreementService/CreateAgreementVersion", change, kPrecondition,
                                         "FUND_APPROVAL_NEEDED");
  };
  EXPECT_EQ(refused().metadata.at("subject"), "plans/a/agreements/strategic/versions/000002");
  change.mutable_agreement_version()->set_approval("plans/a/approvals/none");
  refused();
  change.mutable_agreement_version()->set_approval(Approve("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL).name());
  refused();
  change.mutable_agreement_version()->set_approval(
      Approve("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL, "", "plans/a/agreements/strategic/versions/000002").name());
  Must<v1::AgreementVersion>("AgreementService/CreateAgreementVersion", change);
  *change.mutable_agreement_version()->mutable_valid_from_date() = Date("2024-01-01");
  refused();
}

TEST_P(AgreementsTest, AnAgreementIsTheStrategicOneOrOfAChosenFocusArea) {
  Plan("a");
  v1::CreateAgreementRequest request;
  request.set_parent("plans/a");
  request.set_agreement_id("sundhed");
  request.mutable_agreement()->set_display_name("Sundhed");
  EXPECT_THAT(Refused<v1::Agreement>("AgreementService/CreateAgreement", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("agreement_id"));
}

TEST_P(AgreementsTest, AMilestoneIsDueWithinThePlan) {
  Plan("a");
  v1::CreateMilestoneRequest request;
  request.set_parent("plans/a");
  request.set_milestone_id("m");
  request.mutable_milestone()->set_display_name("50 unge i fritidsjob");
  request.mutable_milestone()->set_focus_area("beskaeftigelse");
  *request.mutable_milestone()->mutable_due_date() = Date("2026-01-01");
  Refused<v1::Milestone>("AgreementService/CreateMilestone", request, kPrecondition, "OUTSIDE_PLAN");
  *request.mutable_milestone()->mutable_due_date() = Date("2025-12-31");
  auto const created = Must<v1::Milestone>("AgreementService/CreateMilestone", request);
  EXPECT_THAT(LastEvent<v1::MilestoneChanged>("plans/a/milestones/m").milestone(), EqualsProto(created));
  v1::UpdateMilestoneRequest update;
  update.mutable_milestone()->set_name(created.name());
  *update.mutable_milestone()->mutable_reach_date() = Date("2126-03-02");
  update.mutable_milestone()->set_focus_area("sundhed");
  EXPECT_THAT(Refused<v1::Milestone>("AgreementService/UpdateMilestone", update, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("milestone.focus_area", "milestone.reach_date"));
  update.mutable_milestone()->clear_focus_area();
  *update.mutable_milestone()->mutable_reach_date() = Date("2025-11-01");
  auto const reached = Must<v1::Milestone>("AgreementService/UpdateMilestone", update);
  EXPECT_EQ(reached.focus_area(), "beskaeftigelse");
  EXPECT_EQ(ToCivil(reached.reach_date()), absl::CivilDay(2025, 11, 1));
}

// A department in two plans at a time is a warning, and hinders nothing.
TEST_P(AgreementsTest, ADepartmentThatTwoRunningPlansCoverIsWarnedAbout) {
  Plan("a");
  Cover("a", "9001", "001", 100);
  Cover("a", "9001", "002", 100);
  Plan("b");
  auto covered = CoverRequest("b", "9001", "001", 100);
  *covered.mutable_covered_department()->mutable_period() = Range("2024-01-01", "2026-01-01");
  Must<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", covered);
  EXPECT_EQ(Missing("a").warnings_size(), 0) << "an idea covers nobody yet";
  static_assert(v1::PLAN_STATE_ACTIVE == 11);
  static storage::Statement const run("test.run_plan", "UPDATE plans SET state = 11 WHERE plan = 'b'");
  ASSERT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(run, {}).status(); }), IsOk());
  auto const warned = Missing("a");
  ASSERT_EQ(warned.warnings_size(), 1);
  EXPECT_EQ(warned.warnings(0).kind(), v1::MISSING_KIND_COVERED_TWICE);
  EXPECT_EQ(warned.warnings(0).subject(), "plans/a/coveredDepartments/9001-001");
  EXPECT_EQ(warned.warnings(0).organisation(), "organisations/9001");
  EXPECT_EQ(warned.missing_size(), Missing("a").missing_size());
  // On other days there is nothing to warn about, nor when it is left out.
  v1::UpdateCoveredDepartmentRequest update;
  update.mutable_covered_department()->set_name("plans/a/coveredDepartments/9001-001");
  *update.mutable_covered_department()->mutable_period() = Range("2022-01-01", "2024-01-01");
  Must<v1::CoveredDepartment>("CoverageService/UpdateCoveredDepartment", update);
  EXPECT_EQ(Missing("a").warnings_size(), 0);
}

TEST_P(AgreementsTest, ADepartmentIsCoveredWithinThePlan) {
  Plan("a");
  auto request = CoverRequest("a", "9003", "022", 120);
  *request.mutable_covered_department()->mutable_period() = Range("2021-12-31", "2024-01-01");
  Refused<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", request, kPrecondition, "OUTSIDE_PLAN");
  *request.mutable_covered_department()->mutable_period() = Range("2022-01-01", "2024-01-01");
  auto const covered = Must<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", request);
  EXPECT_EQ(covered.name(), "plans/a/coveredDepartments/9003-022");
  EXPECT_EQ(LastEvent<v1::CoverageChanged>(covered.name()).dwelling_count(), 120);
  Refused<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", request, kExists, "RESOURCE_EXISTS");
  // The plan cannot leave the department's period behind.
  v1::UpdatePlanRequest update;
  update.mutable_plan()->set_name("plans/a");
  *update.mutable_plan()->mutable_period() = Range("2022-06-01", "2026-01-01");
  EXPECT_EQ(Refused<v1::Plan>("PlanService/UpdatePlan", update, kPrecondition, "OUTSIDE_PLAN").metadata.at("resource"),
            covered.name());
  v1::ListCoveredDepartmentsRequest list;
  list.set_parent("plans/a");
  EXPECT_THAT(ListedIn(Must<v1::ListCoveredDepartmentsResponse>("CoverageService/ListCoveredDepartments", list)),
              ElementsAre("9003-022"));
  list.set_parent("plans/b");
  Refused<v1::ListCoveredDepartmentsResponse>("CoverageService/ListCoveredDepartments", list, kAbsent, "RESOURCE_NOT_FOUND");
}

}  // namespace
}  // namespace helhed::funding::testing
