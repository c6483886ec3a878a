#include "services/funding/domain/plan_life.h"

#include <gmock/gmock.h>

#include <map>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::StatusIs;

constexpr absl::CivilDay kStart(2022, 1, 1);

v1::Approval Approved(v1::Party party, v1::ApprovalStage stage, std::string const& organisation = "",
                      std::string const& subject = "") {
  v1::Approval approval;
  approval.set_party(party);
  approval.set_stage(stage);
  approval.set_organisation(organisation);
  approval.set_subject(subject);
  approval.set_outcome(v1::APPROVAL_OUTCOME_APPROVED);
  return approval;
}

DepartmentFacts Department(std::string const& id, std::int64_t dwellings, v1::DecisionState state) {
  DepartmentFacts department;
  department.name = "plans/a/coveredDepartments/" + id;
  department.organisation = "organisations/" + id.substr(0, 4);
  department.dwelling_count = dwellings;
  department.decision = "plans/a/decisions/" + id;
  department.decision_state = state;
  return department;
}

// A plan for which nothing is missing.
PlanFacts Complete() {
  PlanFacts facts;
  facts.plan.set_name("plans/a");
  facts.plan.set_state(v1::PLAN_STATE_LOCAL_DECISION);
  *facts.plan.mutable_period() = ToProtoRange({kStart, absl::CivilDay(2026, 1, 1)});
  facts.plan.mutable_budget_total()->set_minor_units(31'000'000'00);
  facts.plan.add_focus_areas("beskaeftigelse");
  facts.departments = {Department("9001-001", 100, v1::DECISION_STATE_ADOPTED),
                       Department("9002-001", 200, v1::DECISION_STATE_OVERRIDDEN)};
  for (auto const party : {v1::PARTY_MUNICIPALITY, v1::PARTY_FUND}) {
    facts.approvals.push_back(Approved(party, v1::APPROVAL_STAGE_PRELIMINARY));
    facts.approvals.push_back(Approved(party, v1::APPROVAL_STAGE_FINAL));
  }
  facts.approvals.push_back(Approved(v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "organisations/9001"));
  facts.approvals.push_back(Approved(v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "organisations/9002"));
  facts.agreements = {"strategic", "beskaeftigelse"};
  facts.overview_published = true;
  return facts;
}

std::vector<v1::MissingKind> Kinds(std::vector<v1::MissingItem> const& items) {
  std::vector<v1::MissingKind> kinds;
  for (auto const& item : items) kinds.push_back(item.kind());
  return kinds;
}

void Drop(PlanFacts& facts, v1::Party party, v1::ApprovalStage stage) {
  std::erase_if(facts.approvals,
                [&](v1::Approval const& approval) { return approval.party() == party && approval.stage() == stage; });
}

TEST(PlanLife, IsWhatTheStepsMakeOfIt) {
  // domain.md 8.1, without what every state allows (withdraw) and what changes no state.
  std::map<v1::PlanState, std::vector<v1::PlanState>> next;
  for (int i = 1; i <= v1::PlanState_MAX; ++i) {
    auto const state = static_cast<v1::PlanState>(i);
    for (auto const step : AllowedFrom(state)) {
      auto const to = *After(state, step);
      if (to != state && to != v1::PLAN_STATE_WITHDRAWN) next[state].push_back(to);
    }
    EXPECT_EQ(After(state, v1::PLAN_TRANSITION_WITHDRAW).has_value(), !IsOver(state)) << NameOf(state);
  }
  EXPECT_THAT(next[v1::PLAN_STATE_IDEA], ElementsAre(v1::PLAN_STATE_PREQUALIFICATION_DRAFT));
  EXPECT_THAT(next[v1::PLAN_STATE_PREQUALIFICATION_DRAFT], ElementsAre(v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED));
  EXPECT_THAT(next[v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED],
              ElementsAre(v1::PLAN_STATE_PREQUALIFIED, v1::PLAN_STATE_PREQUALIFICATION_REJECTED));
  EXPECT_THAT(next[v1::PLAN_STATE_PREQUALIFICATION_REJECTED], ElementsAre(v1::PLAN_STATE_PREQUALIFICATION_DRAFT));
  EXPECT_THAT(next[v1::PLAN_STATE_PREQUALIFIED], ElementsAre(v1::PLAN_STATE_DRAFTING));
  EXPECT_THAT(next[v1::PLAN_STATE_DRAFTING], ElementsAre(v1::PLAN_STATE_LOCAL_DECISION));
  EXPECT_THAT(next[v1::PLAN_STATE_LOCAL_DECISION], ElementsAre(v1::PLAN_STATE_SUBMITTED_FINAL));
  EXPECT_THAT(next[v1::PLAN_STATE_SUBMITTED_FINAL],
              ElementsAre(v1::PLAN_STATE_APPROVED, v1::PLAN_STATE_DRAFTING, v1::PLAN_STATE_REJECTED));
  EXPECT_THAT(next[v1::PLAN_STATE_APPROVED], ElementsAre(v1::PLAN_STATE_ACTIVE));
  EXPECT_THAT(next[v1::PLAN_STATE_ACTIVE], ElementsAre(v1::PLAN_STATE_CLOSING, v1::PLAN_STATE_SUPERSEDED));
  EXPECT_THAT(next[v1::PLAN_STATE_CLOSING], ElementsAre(v1::PLAN_STATE_ACCOUNTS_SUBMITTED, v1::PLAN_STATE_SUPERSEDED));
  EXPECT_THAT(next[v1::PLAN_STATE_ACCOUNTS_SUBMITTED], ElementsAre(v1::PLAN_STATE_AUDITED));
  EXPECT_THAT(next[v1::PLAN_STATE_AUDITED], ElementsAre(v1::PLAN_STATE_CLOSED));
  for (auto const state : {v1::PLAN_STATE_REJECTED, v1::PLAN_STATE_CLOSED, v1::PLAN_STATE_WITHDRAWN, v1::PLAN_STATE_SUPERSEDED}) {
    EXPECT_THAT(AllowedFrom(state), IsEmpty()) << NameOf(state);
  }
}

TEST(PlanLife, TheWayAheadLeadsToTheStartAndThenToTheEnd) {
  EXPECT_EQ(StepsAhead(v1::PLAN_STATE_IDEA).size(), 8U);
  EXPECT_THAT(StepsAhead(v1::PLAN_STATE_LOCAL_DECISION),
              ElementsAre(v1::PLAN_TRANSITION_SUBMIT, v1::PLAN_TRANSITION_APPROVE, v1::PLAN_TRANSITION_START));
  EXPECT_THAT(StepsAhead(v1::PLAN_STATE_CLOSING),
              ElementsAre(v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS, v1::PLAN_TRANSITION_RECORD_AUDIT, v1::PLAN_TRANSITION_FINISH));
  EXPECT_THAT(StepsAhead(v1::PLAN_STATE_WITHDRAWN), IsEmpty());
}

TEST(MissingFor, NothingIsMissingOfACompletePlan) {
  for (int i = 1; i <= v1::PlanTransition_MAX; ++i) {
    auto const step = static_cast<v1::PlanTransition>(i);
    EXPECT_THAT(MissingFor(step, Complete(), absl::CivilDay(2026, 1, 1)), IsEmpty()) << NameOf(step);
  }
}

TEST(MissingFor, SubmissionNeedsEverybodyAndSaysEverythingAtOnce) {
  auto facts = Complete();
  facts.plan.set_budget_precision(v1::PRECISION_APPROXIMATE);
  facts.departments.push_back(Department("9003-001", 10, v1::DECISION_STATE_CALLED));
  facts.departments.back().decision_due = absl::CivilDay(2021, 11, 30);
  facts.departments.push_back(Department("9003-002", 10, v1::DECISION_STATE_STANDS_REJECTED));
  facts.departments.push_back(Department("9003-003", 10, v1::DECISION_STATE_UNSPECIFIED));
  facts.agreements.clear();
  facts.overview_published = false;
  Drop(facts, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL);
  auto const missing = MissingFor(v1::PLAN_TRANSITION_SUBMIT, facts, kStart);
  ASSERT_THAT(Kinds(missing),
              ElementsAre(v1::MISSING_KIND_BUDGET, v1::MISSING_KIND_STRATEGIC_AGREEMENT, v1::MISSING_KIND_SUB_AGREEMENT,
                          v1::MISSING_KIND_DECISION, v1::MISSING_KIND_REJECTION, v1::MISSING_KIND_DECISION,
                          v1::MISSING_KIND_APPROVAL, v1::MISSING_KIND_APPROVAL, v1::MISSING_KIND_OVERVIEW_LETTER));
  EXPECT_EQ(missing[3].subject(), "plans/a/coveredDepartments/9003-001");
  EXPECT_EQ(missing[3].party(), v1::PARTY_DEPARTMENT);
  EXPECT_EQ(ToCivil(missing[3].due_date()), absl::CivilDay(2021, 11, 30));
  EXPECT_EQ(missing[6].organisation(), "organisations/9003");
  EXPECT_EQ(missing[7].party(), v1::PARTY_MUNICIPALITY);
}

// V9
TEST(MissingFor, NoPlanIsSubmittedOrApprovedWithAnOpenDecision) {
  for (int i = 0; i <= v1::DecisionState_MAX; ++i) {
    auto const state = static_cast<v1::DecisionState>(i);
    auto facts = Complete();
    facts.departments[0].decision_state = state;
    bool const settled = state == v1::DECISION_STATE_ADOPTED || state == v1::DECISION_STATE_OVERRIDDEN;
    for (auto const step : {v1::PLAN_TRANSITION_SUBMIT, v1::PLAN_TRANSITION_APPROVE}) {
      EXPECT_EQ(MissingFor(step, facts, kStart).empty(), settled) << v1::DecisionState_Name(state);
    }
  }
}

TEST(MissingFor, AnApprovalMustBeAYesOfTheRightPartyOnTheRightThing) {
  auto facts = Complete();
  facts.approvals.clear();
  EXPECT_THAT(Kinds(MissingFor(v1::PLAN_TRANSITION_APPROVE, facts, kStart)),
              ElementsAre(v1::MISSING_KIND_APPROVAL, v1::MISSING_KIND_APPROVAL));
  facts.approvals = {Approved(v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL, "", "plans/a/extensions/b"),
                     Approved(v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL)};
  facts.approvals[1].set_outcome(v1::APPROVAL_OUTCOME_REFUSED);
  EXPECT_THAT(Kinds(MissingFor(v1::PLAN_TRANSITION_APPROVE, facts, kStart)),
              ElementsAre(v1::MISSING_KIND_APPROVAL, v1::MISSING_KIND_APPROVAL_REFUSED));
  EXPECT_THAT(Kinds(MissingFinalApprovals(facts, "plans/a/extensions/b", kStart)), ElementsAre(v1::MISSING_KIND_APPROVAL));
}

TEST(MissingFor, PrequalificationNeedsRecommendationAndTheFundsWord) {
  auto facts = Complete();
  Drop(facts, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_PRELIMINARY);
  Drop(facts, v1::PARTY_FUND, v1::APPROVAL_STAGE_PRELIMINARY);
  facts.plan.clear_focus_areas();
  facts.plan.mutable_budget_total()->set_minor_units(0);
  facts.departments.clear();
  EXPECT_THAT(Kinds(MissingFor(v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION, facts, kStart)),
              ElementsAre(v1::MISSING_KIND_FOCUS_AREAS, v1::MISSING_KIND_BUDGET, v1::MISSING_KIND_DEPARTMENTS,
                          v1::MISSING_KIND_APPROVAL));
  EXPECT_THAT(Kinds(MissingFor(v1::PLAN_TRANSITION_PREQUALIFY, facts, kStart)), ElementsAre(v1::MISSING_KIND_APPROVAL));
}

TEST(MissingFor, ThereAreDaysToWaitFor) {
  EXPECT_THAT(MissingFor(v1::PLAN_TRANSITION_START, Complete(), kStart), IsEmpty());
  auto const missing = MissingFor(v1::PLAN_TRANSITION_START, Complete(), kStart - 1);
  ASSERT_THAT(Kinds(missing), ElementsAre(v1::MISSING_KIND_DATE));
  EXPECT_EQ(ToCivil(missing[0].due_date()), kStart);
  EXPECT_THAT(Kinds(MissingFor(v1::PLAN_TRANSITION_BEGIN_CLOSING, Complete(), absl::CivilDay(2025, 12, 31))),
              ElementsAre(v1::MISSING_KIND_DATE));
}

TEST(NotReady, SaysTheStateWhatItAllowsAndEverythingThatIsMissing) {
  auto facts = Complete();
  facts.departments.push_back(Department("9003-022", 10, v1::DECISION_STATE_CALLED));
  facts.departments.back().decision_due = absl::CivilDay(2021, 11, 30);
  auto const missing = MissingFor(v1::PLAN_TRANSITION_SUBMIT, facts, kStart);
  auto const status = NotReady(facts.plan, v1::PLAN_TRANSITION_SUBMIT, missing);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "PLAN_NOT_READY"));
  auto const metadata = MetadataOf(status);
  EXPECT_EQ(metadata.at("state"), "LOCAL_DECISION");
  EXPECT_EQ(metadata.at("allowed"), "SUBMIT, WITHDRAW, TRANSFER_REGULATION, PUBLISH_OVERVIEW");
  EXPECT_EQ(metadata.at("missing_count"), "2");
  EXPECT_EQ(metadata.at("missing"), "department 9003-022 decision, due 2021-11-30; organisations/9003 approval, due 2022-01-01");
  EXPECT_THAT(std::string(status.message()), HasSubstr("department 9003-022 decision, due 2021-11-30"));
}

TEST(RemovalProposals, SayWhatANoWouldLeaveBehind) {
  std::vector<DepartmentFacts> const departments = {
      Department("9001-001", 1, v1::DECISION_STATE_ADOPTED), Department("9001-002", 1, v1::DECISION_STATE_ADOPTED),
      Department("9001-003", 1, v1::DECISION_STATE_CALLED), Department("9002-001", 40, v1::DECISION_STATE_REJECTED)};
  auto const proposals = RemovalProposals(departments);
  ASSERT_EQ(proposals.size(), 1U);
  EXPECT_EQ(proposals[0].covered_department(), "plans/a/coveredDepartments/9002-001");
  EXPECT_EQ(proposals[0].dwelling_count(), 40);
  EXPECT_EQ(proposals[0].dwelling_count_left(), 3);
  std::vector<std::int64_t> shares;
  for (auto const& share : proposals[0].shares()) shares.push_back(share.share_basis_points());
  EXPECT_THAT(shares, ElementsAre(3334, 3333, 3333));
}

TEST(RemovalProposals, SharesSumToTheWhole) {
  testing::ForAllSeeds(200, [](SeededRandom& random) {
    std::vector<DepartmentFacts> departments;
    auto const count = random.Between(2, 30);
    for (int i = 0; i < count; ++i) {
      departments.push_back(Department(absl::StrCat("9001-", 100 + i), random.Between(1, 900),
                                       i == 0 ? v1::DECISION_STATE_STANDS_REJECTED : v1::DECISION_STATE_ADOPTED));
    }
    std::int64_t sum = 0;
    auto const proposals = RemovalProposals(departments);
    for (auto const& share : proposals.at(0).shares()) sum += share.share_basis_points();
    EXPECT_EQ(sum, 10000);
  });
}

TEST(RemovalProposals, NothingIsLeftWhenTheOnlyDepartmentSaysNo) {
  std::vector<DepartmentFacts> const departments = {Department("9001-001", 7, v1::DECISION_STATE_REJECTED)};
  auto const proposals = RemovalProposals(departments);
  ASSERT_EQ(proposals.size(), 1U);
  EXPECT_EQ(proposals[0].dwelling_count_left(), 0);
  EXPECT_EQ(proposals[0].shares_size(), 0);
}

}  // namespace
}  // namespace helhed::funding
