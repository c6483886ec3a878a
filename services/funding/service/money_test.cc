#include <gmock/gmock.h>

#include "services/funding/testing/money_fixture.h"

// Sources, budgets and reallocations, through the whole pipeline on both engines. Rules of domain.md are named by their numbers.
namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SourcesTest : public MoneyTest {};
HELHED_BOTH_ENGINES(SourcesTest);

// M1: whole øre of one currency, nothing negative, nothing that overflows; every violation at once.
TEST_P(SourcesTest, M1AmountsAreCheckedAndNothingIsHalfDone) {
  RunningPlan();
  auto const refused = [&](Ore amount, std::string const& currency) {
    auto request = SourceRequest("lbf", v1::SOURCE_KIND_FUND, amount);
    request.mutable_source()->mutable_amount()->set_currency_code(currency);
    return Refused<v1::Source>("SourceService/CreateSource", request, kInvalid, "BAD_REQUEST", anna_).fields;
  };
  EXPECT_THAT(refused(-5, "DKK"), ElementsAre("source.amount.minor_units"));
  EXPECT_THAT(refused(0, "DKK"), ElementsAre("source.amount.minor_units"));
  EXPECT_THAT(refused(std::numeric_limits<Ore>::max(), "DKK"), ElementsAre("source.amount.minor_units"));
  EXPECT_THAT(refused(-5, "SEK"), UnorderedElementsAre("source.amount.currency_code", "source.amount.minor_units"));
}

// The life of a source: approved is not released, released is not paid (8.2).
TEST_P(SourcesTest, ApprovedIsNotReleasedAndReleasedIsNotPaid) {
  Funded(0);
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_APPROVED);
  EXPECT_EQ(GetSource("lbf").released().minor_units(), 0);
  Release("lbf", 400'00);
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_RELEASED);
  EXPECT_EQ(GetSource("lbf").released().minor_units(), 400'00);
  auto const reserved = Reserve("0001", 100'00);
  EXPECT_EQ(GetSource("lbf").reserved().minor_units(), 100'00);
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_RELEASED);
  Post(reserved);
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_PARTLY_PAID);
  EXPECT_EQ(GetSource("lbf").paid().minor_units(), 100'00);
  Release("lbf", 600'00);
  Post(Reserve("0001", 500'00));
  Post(Reserve("0002", 400'00));
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_PAID);
  Must<v1::Source>("SourceService/ReconcileSource", ActRequest<v1::ReconcileSourceRequest>("lbf"), anna_);
  auto const closed = Must<v1::Source>("SourceService/CloseSource", ActRequest<v1::CloseSourceRequest>("lbf"), anna_);
  EXPECT_EQ(closed.state(), v1::SOURCE_STATE_CLOSED);
  CheckBooks();
}

TEST_P(SourcesTest, WhatWasNotUsedIsPaidBack) {
  Funded(500'00);
  Post(Reserve("0001", 100'00));
  Must<v1::Source>("SourceService/DemandRepaymentSource", ActRequest<v1::DemandRepaymentSourceRequest>("lbf"), anna_);
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00), kPrecondition,
                            "SOURCE_STATE_WRONG", anna_);
  auto const repaid = Must<v1::Source>("SourceService/RepaySource", ActRequest<v1::RepaySourceRequest>("lbf"), anna_);
  EXPECT_EQ(repaid.state(), v1::SOURCE_STATE_REPAID);
  auto const balances = CheckBooks();
  EXPECT_EQ(balances.at("granted.lbf"), -100'00);
  EXPECT_EQ(balances.at("released.lbf"), 0);
}

TEST_P(SourcesTest, WhatIsApprovedAndNotReleasedMayLapse) {
  Funded(0);
  auto const lapsed = Must<v1::Source>("SourceService/LapseSource", ActRequest<v1::LapseSourceRequest>("lbf"), anna_);
  EXPECT_EQ(lapsed.state(), v1::SOURCE_STATE_LAPSED);
  auto const balances = CheckBooks();
  EXPECT_EQ(balances.at("granted.lbf"), 0);
}

// An overdue release warns: the plan started in 2022 and it is 2126.
TEST_P(SourcesTest, AnOverdueReleaseWarns) {
  Funded(0);
  EXPECT_THAT(GetSource("lbf").warnings(), ElementsAre(v1::SOURCE_WARNING_RELEASE_OVERDUE));
  EXPECT_THAT(GetSource("lbf").release_due_date(), EqualsProto(Date("2022-06-30")));
  Release("lbf", 1000'00);
  EXPECT_THAT(GetSource("lbf").warnings(), IsEmpty());
}

TEST_P(SourcesTest, OnlyAnExactAmountIsApproved) {
  RunningPlan();
  auto request = SourceRequest("lbf", v1::SOURCE_KIND_FUND, 19'000'000'00);
  request.mutable_source()->set_precision(v1::PRECISION_APPROXIMATE);
  Must<v1::Source>("SourceService/CreateSource", request, anna_);
  Budget({{"beskaeftigelse", "lbf", 2022, 19'000'000'00}});
  Pledge("lbf");
  EXPECT_THAT(GetSource("lbf").warnings(), ElementsAre(v1::SOURCE_WARNING_AMOUNT_APPROXIMATE));
  Refused<v1::Source>("SourceService/ApproveSource", ActRequest<v1::ApproveSourceRequest>("lbf"), kPrecondition,
                      "AMOUNT_APPROXIMATE", anna_);
}

// M2: what is approved stands in the budget to the øre, and neither changes without the other.
TEST_P(SourcesTest, M2SourcesAndBudgetAreEqual) {
  RunningPlan();
  Source("lbf", v1::SOURCE_KIND_FUND, 1000'00);
  Pledge("lbf");
  auto refusal = Refused<v1::Source>("SourceService/ApproveSource", ActRequest<v1::ApproveSourceRequest>("lbf"), kPrecondition,
                                     "BUDGET_UNEQUAL", anna_);
  EXPECT_EQ(refusal.metadata["difference"], "100000");
  refusal = Refused<v1::Budget>("BudgetService/CreateBudget", BudgetRequest({{"beskaeftigelse", "lbf", 2022, 999'99}}),
                                kPrecondition, "BUDGET_UNEQUAL", anna_);
  EXPECT_EQ(refusal.metadata["difference"], "1");
  Budget({{"beskaeftigelse", "lbf", 2022, 1000'00}});
  v1::UpdateSourceRequest update;
  update.mutable_source()->set_name(SourceName("lbf"));
  *update.mutable_source()->mutable_amount() = Dkk(900'00);
  Refused<v1::Source>("SourceService/UpdateSource", update, kPrecondition, "SOURCE_AMOUNT_FIXED", anna_);
  // With the budget they change together.
  auto together = BudgetRequest({{"beskaeftigelse", "lbf", 2022, 500'00}, {"beskaeftigelse", "lbf", 2023, 400'00}});
  auto& amount = *together.add_source_amounts();
  amount.set_source(SourceName("lbf"));
  *amount.mutable_amount() = Dkk(900'00);
  auto const budget = Must<v1::Budget>("BudgetService/CreateBudget", together, anna_);
  EXPECT_EQ(budget.version(), 2);
  EXPECT_EQ(budget.total().minor_units(), 900'00);
  Approve("lbf");
  Refused<v1::Budget>("BudgetService/CreateBudget", together, kPrecondition, "SOURCE_AMOUNT_FIXED", anna_);
}

TEST_P(SourcesTest, BudgetsHaveVersionsAndLinesKeepTheirNames) {
  RunningPlan();
  Source("lbf", v1::SOURCE_KIND_FUND, 1000'00);
  auto const first = Budget({{"beskaeftigelse", "lbf", 2022, 600'00}, {"beskaeftigelse", "lbf", 2023, 400'00}});
  auto const second = Budget({{"beskaeftigelse", "lbf", 2023, 1000'00}});
  EXPECT_EQ(Line("0001").amount().minor_units(), 0);
  EXPECT_EQ(Line("0002").amount().minor_units(), 1000'00);
  v1::GetBudgetRequest get;
  get.set_name(first.name());
  auto const stored = Must<v1::Budget>("BudgetService/GetBudget", get, anna_);
  ASSERT_EQ(stored.lines_size(), 2);
  EXPECT_THAT(stored.lines(0), EqualsProto(first.lines(0)));
  v1::ListBudgetsRequest list;
  list.set_parent("plans/p");
  EXPECT_THAT(ListedIn(Must<v1::ListBudgetsResponse>("BudgetService/ListBudgets", list, anna_)), ElementsAre("000001", "000002"));
}

// M3, through the report: 24.99 % is not 25 %.
TEST_P(SourcesTest, M3TheCofundingReportProvesTheShare) {
  RunningPlan();
  Source("lbf", v1::SOURCE_KIND_FUND, 75'01);
  Source("kk", v1::SOURCE_KIND_MUNICIPALITY, 24'99);
  v1::GetCofundingReportRequest request;
  request.set_parent("plans/p");
  auto report = Must<v1::CofundingReport>("ReportService/GetCofundingReport", request, anna_);
  ASSERT_EQ(report.parts_size(), 1);
  EXPECT_FALSE(report.parts(0).met());
  EXPECT_EQ(report.parts(0).missing().minor_units(), 1);
  EXPECT_EQ(report.parts(0).share_basis_points(), 2499);
  EXPECT_EQ(report.regulation(), "regulations/2019-26");
  v1::UpdateSourceRequest update;
  update.mutable_source()->set_name(SourceName("kk"));
  *update.mutable_source()->mutable_amount() = Dkk(25'01);
  Must<v1::Source>("SourceService/UpdateSource", update, anna_);
  EXPECT_TRUE(Must<v1::CofundingReport>("ReportService/GetCofundingReport", request, anna_).parts(0).met());
}

// M6: only focus areas that the plan has chosen; M9: an extension has sources and a budget of its own.
TEST_P(SourcesTest, M6AndM9ABudgetKeepsToThePlanAndItsParts) {
  Funded(0);
  Refused<v1::Budget>("BudgetService/CreateBudget", BudgetRequest({{"sundhed", "lbf", 2022, 1000'00}}), kPrecondition,
                      "FOCUS_AREA_NOT_CHOSEN", anna_);
  auto extra = SourceRequest("lbf2", v1::SOURCE_KIND_FUND, 500'00);
  extra.mutable_source()->set_extension("e1");
  EXPECT_THAT(Refused<v1::Source>("SourceService/CreateSource", extra, kInvalid, "BAD_REQUEST", anna_).fields,
              ElementsAre("source.extension"));
  ProposeExtension("e1", "2026-07-01", 500'00);
  Must<v1::Source>("SourceService/CreateSource", extra, anna_);
  // The old budget stretched over another year: refused. Left alone beside the new money: fine.
  Refused<v1::Budget>("BudgetService/CreateBudget",
                      BudgetRequest({{"beskaeftigelse", "lbf", 2022, 600'00},
                                     {"uddannelse-livschancer", "lbf", 2023, 400'00},
                                     {"beskaeftigelse", "lbf2", 2026, 500'00}}),
                      kPrecondition, "BUDGET_LINE_FIXED", anna_);
  Budget({{"beskaeftigelse", "lbf", 2022, 600'00},
          {"uddannelse-livschancer", "lbf", 2022, 400'00},
          {"beskaeftigelse", "lbf2", 2026, 500'00}});
  v1::GetCofundingReportRequest request;
  request.set_parent("plans/p");
  auto const report = Must<v1::CofundingReport>("ReportService/GetCofundingReport", request, anna_);
  ASSERT_EQ(report.parts_size(), 2);
  EXPECT_EQ(report.parts(0).total().minor_units(), 1000'00);
  EXPECT_EQ(report.parts(1).extension(), "e1");
  EXPECT_EQ(report.parts(1).total().minor_units(), 500'00);
}

v1::CreateReallocationRequest Moving(Ore amount) {
  v1::CreateReallocationRequest request;
  request.set_parent("plans/p");
  request.mutable_reallocation()->set_reason("fewer jobs, more school");
  for (auto const& [area, change] :
       std::vector<std::pair<std::string, Ore>>{{"beskaeftigelse", -amount}, {"uddannelse-livschancer", amount}}) {
    auto& move = *request.mutable_reallocation()->add_moves();
    move.set_focus_area(area);
    move.set_cost_kind("wages");
    move.set_source("plans/p/sources/lbf");
    move.set_year(2022);
    *move.mutable_change() = Dkk(change);
  }
  return request;
}

// M9: 18 months more, with money of their own; what was paid for the plan is not stretched over them.
TEST_P(SourcesTest, M9AnExtensionPaysForItselfAndForNothingElse) {
  Funded(1000'00);
  ProposeExtension("e1", "2027-07-01", 500'00);
  auto const extra = [&](std::string const& id, v1::SourceKind kind, Ore amount) {
    auto request = SourceRequest(id, kind, amount);
    request.mutable_source()->set_extension("e1");
    Must<v1::Source>("SourceService/CreateSource", request, anna_);
  };
  extra("lbf2", v1::SOURCE_KIND_FUND, 300'00);
  extra("kk2", v1::SOURCE_KIND_MUNICIPALITY, 200'00);
  std::vector<Cell> cells = {{"beskaeftigelse", "lbf", 2022, 600'00},
                             {"uddannelse-livschancer", "lbf", 2022, 400'00},
                             {"beskaeftigelse", "lbf2", 2026, 300'00},
                             {"beskaeftigelse", "kk2", 2025, 200'00}};
  EXPECT_THAT(Refused<v1::Budget>("BudgetService/CreateBudget", BudgetRequest(cells), kInvalid, "BAD_REQUEST", anna_).fields,
              ElementsAre("budget.lines[3].year"));
  cells[3].year = 2027;
  Budget(cells);
  EXPECT_EQ(ApplyExtensionRefused("e1").at("missing_count"), "4") << "two approvals, two sources that are not pledged";
  Pledge("lbf2");
  Pledge("kk2");
  ApplyExtension("e1");
  Approve("lbf2");
  Release("lbf2", 300'00);

  auto refusal = Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, "2026-02-01"),
                                           kPrecondition, "DATE_OUTSIDE_PLAN", anna_);
  EXPECT_EQ(refusal.metadata["period"], "2022-01-01/2026-01-01");
  auto stretched = Moving(1'00);
  stretched.mutable_reallocation()->mutable_moves(1)->set_year(2026);
  EXPECT_THAT(Refused<v1::Reallocation>("BudgetService/CreateReallocation", stretched, kInvalid, "BAD_REQUEST", anna_).fields,
              ElementsAre("reallocation.moves[1].year"));
  auto const of_extension = LineOf("beskaeftigelse", "lbf2", 2026);
  refusal = Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest(of_extension, 1'00, "2025-12-31"),
                                      kPrecondition, "DATE_OUTSIDE_PLAN", anna_);
  EXPECT_EQ(refusal.metadata["period"], "2026-01-01/2027-07-01");
  Post(Reserve(of_extension, 1'00, "2026-01-01"));

  // What the fund allows after the plan is not made smaller by an extension, and what it allows before is none of it.
  AllowExpenses("2021-10-01", "2022-01-01");
  AllowExpenses("2026-01-01", "2026-04-01");
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, "2026-02-01"), kPrecondition,
                            "DATE_OUTSIDE_PLAN", anna_);
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest(of_extension, 1'00, "2021-12-31"),
                            kPrecondition, "DATE_OUTSIDE_PLAN", anna_);
  CheckBooks();
}

// The same where the plan's own budget has a line of its last year: the fund's window reaches into the extension.
TEST_P(SourcesTest, M9TheFundMayAllowOldMoneyLater) {
  RunningPlan();
  Source("lbf", v1::SOURCE_KIND_FUND, 1000'00);
  Budget({{"beskaeftigelse", "lbf", 2025, 1000'00}});
  Pledge("lbf");
  Approve("lbf");
  Release("lbf", 1000'00);
  ProposeExtension("e1", "2027-07-01", 0);
  ApplyExtension("e1");
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, "2026-02-01"), kPrecondition,
                            "DATE_OUTSIDE_PLAN", anna_);
  AllowExpenses("2026-01-01", "2026-04-01");
  Post(Reserve("0001", 1'00, "2026-02-01"));
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, "2026-04-01"), kPrecondition,
                            "DATE_OUTSIDE_PLAN", anna_);
  // Extended once more, the plan's own budget ends where it did.
  ProposeExtension("e2", "2028-01-01", 0);
  ApplyExtension("e2");
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, "2026-04-01"), kPrecondition,
                            "DATE_OUTSIDE_PLAN", anna_);
}

// M7 and M10: sums to nothing, the fund's approval where it is needed, another person.
TEST_P(SourcesTest, M7ReallocationsNeedTheFundAndAnotherPerson) {
  Funded(1000'00);
  Post(Reserve("0001", 550'00));
  Refused<v1::Reallocation>("BudgetService/CreateReallocation", Moving(51'00), kPrecondition, "BUDGET_LINE_USED", anna_);
  auto unbalanced = Moving(10'00);
  *unbalanced.mutable_reallocation()->mutable_moves(1)->mutable_change() = Dkk(11'00);
  EXPECT_EQ(
      Refused<v1::Reallocation>("BudgetService/CreateReallocation", unbalanced, kPrecondition, "REALLOCATION_UNBALANCED", anna_)
          .metadata["sum"],
      "100");
  auto const proposed = Must<v1::Reallocation>("BudgetService/CreateReallocation", Moving(50'00), anna_);
  EXPECT_TRUE(proposed.needs_fund_approval());
  EXPECT_EQ(proposed.moved_between_focus_areas().minor_units(), 50'00);
  v1::ApproveReallocationRequest approve;
  approve.set_name(proposed.name());
  Refused<v1::Reallocation>("BudgetService/ApproveReallocation", approve, kPrecondition, "FUND_APPROVAL_MISSING", bo_);
  approve.set_approval_reference("LBF 2022-11-02");
  EXPECT_EQ(Refused<v1::Reallocation>("BudgetService/ApproveReallocation", approve, kDenied, "FOUR_EYES_NEEDED", anna_)
                .metadata["made_by"],
            "anna");
  auto const approved = Must<v1::Reallocation>("BudgetService/ApproveReallocation", approve, bo_);
  EXPECT_EQ(approved.decided_by(), "bo");
  EXPECT_EQ(approved.budget(), "plans/p/budgets/000002");
  EXPECT_EQ(Line("0001").amount().minor_units(), 550'00);
  EXPECT_EQ(Line("0002").amount().minor_units(), 450'00);
  EXPECT_EQ(Line("0002").available().minor_units(), 450'00);
  Refused<v1::Reallocation>("BudgetService/ApproveReallocation", approve, kPrecondition, "ALREADY_DECIDED", bo_);
}

// M8: to the øre, with its proof.
TEST_P(SourcesTest, M8AnAmountIsSplitToTheOre) {
  RunningPlan();
  Source("housing", v1::SOURCE_KIND_ORGANISATION, 4'500'000'00);
  v1::ApportionSourceRequest request;
  request.set_name(SourceName("housing"));
  request.set_key(v1::APPORTIONMENT_KEY_DWELLINGS);
  for (int i = 0; i < 19; ++i) {
    auto& weight = *request.add_weights();
    weight.set_department(absl::StrCat("organisations/9001/departments/", 100 + i));
    weight.set_weight(i < 12 ? 217 : 218 + i);
  }
  auto const split = Must<v1::Apportionment>("SourceService/ApportionSource", request, anna_);
  Ore sum = 0;
  std::map<std::int64_t, std::pair<Ore, Ore>> by_weight;
  for (auto const& part : split.parts()) {
    sum += part.amount().minor_units();
    auto& range = by_weight.try_emplace(part.weight(), part.amount().minor_units(), part.amount().minor_units()).first->second;
    range.first = std::min(range.first, part.amount().minor_units());
    range.second = std::max(range.second, part.amount().minor_units());
  }
  EXPECT_EQ(sum, 4'500'000'00);
  EXPECT_EQ(split.proof().sum().minor_units(), 4'500'000'00);
  EXPECT_EQ(split.proof().floors().minor_units() + split.proof().residual_units(), 4'500'000'00);
  for (auto const& [_, range] : by_weight) EXPECT_LE(range.second - range.first, 1);
  v1::GetApportionmentRequest get;
  get.set_name(split.name());
  auto stored = Must<v1::Apportionment>("SourceService/GetApportionment", get, anna_);
  EXPECT_THAT(stored, EqualsProto(split));
  // The organisations' money by department.
  Budget({{"beskaeftigelse", "housing", 2022, 4'500'000'00}});
  v1::GetBudgetReportRequest by_department;
  by_department.set_parent("plans/p");
  by_department.add_group_by(v1::REPORT_DIMENSION_DEPARTMENT);
  auto const report = Must<v1::BudgetReport>("ReportService/GetBudgetReport", by_department, anna_);
  ASSERT_EQ(report.rows_size(), 19);
  for (int i = 0; i < 19; ++i) EXPECT_THAT(report.rows(i).budget(), EqualsProto(split.parts(i).amount()));
}

TEST_P(SourcesTest, WeightsThatCannotBeAreRefused) {
  RunningPlan();
  Source("housing", v1::SOURCE_KIND_ORGANISATION, 100);
  v1::ApportionSourceRequest request;
  request.set_name(SourceName("housing"));
  request.set_key(v1::APPORTIONMENT_KEY_GIVEN);
  Refused<v1::Apportionment>("SourceService/ApportionSource", request, kInvalid, "BAD_REQUEST", anna_);
  for (int i = 0; i < 2; ++i) request.add_weights()->set_department("organisations/9001/departments/001");
  Refused<v1::Apportionment>("SourceService/ApportionSource", request, kInvalid, "BAD_REQUEST", anna_);
}

// M12: hours are counted only where the regulation says so, and never paid.
TEST_P(SourcesTest, M12HoursNeverEnterTheBooks) {
  RunningPlan();
  auto hours = SourceRequest("timer", v1::SOURCE_KIND_MUNICIPALITY, 500'00);
  hours.mutable_source()->set_contribution(v1::CONTRIBUTION_IN_KIND_HOURS);
  hours.mutable_source()->set_hours(10);
  Must<v1::Source>("SourceService/CreateSource", hours, anna_);
  Source("lbf", v1::SOURCE_KIND_FUND, 500'00);
  v1::GetCofundingReportRequest cofunding;
  cofunding.set_parent("plans/p");
  EXPECT_EQ(Must<v1::CofundingReport>("ReportService/GetCofundingReport", cofunding, anna_).parts(0).local().minor_units(), 0);
  Budget({{"beskaeftigelse", "timer", 2022, 500'00}});
  Pledge("timer");
  Approve("timer");
  EXPECT_THAT(CheckBooks(), IsEmpty());
  Refused<v1::Release>("SourceService/CreateRelease", ReleaseRequest("timer", 1'00), kPrecondition, "IN_KIND_NOT_PAID", anna_);
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00), kPrecondition,
                            "IN_KIND_NOT_PAID", anna_);
  Must<v1::Source>("SourceService/ReconcileSource", ActRequest<v1::ReconcileSourceRequest>("timer"), anna_);
}

TEST_P(SourcesTest, OnlyWhatIsProposedAndInNoBudgetIsRemoved) {
  RunningPlan();
  Source("lbf", v1::SOURCE_KIND_FUND, 100);
  Source("kk", v1::SOURCE_KIND_MUNICIPALITY, 100);
  Source("fond", v1::SOURCE_KIND_EXTERNAL, 100);
  Budget({{"beskaeftigelse", "lbf", 2022, 100}});
  Budget({{"beskaeftigelse", "kk", 2022, 100}});
  v1::DeleteSourceRequest request;
  for (auto const* id : {"lbf", "kk"}) {
    request.set_name(SourceName(id));
    Refused<google::protobuf::Empty>("SourceService/DeleteSource", request, kPrecondition, "SOURCE_IN_BUDGET", anna_);
  }
  Pledge("kk");
  Refused<google::protobuf::Empty>("SourceService/DeleteSource", request, kPrecondition, "SOURCE_STATE_WRONG", anna_);
  request.set_name(SourceName("fond"));
  Must<google::protobuf::Empty>("SourceService/DeleteSource", request, anna_);
}

TEST_P(SourcesTest, AnEndedPlanTakesNoMoney) {
  RunningPlan();
  SetPlanState(v1::PLAN_STATE_WITHDRAWN);
  EXPECT_EQ(Refused<v1::Source>("SourceService/CreateSource", SourceRequest("lbf", v1::SOURCE_KIND_FUND, 100), kPrecondition,
                                "PLAN_NOT_OPEN", anna_)
                .metadata["state"],
            "WITHDRAWN");
  SetPlanState(v1::PLAN_STATE_DRAFTING);
  Source("lbf", v1::SOURCE_KIND_FUND, 100);
  Budget({{"beskaeftigelse", "lbf", 2022, 100}});
  Pledge("lbf");
  Approve("lbf");
  Refused<v1::Release>("SourceService/CreateRelease", ReleaseRequest("lbf", 100), kPrecondition, "PLAN_NOT_OPEN", anna_);
}

// M11: the same act twice is one act; another one under its id is refused.
TEST_P(SourcesTest, M11ARepeatedCallIsOneAct) {
  Funded(1000'00);
  auto request = DisbursementRequest("0001", 10'00);
  request.set_request_id("00000000-0000-4000-8000-000000000001");
  auto const first = Must<v1::Disbursement>("LedgerService/CreateDisbursement", request, anna_);
  auto const second = Must<v1::Disbursement>("LedgerService/CreateDisbursement", request, anna_);
  EXPECT_THAT(second, EqualsProto(first));
  EXPECT_EQ(BalanceOf("reserved.lbf"), 10'00);
  *request.mutable_disbursement()->mutable_amount() = Dkk(11'00);
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", request, kInvalid, "REQUEST_ID_REUSED", anna_);
}

TEST_P(SourcesTest, AValidatedCallLeavesNothing) {
  Funded(1000'00);
  auto request = DisbursementRequest("0001", 10'00);
  request.set_validate_only(true);
  std::string const before = Content();
  Must<v1::Disbursement>("LedgerService/CreateDisbursement", request, anna_);
  EXPECT_EQ(Content(), before);
  request.mutable_disbursement()->mutable_amount()->set_minor_units(1000'01);
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", request, kPrecondition, "BEYOND_BUDGET", anna_);
}

}  // namespace
}  // namespace helhed::funding::testing
