#include "services/funding/domain/merge_life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
namespace cv1 = common::v1;

absl::CivilDay Day(std::string_view iso) { return FromIsoDate(iso).value_or(absl::CivilDay()); }

v1::Plan PlanNamed(std::string const& id, std::string_view start, std::string_view end) {
  v1::Plan plan;
  plan.set_name("plans/" + id);
  plan.set_state(v1::PLAN_STATE_ACTIVE);
  *plan.mutable_period()->mutable_start_date() = ToProtoDate(Day(start));
  *plan.mutable_period()->mutable_end_date() = ToProtoDate(Day(end));
  return plan;
}

PlanCoverage Coverage(std::string const& id, std::string_view start, std::string_view end,
                      std::vector<std::string> const& departments) {
  PlanCoverage coverage{PlanNamed(id, start, end), {}};
  for (auto const& department : departments) {
    auto& covered = coverage.departments.emplace_back();
    covered.set_name("plans/" + id + "/coveredDepartments/" + department);
    covered.set_department("organisations/" + department.substr(0, 4) + "/departments/" + department.substr(5));
    covered.set_dwelling_count(100);
    covered.set_state(v1::COVERAGE_STATE_COVERED);
  }
  return coverage;
}

cv1::MergeDecision Decision(cv1::MergeFinding const& finding, cv1::MergeResolution resolution) {
  cv1::MergeDecision decision;
  decision.set_kind(finding.kind());
  *decision.mutable_subjects() = finding.subjects();
  decision.set_resolution(resolution);
  return decision;
}

// Two predecessors and a successor that decided on all but one of their departments.
struct Amager {
  PlanCoverage successor = Coverage("amager", "2022-01-01", "2026-01-01", {"9001-001", "9002-001"});
  std::vector<PlanCoverage> predecessors = {Coverage("urban", "2018-01-01", "2022-07-01", {"9001-001", "9003-001"}),
                                            Coverage("bro", "2019-01-01", "2023-01-01", {"9001-001", "9002-001"})};
  absl::CivilDay effective = Day("2022-03-01");
};

// Who covers a department on a day.
std::vector<std::string> CoveringOn(std::vector<PlanCoverage> const& plans, std::string const& department, absl::CivilDay day) {
  std::vector<std::string> covering;
  for (auto const& plan : plans) {
    for (auto const& covered : plan.departments) {
      if (!covered.name().ends_with(department) || covered.state() != v1::COVERAGE_STATE_COVERED) continue;
      auto const& range = covered.has_period() ? covered.period() : plan.plan.period();
      if (day >= *ToCivil(range.start_date()) && day < *ToCivil(range.end_date())) covering.push_back(plan.plan.name());
    }
  }
  return covering;
}

std::vector<PlanCoverage> Applied(Amager const& amager, std::vector<CoverageChange> const& changes) {
  std::vector<PlanCoverage> plans = amager.predecessors;
  plans.push_back(amager.successor);
  for (auto const& change : changes) {
    bool found = false;
    for (auto& plan : plans) {
      for (auto& covered : plan.departments) {
        if (covered.name() != change.after.name()) continue;
        covered = change.after;
        found = true;
      }
      if (!change.before && change.after.name().starts_with(plan.plan.name() + "/")) plan.departments.push_back(change.after);
    }
    EXPECT_EQ(found, change.before.has_value()) << change.after.name();
  }
  return plans;
}

MergeFacts Ready() {
  MergeFacts facts;
  facts.merge.set_name("plans/amager/merges/m");
  facts.merge.set_state(v1::PLAN_MERGE_STATE_PROPOSED);
  facts.merge.add_predecessors("plans/urban");
  *facts.merge.mutable_effective_date() = ToProtoDate(Day("2022-03-01"));
  facts.successor = PlanNamed("amager", "2022-01-01", "2026-01-01");
  facts.successor.add_predecessors("plans/urban");
  facts.predecessors.push_back(PlanNamed("urban", "2018-01-01", "2022-07-01"));
  auto& part = *facts.merge.add_parts();
  part.set_service("activities");
  part.set_state(v1::MERGE_PART_STATE_REPORTED);
  facts.organisations = {"organisations/9001"};
  for (auto const party : {v1::PARTY_FUND, v1::PARTY_MUNICIPALITY, v1::PARTY_ORGANISATION}) {
    auto& approval = facts.approvals.emplace_back();
    approval.set_party(party);
    approval.set_stage(v1::APPROVAL_STAGE_FINAL);
    approval.set_outcome(v1::APPROVAL_OUTCOME_APPROVED);
    if (party == v1::PARTY_ORGANISATION) approval.set_organisation("organisations/9001");
  }
  return facts;
}

TEST(MergeLife, GoesOnAsTheStatesAllow) {
  using S = v1::PlanMergeState;
  std::vector<std::tuple<S, MergeAct, S>> const allowed = {
      {v1::PLAN_MERGE_STATE_PROPOSED, MergeAct::kDecide, v1::PLAN_MERGE_STATE_PROPOSED},
      {v1::PLAN_MERGE_STATE_PROPOSED, MergeAct::kWithdraw, v1::PLAN_MERGE_STATE_WITHDRAWN},
      {v1::PLAN_MERGE_STATE_PROPOSED, MergeAct::kExecute, v1::PLAN_MERGE_STATE_EXECUTING},
      {v1::PLAN_MERGE_STATE_EXECUTING, MergeAct::kFinishExecution, v1::PLAN_MERGE_STATE_EXECUTED},
      {v1::PLAN_MERGE_STATE_EXECUTING, MergeAct::kUndo, v1::PLAN_MERGE_STATE_UNDOING},
      {v1::PLAN_MERGE_STATE_EXECUTED, MergeAct::kUndo, v1::PLAN_MERGE_STATE_UNDOING},
      {v1::PLAN_MERGE_STATE_EXECUTED, MergeAct::kSeal, v1::PLAN_MERGE_STATE_SEALED},
      {v1::PLAN_MERGE_STATE_UNDOING, MergeAct::kFinishUndoing, v1::PLAN_MERGE_STATE_UNDONE},
  };
  for (int state = 1; state <= v1::PlanMergeState_MAX; ++state) {
    for (auto const act : {MergeAct::kDecide, MergeAct::kWithdraw, MergeAct::kExecute, MergeAct::kFinishExecution,
                           MergeAct::kUndo, MergeAct::kFinishUndoing, MergeAct::kSeal}) {
      std::optional<S> expected;
      for (auto const& [from, with, to] : allowed) {
        if (from == state && with == act) expected = to;
      }
      EXPECT_EQ(After(static_cast<S>(state), act), expected) << state << " " << NameOf(act);
    }
  }
}

TEST(MergeLife, IsExecutedWhenNothingIsMissing) {
  EXPECT_THAT(MissingToExecute(Ready(), Day("2022-03-01")), IsEmpty());
  EXPECT_THAT(MissingToExecute(Ready(), Day("2022-02-28")), ElementsAre("the effective date, 2022-03-01"));
}

TEST(MergeLife, SaysEverythingThatIsMissingAtOnce) {
  auto facts = Ready();
  facts.approvals.clear();
  facts.merge.mutable_parts(0)->set_state(v1::MERGE_PART_STATE_MISSING);
  facts.conflicts.emplace_back().set_name("plans/amager/merges/m/conflicts/c");
  facts.successor.set_state(v1::PLAN_STATE_DRAFTING);
  facts.successor.clear_predecessors();
  facts.predecessors[0].set_state(v1::PLAN_STATE_CLOSED);
  EXPECT_THAT(
      MissingToExecute(facts, Day("2022-03-01")),
      ElementsAre("plans/amager approved or active", "plans/urban among the predecessors of plans/amager",
                  "plans/urban active or closing", "the report of activities", "a decision on plans/amager/merges/m/conflicts/c",
                  "the approval of organisations/9001", "the approval of the municipality", "the approval of the fund"));
}

TEST(MergeLife, ARefusedOrPreliminaryApprovalIsNone) {
  auto facts = Ready();
  facts.approvals[0].set_outcome(v1::APPROVAL_OUTCOME_REFUSED);
  facts.approvals[1].set_stage(v1::APPROVAL_STAGE_PRELIMINARY);
  EXPECT_THAT(MissingToExecute(facts, Day("2022-03-01")),
              ElementsAre("the approval of the municipality", "the approval of the fund"));
}

TEST(MergeLife, AReportThatIsOlderThanWhatIsToBeDecidedIsNone) {
  auto facts = Ready();
  auto const known = FindingOf(cv1::MERGE_CONFLICT_KIND_DEPARTMENT_IN_SEVERAL, {"b", "a"}, "", {});
  EXPECT_THAT(known.subjects(), ElementsAre("a", "b"));
  auto& conflict = facts.conflicts.emplace_back();
  conflict.set_name(facts.merge.name() + "/conflicts/" + ConflictId(known));
  conflict.set_resolution(cv1::MERGE_RESOLUTION_COVER_ONCE);
  // What is under way comes to its end before the merge is sealed: nobody has to decide on it.
  facts.findings = {known, FindingOf(cv1::MERGE_CONFLICT_KIND_MONEY_UNDER_WAY, {"plans/urban/disbursements/1"}, "", {})};
  EXPECT_THAT(MissingToExecute(facts, Day("2022-03-01")), IsEmpty());
  facts.findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_MONEY_REMAINING, {"plans/urban/sources/lbf"}, "", {}));
  facts.findings.push_back(
      FindingOf(cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED, {"plans/urban/coveredDepartments/9001-001"}, "", {}));
  EXPECT_THAT(MissingToExecute(facts, Day("2022-03-01")),
              ElementsAre("a new conflict report, for plans/urban/sources/lbf",
                          "a new conflict report, for plans/urban/coveredDepartments/9001-001"));
}

TEST(MergeLife, TheRefusalNamesStepStateAndWhatIsAllowed) {
  std::vector<std::string> const missing = {"one", "two"};
  auto const status = MergeNotReady(Ready().merge, MergeAct::kExecute, missing);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "MERGE_NOT_READY"));
  auto const metadata = MetadataOf(status);
  EXPECT_EQ(metadata.at("step"), "EXECUTE");
  EXPECT_EQ(metadata.at("state"), "PROPOSED");
  EXPECT_EQ(metadata.at("allowed"), "DECIDE, WITHDRAW, EXECUTE");
  EXPECT_EQ(metadata.at("missing"), "one; two");
}

TEST(MergeCoverage, FindsDepartmentsInSeveralAndThoseNobodyDecidedOn) {
  Amager const amager;
  auto const findings = CoverageFindings(amager.successor, amager.predecessors, amager.effective);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].kind(), cv1::MERGE_CONFLICT_KIND_DEPARTMENT_IN_SEVERAL);
  EXPECT_THAT(findings[0].subjects(),
              ElementsAre("plans/bro/coveredDepartments/9001-001", "plans/urban/coveredDepartments/9001-001"));
  EXPECT_EQ(findings[1].kind(), cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED);
  EXPECT_THAT(findings[1].resolutions(), ElementsAre(cv1::MERGE_RESOLUTION_END, cv1::MERGE_RESOLUTION_TAKE_IN));
}

TEST(MergeCoverage, WhatEndsBeforeTheEffectiveDateIsNoConcernOfTheMerge) {
  Amager amager;
  amager.effective = Day("2022-07-01");
  EXPECT_THAT(CoverageFindings(amager.successor, amager.predecessors, amager.effective), IsEmpty());
}

TEST(MergeCoverage, WhomTheBoardHasLeftOutIsNotTakenInByAMerge) {
  Amager amager;
  auto left_out = Coverage("amager", "2022-01-01", "2026-01-01", {"9003-001"}).departments[0];
  left_out.set_state(v1::COVERAGE_STATE_EXCLUDED);
  amager.successor.departments.push_back(left_out);
  auto const findings = CoverageFindings(amager.successor, amager.predecessors, amager.effective);
  EXPECT_THAT(findings.back().resolutions(), ElementsAre(cv1::MERGE_RESOLUTION_END));
}

TEST(MergeCoverage, MovesOnTheEffectiveDateAndKeepsWhatWas) {
  Amager const amager;
  auto const findings = CoverageFindings(amager.successor, amager.predecessors, amager.effective);
  std::vector<cv1::MergeDecision> const decisions = {Decision(findings[1], cv1::MERGE_RESOLUTION_TAKE_IN)};
  auto const after = Applied(amager, MoveCoverage(amager.successor, amager.predecessors, amager.effective, decisions, "merged"));
  EXPECT_THAT(CoveringOn(after, "9001-001", Day("2022-02-28")), ElementsAre("plans/urban", "plans/bro"));
  EXPECT_THAT(CoveringOn(after, "9001-001", Day("2022-03-01")), ElementsAre("plans/amager"));
  EXPECT_THAT(CoveringOn(after, "9003-001", Day("2022-02-28")), ElementsAre("plans/urban"));
  EXPECT_THAT(CoveringOn(after, "9003-001", Day("2022-03-01")), ElementsAre("plans/amager"));
}

TEST(MergeCoverage, WhatIsNotTakenInEnds) {
  Amager const amager;
  auto const after = Applied(amager, MoveCoverage(amager.successor, amager.predecessors, amager.effective, {}, "merged"));
  EXPECT_THAT(CoveringOn(after, "9003-001", Day("2022-03-01")), IsEmpty());
}

TEST(MergeCoverage, ACoverageThatWouldOnlyBeginLaterIsLeftOut) {
  Amager amager;
  auto& covered = amager.predecessors[0].departments[0];
  *covered.mutable_period()->mutable_start_date() = ToProtoDate(amager.effective);
  *covered.mutable_period()->mutable_end_date() = ToProtoDate(Day("2022-07-01"));
  auto const changes = MoveCoverage(amager.successor, amager.predecessors, amager.effective, {}, "merged");
  auto const found = std::find_if(changes.begin(), changes.end(),
                                  [&](CoverageChange const& change) { return change.after.name() == covered.name(); });
  ASSERT_NE(found, changes.end());
  EXPECT_EQ(found->after.state(), v1::COVERAGE_STATE_EXCLUDED);
  EXPECT_EQ(found->after.exclude_reason(), "merged");
}

// On no day from the effective date on does any plan but the successor cover a department of the merge, and before it nothing
// has changed of the predecessors.
TEST(MergeCoverage, CoversEveryDayOnceFromTheEffectiveDateOn) {
  ForAllSeeds(200, [](SeededRandom& random) {
    Amager amager;
    amager.effective = Day("2022-01-01") + random.Between(0, 500);
    auto before = amager.predecessors;
    before.push_back(amager.successor);
    auto const after = Applied(amager, MoveCoverage(amager.successor, amager.predecessors, amager.effective, {}, "merged"));
    for (int i = 0; i < 40; ++i) {
      auto const day = Day("2021-06-01") + random.Between(0, 1000);
      for (auto const* department : {"9001-001", "9002-001", "9003-001"}) {
        auto const covering = CoveringOn(after, department, day);
        if (day >= amager.effective) {
          EXPECT_THAT(covering, Not(Contains("plans/urban")));
          EXPECT_THAT(covering, Not(Contains("plans/bro")));
          EXPECT_LE(covering.size(), 1U);
          continue;
        }
        for (auto const& plan : CoveringOn(before, department, day)) {
          if (plan != "plans/amager") {
            EXPECT_THAT(covering, Contains(plan)) << department << " " << ToIsoDate(day);
          }
        }
      }
    }
  });
}

TEST(MergeConflict, IsNamedByWhatItIsAbout) {
  Amager const amager;
  auto findings = CoverageFindings(amager.successor, amager.predecessors, amager.effective);
  auto const id = ConflictId(findings[0]);
  EXPECT_EQ(id.size(), 32U);
  findings[0].set_description("in other words");
  EXPECT_EQ(ConflictId(findings[0]), id);
  EXPECT_NE(ConflictId(findings[1]), id);
}

// Nothing is lost and nothing is made: what was granted is afterwards spent, lapsed or paid back.
TEST(MergeSettlement, AccountsForEveryOere) {
  ForAllSeeds(500, [](SeededRandom& random) {
    SourceTotals totals;
    totals.granted = random.Between(0, 1'000'000);
    totals.approved = random.Between(0, totals.granted);
    totals.released = random.Between(0, totals.granted - totals.approved);
    auto const settlement = SettlementOf(totals, false);
    EXPECT_EQ(settlement.lapse + settlement.repay + totals.paid(), totals.granted);
    EXPECT_GE(settlement.lapse, 0);
    EXPECT_GE(settlement.repay, 0);
  });
}

TEST(MergeSettlement, EndsASourceAsItsMoneyWent) {
  EXPECT_EQ(SettlementOf({.granted = 10, .approved = 10}, false).after, v1::SOURCE_STATE_LAPSED);
  EXPECT_EQ(SettlementOf({.granted = 10, .released = 10}, false).after, v1::SOURCE_STATE_REPAID);
  EXPECT_EQ(SettlementOf({.granted = 10, .approved = 4, .released = 3}, false).after, v1::SOURCE_STATE_RECONCILED);
  auto const hours = SettlementOf({}, true);
  EXPECT_EQ(hours.after, v1::SOURCE_STATE_RECONCILED);
  EXPECT_EQ(hours.lapse + hours.repay, 0);
}

// Unlike one that the board has left out, a department that an undone merge had taken in is not covered by nobody's decision.
TEST(MergeCoverage, WhomAnUndoneMergeHasLeftOutMayBeTakenInAgain) {
  for (bool const by_merge : {true, false}) {
    Amager amager;
    auto const left_out = Coverage("amager", "2022-01-01", "2026-01-01", {"9003-001"});
    auto& there = amager.successor.departments.emplace_back(left_out.departments.front());
    there.set_state(v1::COVERAGE_STATE_EXCLUDED);
    there.set_exclude_reason("because");
    there.set_etag("etag");
    if (by_merge) there.set_exclude_merge("plans/amager/merges/m");
    auto const findings = CoverageFindings(amager.successor, amager.predecessors, amager.effective);
    auto const finding = std::find_if(findings.begin(), findings.end(), [](auto const& one) {
      return one.kind() == cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED;
    });
    ASSERT_NE(finding, findings.end());
    EXPECT_EQ(finding->resolutions_size(), by_merge ? 2 : 1);
    auto const decisions = std::vector{Decision(*finding, cv1::MERGE_RESOLUTION_TAKE_IN)};
    auto const changes = MoveCoverage(amager.successor, amager.predecessors, amager.effective, decisions, "merged");
    auto const taken =
        std::find_if(changes.begin(), changes.end(), [&](auto const& change) { return change.after.name() == there.name(); });
    ASSERT_EQ(taken != changes.end(), by_merge);
    if (!by_merge) continue;
    EXPECT_EQ(taken->after.state(), v1::COVERAGE_STATE_COVERED);
    EXPECT_EQ(taken->after.exclude_reason(), "");
    EXPECT_EQ(taken->after.exclude_merge(), "");
    EXPECT_EQ(taken->after.etag(), "etag");
    ASSERT_TRUE(taken->before);
    EXPECT_EQ(taken->before->exclude_merge(), "plans/amager/merges/m");
  }
}

}  // namespace
}  // namespace helhed::funding
