#include <gmock/gmock.h>

#include "services/funding/testing/plan_life.h"

namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PlanStepsTest : public PlanLifeTest {
 protected:
  v1::ListPlanChangesResponse Changes(std::string const& plan) {
    v1::ListPlanChangesRequest request;
    request.set_parent(PlanNamed(plan));
    return Must<v1::ListPlanChangesResponse>("PlanService/ListPlanChanges", request);
  }
  void Approved(std::string const& plan, std::string const& predecessor = "") {
    InLocalDecision(plan, predecessor);
    EverythingButDecisions(plan);
    Decide(plan, "9001-001", 5, 4);
    Decide(plan, "9002-001", 5, 4);
    Taken(plan, v1::PLAN_TRANSITION_SUBMIT, "2021-12-01");
    Approve(plan, v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL);
    Taken(plan, v1::PLAN_TRANSITION_APPROVE, "2021-12-20");
  }
};
HELHED_BOTH_ENGINES(PlanStepsTest);

TEST_P(PlanStepsTest, APlanLivesFromTheIdeaToTheClosing) {
  Approved("a");
  EXPECT_EQ(Taken("a", v1::PLAN_TRANSITION_START, "2022-01-01").state(), v1::PLAN_STATE_ACTIVE);
  auto const event = LastEvent<v1::PlanChanged>("plans/a");
  EXPECT_EQ(event.from_state(), v1::PLAN_STATE_APPROVED);
  EXPECT_EQ(event.transition(), v1::PLAN_TRANSITION_START);
  Taken("a", v1::PLAN_TRANSITION_BEGIN_CLOSING, "2026-01-01");
  Taken("a", v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS, "2026-04-01");
  Taken("a", v1::PLAN_TRANSITION_RECORD_AUDIT, "2026-05-01");
  EXPECT_EQ(Taken("a", v1::PLAN_TRANSITION_FINISH, "2026-06-01").state(), v1::PLAN_STATE_CLOSED);
  auto const changes = Changes("a");
  ASSERT_THAT(changes.changes(), SizeIs(13));
  EXPECT_EQ(changes.changes(0).name(), "plans/a/changes/000001");
  EXPECT_EQ(changes.changes(0).actor(), "anna");
  EXPECT_EQ(changes.changes(11).evidence().sha256(), Proof().sha256());
  EXPECT_EQ(changes.changes(12).to_state(), v1::PLAN_STATE_CLOSED);
  EXPECT_THAT(TakeRefused("a", v1::PLAN_TRANSITION_WITHDRAW).at("allowed"), IsEmpty());
}

TEST_P(PlanStepsTest, ARefusalSaysTheStateWhatItAllowsAndEverythingThatIsMissing) {
  InLocalDecision("a");
  Enter("a", "d", "9001-001");
  auto const metadata = TakeRefused("a", v1::PLAN_TRANSITION_SUBMIT);
  EXPECT_EQ(metadata.at("state"), "LOCAL_DECISION");
  EXPECT_EQ(metadata.at("allowed"), "SUBMIT, WITHDRAW, TRANSFER_REGULATION, PUBLISH_OVERVIEW");
  EXPECT_EQ(metadata.at("missing_count"), "6");
  for (auto const* item : {"department 9001-001 decision", "department 9002-001 decision", "organisations/9001 approval",
                           "organisations/9002 approval", "municipality approval", "the overview letter"}) {
    EXPECT_THAT(metadata.at("missing"), HasSubstr(item));
  }
  EXPECT_EQ(TakeRefused("a", v1::PLAN_TRANSITION_START).at("allowed"), metadata.at("allowed"));
}

// V9
TEST_P(PlanStepsTest, NoPlanIsSubmittedWithAnOpenDecision) {
  InLocalDecision("a");
  EverythingButDecisions("a");
  Decide("a", "9001-001", 5, 4);
  EXPECT_EQ(TakeRefused("a", v1::PLAN_TRANSITION_SUBMIT).at("missing"), "department 9002-001 decision, due 2022-01-01");
  Decide("a", "9002-001", 4, 5);
  EXPECT_THAT(TakeRefused("a", v1::PLAN_TRANSITION_SUBMIT).at("missing"), HasSubstr("has said no"));
}

TEST_P(PlanStepsTest, MoneyHasItsSay) {
  InLocalDecision("a");
  EverythingButDecisions("a");
  Decide("a", "9001-001", 5, 4);
  Decide("a", "9002-001", 5, 4);
  v1::MissingItem item;
  item.set_kind(v1::MISSING_KIND_SOURCES);
  item.set_party(v1::PARTY_PLAN);
  item.set_description("sources sum to 3099999999 of 3100000000 øre");
  money().answers[MoneyStep::kSubmit] = {item};
  EXPECT_EQ(TakeRefused("a", v1::PLAN_TRANSITION_SUBMIT).at("missing"), item.description());
  auto const question = money().asked.back();
  EXPECT_EQ(question.plan, "plans/a");
  EXPECT_EQ(question.budget_ore, 31'000'000'00);
  EXPECT_EQ(question.rule.least_basis_points(), 2500);
  money().answers.clear();
  Taken("a", v1::PLAN_TRANSITION_SUBMIT);
}

TEST_P(PlanStepsTest, ActsAreRegisteredInTheirOrderAndNotBeforeTheirDay) {
  Plan("a");
  Taken("a", v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION, "2021-05-01");
  EXPECT_THAT(Take("a", v1::PLAN_TRANSITION_WITHDRAW, "2021-04-30"), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(Take("a", v1::PLAN_TRANSITION_WITHDRAW, "2126-03-02"), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(Take("a", v1::PLAN_TRANSITION_WITHDRAW, "2021-05-01"), IsOk());
}

TEST_P(PlanStepsTest, APlanDoesNotStartBeforeItsFirstDay) {
  Approved("a");
  EXPECT_EQ(TakeRefused("a", v1::PLAN_TRANSITION_START, "2021-12-31").at("missing"), "the plan's first day, due 2022-01-01");
  Taken("a", v1::PLAN_TRANSITION_START, "2022-01-01");
  EXPECT_EQ(TakeRefused("a", v1::PLAN_TRANSITION_BEGIN_CLOSING, "2025-12-31").at("missing"),
            "the plan's last day to pass, due 2026-01-01");
}

TEST_P(PlanStepsTest, AReturnedPlanIsWrittenAgain) {
  InLocalDecision("a");
  EverythingButDecisions("a");
  Decide("a", "9001-001", 5, 4);
  Decide("a", "9002-001", 5, 4);
  Taken("a", v1::PLAN_TRANSITION_SUBMIT);
  EXPECT_EQ(Taken("a", v1::PLAN_TRANSITION_RETURN).state(), v1::PLAN_STATE_DRAFTING);
  Taken("a", v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION);
  Taken("a", v1::PLAN_TRANSITION_SUBMIT);
  EXPECT_EQ(Taken("a", v1::PLAN_TRANSITION_REJECT).state(), v1::PLAN_STATE_REJECTED);
}

TEST_P(PlanStepsTest, TermsAreSettledOnceThePlanIsSubmitted) {
  Approved("a");
  v1::UpdatePlanRequest request;
  request.mutable_plan()->set_name("plans/a");
  request.mutable_plan()->set_display_name("Planen");
  Must<v1::Plan>("PlanService/UpdatePlan", request);
  *request.mutable_plan()->mutable_budget_total() = Dkk(1);
  Refused<v1::Plan>("PlanService/UpdatePlan", request, kPrecondition, "PLAN_SUBMITTED");
  Refused<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", CoverRequest("a", "9003", "001", 1), kPrecondition,
                                 "PLAN_SUBMITTED");
}

TEST_P(PlanStepsTest, WhatIsMissingSaysWhetherThePlanMayStart) {
  InLocalDecision("a");
  EverythingButDecisions("a");
  Decide("a", "9001-001", 5, 4);
  auto missing = Missing("a");
  EXPECT_FALSE(missing.may_start());
  ASSERT_THAT(missing.missing(), SizeIs(2));
  EXPECT_EQ(missing.missing(0).kind(), v1::MISSING_KIND_DECISION);
  EXPECT_EQ(missing.missing(0).subject(), "plans/a/coveredDepartments/9002-001");
  EXPECT_EQ(missing.missing(0).organisation(), "organisations/9002");
  EXPECT_EQ(ToCivil(missing.missing(0).due_date()), absl::CivilDay(2022, 1, 1));
  EXPECT_EQ(missing.missing(1).party(), v1::PARTY_FUND);
  Decide("a", "9002-001", 5, 4);
  Approve("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL);
  missing = Missing("a");
  EXPECT_TRUE(missing.may_start());
  EXPECT_THAT(missing.missing(), IsEmpty());
  v1::MissingItem warning;
  warning.set_kind(v1::MISSING_KIND_RELEASE);
  money().answers[MoneyStep::kWarnings] = {warning};
  EXPECT_TRUE(Missing("a").may_start());
  EXPECT_THAT(Missing("a").warnings(), SizeIs(1));
}

TEST_P(PlanStepsTest, ANoMakesAProposalAndTheBoardChooses) {
  InLocalDecision("a");
  EverythingButDecisions("a");
  Decide("a", "9001-001", 5, 4);
  Decide("a", "9002-001", 4, 5);
  auto const missing = Missing("a");
  ASSERT_THAT(missing.proposals(), SizeIs(1));
  EXPECT_EQ(missing.proposals(0).dwelling_count(), 300);
  EXPECT_EQ(missing.proposals(0).dwelling_count_left(), 100);
  EXPECT_EQ(missing.proposals(0).shares(0).share_basis_points(), 10000);
  v1::ExcludeCoveredDepartmentRequest exclude;
  exclude.set_name("plans/a/coveredDepartments/9002-001");
  exclude.set_reason("Afdelingen har sagt nej.");
  Refused<v1::CoveredDepartment>("CoverageService/ExcludeCoveredDepartment", exclude, kPrecondition, "DECISION_STATE");
  v1::ConfirmRejectionRequest confirm;
  confirm.set_name(DecisionNamed("a", "d9002-001"));
  Must<v1::Decision>("DecisionService/ConfirmRejection", confirm);
  EXPECT_EQ(Must<v1::CoveredDepartment>("CoverageService/ExcludeCoveredDepartment", exclude).state(),
            v1::COVERAGE_STATE_EXCLUDED);
  Taken("a", v1::PLAN_TRANSITION_SUBMIT);
}

TEST_P(PlanStepsTest, APlanIsMovedToAnotherRegulationByAnActThatIsKept) {
  auto create = PlanRequest("a");
  create.mutable_plan()->set_regulation("regulations/2015-18");
  *create.mutable_plan()->mutable_period() = Range("2018-07-01", "2022-07-01");
  create.mutable_plan()->clear_focus_areas();
  create.mutable_plan()->add_focus_areas("tryghed-trivsel");
  Must<v1::Plan>("PlanService/CreatePlan", create);
  v1::TransferRegulationRequest request;
  request.set_name("plans/a");
  request.set_reason("Forhåndsgodkendte sager overgår til det nye regulativ.");
  request.set_regulation("regulations/2019-26");
  Refused<v1::Plan>("PlanService/TransferRegulation", request, kPrecondition, "REGULATION_NOT_VALID");
  *request.mutable_period() = Range("2020-01-01", "2024-01-01");
  Refused<v1::Plan>("PlanService/TransferRegulation", request, kInvalid, "FOCUS_AREA_UNKNOWN");
  request.add_focus_areas("kriminalitetsforebyggelse");
  auto const moved = Must<v1::Plan>("PlanService/TransferRegulation", request);
  EXPECT_EQ(moved.regulation(), "regulations/2019-26");
  EXPECT_THAT(moved.focus_areas(), ElementsAre("kriminalitetsforebyggelse"));
  EXPECT_EQ(LastEvent<v1::PlanChanged>("plans/a").from_regulation(), "regulations/2015-18");
  auto const changes = Changes("a");
  ASSERT_THAT(changes.changes(), SizeIs(1));
  EXPECT_EQ(changes.changes(0).from_regulation(), "regulations/2015-18");
  EXPECT_EQ(changes.changes(0).to_regulation(), "regulations/2019-26");
  EXPECT_EQ(changes.changes(0).reason(), request.reason());
  Refused<v1::Plan>("PlanService/TransferRegulation", request, kInvalid, "BAD_REQUEST");
}

TEST_P(PlanStepsTest, AMergedPlanTakesThePlaceOfItsPredecessors) {
  Approved("a");
  Taken("a", v1::PLAN_TRANSITION_START, "2022-01-01");
  v1::SupersedePlanRequest request;
  request.set_name("plans/a");
  request.set_successor("plans/b");
  EXPECT_THAT(Refused<v1::Plan>("PlanService/SupersedePlan", request, kPrecondition, "PLAN_NOT_READY").metadata.at("missing"),
              HasSubstr("names this one as its predecessor"));
  Approved("b");
  Refused<v1::Plan>("PlanService/SupersedePlan", request, kPrecondition, "PLAN_NOT_READY");
  Approved("c", "a");
  request.set_successor("plans/c");
  auto const superseded = Must<v1::Plan>("PlanService/SupersedePlan", request);
  EXPECT_EQ(superseded.state(), v1::PLAN_STATE_SUPERSEDED);
  EXPECT_EQ(superseded.successor(), "plans/c");
}

TEST_P(PlanStepsTest, AnExtensionHasABudgetAndApprovalsOfItsOwn) {
  Approved("a");
  v1::CreateExtensionRequest create;
  create.set_parent("plans/a");
  create.set_extension_id("e");
  *create.mutable_extension()->mutable_end_date() = Date("2027-07-01");
  *create.mutable_extension()->mutable_budget_delta() = Dkk(8'000'000'00);
  create.mutable_extension()->set_reason("18 måneder mere.");
  Refused<v1::Extension>("PlanService/CreateExtension", create, kPrecondition, "PLAN_NOT_READY");
  auto const active = Taken("a", v1::PLAN_TRANSITION_START, "2022-01-01");
  *create.mutable_extension()->mutable_end_date() = Date("2026-01-01");
  Refused<v1::Extension>("PlanService/CreateExtension", create, kPrecondition, "EXTENSION_NOT_POSSIBLE");
  *create.mutable_extension()->mutable_end_date() = Date("2027-07-01");
  Must<v1::Extension>("PlanService/CreateExtension", create);
  v1::ApplyExtensionRequest apply;
  apply.set_name("plans/a/extensions/e");
  v1::MissingItem item;
  item.set_kind(v1::MISSING_KIND_SOURCES);
  item.set_description("sources");
  money().answers[MoneyStep::kExtend] = {item};
  EXPECT_EQ(Refused<v1::Plan>("PlanService/ApplyExtension", apply, kPrecondition, "PLAN_NOT_READY").metadata.at("missing_count"),
            "3");
  EXPECT_EQ(money().asked.back().budget_ore, 8'000'000'00);
  EXPECT_EQ(money().asked.back().extension, "e");
  money().answers.clear();
  Approve("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL, "", apply.name());
  Approve("a", v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL, "", apply.name());
  auto const extended = Must<v1::Plan>("PlanService/ApplyExtension", apply);
  EXPECT_EQ(ToCivil(extended.period().end_date()), absl::CivilDay(2027, 7, 1));
  // The old budget is not stretched (M9).
  EXPECT_THAT(extended.budget_total(), EqualsProto(active.budget_total()));
  EXPECT_THAT(extended.own_end_date(), EqualsProto(active.period().end_date()));
  EXPECT_FALSE(active.has_own_end_date());
  EXPECT_EQ(LastEvent<v1::PlanChanged>("plans/a").extension(), apply.name());
  Refused<v1::Plan>("PlanService/ApplyExtension", apply, kPrecondition, "EXTENSION_NOT_POSSIBLE");
}

TEST_P(PlanStepsTest, ARepeatedStepGivesTheFirstAnswer) {
  Plan("a");
  v1::DraftPrequalificationRequest request;
  request.set_name("plans/a");
  request.set_request_id("0190b6a0-0000-7000-8000-000000000001");
  auto const first = Must<v1::Plan>("PlanService/DraftPrequalification", request);
  EXPECT_THAT(Must<v1::Plan>("PlanService/DraftPrequalification", request), EqualsProto(first));
  EXPECT_THAT(Changes("a").changes(), SizeIs(1));
}

TEST_P(PlanStepsTest, RolesDoWhatIsTheirs) {
  Plan("a");
  v1::DraftPrequalificationRequest request;
  request.set_name("plans/a");
  request.set_validate_only(true);
  auto const as = [&](char const* role) {
    return Call<v1::Plan>("PlanService/DraftPrequalification", request, As(role, "plans/a")).status();
  };
  EXPECT_THAT(as("plan-leader"), IsOk());
  for (auto const* role : {"plan-staff", "fund", "department-board", "portal", "auditor", "service"}) {
    EXPECT_THAT(as(role), StatusIs(absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING")) << role;
  }
  EXPECT_THAT(Changes("a").changes(), IsEmpty());
}

}  // namespace
}  // namespace helhed::funding::testing
