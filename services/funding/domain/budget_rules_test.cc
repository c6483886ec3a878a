#include "services/funding/domain/budget_rules.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
std::string const kLbf = "plans/a/sources/lbf";
std::string const kTown = "plans/a/sources/town";

v1::Source Payer(std::string const& name, Ore amount, v1::SourceState state = v1::SOURCE_STATE_PLEDGED) {
  v1::Source source;
  source.set_name(name);
  source.set_state(state);
  *source.mutable_amount() = ToMoney(amount);
  return source;
}

BudgetFrame Frame(v1::SourceState lbf = v1::SOURCE_STATE_PLEDGED) {
  return {{"jobs", "school"},
          {{"", {absl::CivilDay(2022, 1, 1), absl::CivilDay(2026, 1, 1)}}},
          {Payer(kLbf, 100, lbf), Payer(kTown, 50)}};
}

v1::BudgetAmount Amount(std::string const& area, std::string const& source, int year, Ore amount) {
  v1::BudgetAmount line;
  line.set_focus_area(area);
  line.set_cost_kind("wages");
  line.set_source(source);
  line.set_year(year);
  *line.mutable_amount() = ToMoney(amount);
  return line;
}

v1::BudgetMove Change(std::string const& area, std::string const& source, int year, Ore change) {
  v1::BudgetMove move;
  move.set_focus_area(area);
  move.set_cost_kind("wages");
  move.set_source(source);
  move.set_year(year);
  *move.mutable_change() = ToMoney(change);
  return move;
}

absl::Status Budgeted(std::vector<v1::BudgetAmount> const& lines, Lines const& current = {}, BudgetFrame const& frame = Frame()) {
  return CheckBudget(lines, current, frame).status();
}

// M2: to the øre, for every source.
TEST(Budget, EqualsTheSourcesThatItSpends) {
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2022, 60), Amount("school", kLbf, 2023, 40), Amount("jobs", kTown, 2022, 50)}),
              IsOk());
  // A source that is not spent yet may be left out as a whole, not in part.
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2022, 100)}), IsOk());
  auto const unequal = Budgeted({Amount("jobs", kLbf, 2022, 99), Amount("jobs", kTown, 2022, 51)});
  EXPECT_THAT(unequal, StatusIs(absl::StatusCode::kFailedPrecondition, "BUDGET_UNEQUAL"));
  EXPECT_EQ(MetadataOf(unequal)["source"], kLbf);
  EXPECT_EQ(MetadataOf(unequal)["difference"], "1");
  EXPECT_THAT(Budgeted({Amount("jobs", kTown, 2022, 50)}, {}, Frame(v1::SOURCE_STATE_APPROVED)),
              StatusIs(absl::StatusCode::kFailedPrecondition, "BUDGET_UNEQUAL"));
}

TEST(Budget, KeepsWithinThePlan) {
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2026, 100)}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2021, 100)}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(Budgeted({Amount("jobs", "plans/a/sources/nobody", 2022, 0)}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2022, 50), Amount("jobs", kLbf, 2022, 50)}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2022, 150), Amount("school", kLbf, 2022, -50)}), StatusIs(kInvalid, "BAD_REQUEST"));
  // M6: only what the plan has chosen.
  EXPECT_THAT(Budgeted({Amount("health", kLbf, 2022, 100)}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "FOCUS_AREA_NOT_CHOSEN"));
}

// M9: what an approved source pays is not stretched by a new budget, as for an extension with sources of its own.
TEST(Budget, LeavesLinesOfApprovedSourcesAlone) {
  Lines const current = {{{"jobs", "wages", kLbf, 2022}, {"plans/a/budgetLines/0001", 100, 0}}};
  auto const frame = Frame(v1::SOURCE_STATE_APPROVED);
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2022, 100), Amount("jobs", kTown, 2022, 50)}, current, frame), IsOk());
  EXPECT_THAT(Budgeted({Amount("jobs", kLbf, 2022, 60), Amount("jobs", kLbf, 2023, 40)}, current, frame),
              StatusIs(absl::StatusCode::kFailedPrecondition, "BUDGET_LINE_FIXED"));
  EXPECT_THAT(Budgeted({Amount("school", kLbf, 2022, 100)}, current, frame),
              StatusIs(absl::StatusCode::kFailedPrecondition, "BUDGET_LINE_FIXED"));
}

// M9: each budget keeps to its own time, also where a plan does not end with a year.
TEST(Budget, OfAnExtensionIsForTheTimeThatItAdds) {
  Period const plan{absl::CivilDay(2022, 1, 1), absl::CivilDay(2025, 9, 1)};
  v1::Extension extension;
  *extension.mutable_end_date() = ToProtoDate(absl::CivilDay(2027, 1, 1));
  EXPECT_EQ(TimeOf(extension, plan), (Period{absl::CivilDay(2025, 9, 1), absl::CivilDay(2027, 1, 1)}));
  // Applied, and extended once more since.
  *extension.mutable_former_end_date() = ToProtoDate(absl::CivilDay(2025, 9, 1));
  Period const extended{plan.start, absl::CivilDay(2028, 1, 1)};
  EXPECT_EQ(TimeOf(extension, extended), (Period{absl::CivilDay(2025, 9, 1), absl::CivilDay(2027, 1, 1)}));

  auto frame = Frame();
  frame.times = {{"", plan}, {"e", TimeOf(extension, extended)}};
  frame.sources[1].set_extension("e");
  auto const years = [&](int own, int of_extension) {
    return Budgeted({Amount("jobs", kLbf, own, 100), Amount("jobs", kTown, of_extension, 50)}, {}, frame);
  };
  EXPECT_THAT(years(2025, 2025), IsOk());
  EXPECT_THAT(years(2022, 2026), IsOk());
  EXPECT_THAT(ViolationsOf(years(2026, 2026)), ::testing::SizeIs(1));
  EXPECT_THAT(ViolationsOf(years(2025, 2027)), ::testing::SizeIs(1));
  EXPECT_THAT(ViolationsOf(years(2025, 2024)), ::testing::SizeIs(1));
  frame.times.erase("e");
  EXPECT_EQ(ViolationsOf(years(2025, 2026)).at(0).field, "budget.lines[1].source");
}

// M6: the plan runs in 2022 to 2025, and a line is of one year.
TEST(Expense, IsDatedInThePlanOrAWindowAndInTheYearOfItsLine) {
  Period const plan{absl::CivilDay(2022, 1, 1), absl::CivilDay(2026, 1, 1)};
  auto const missed = [&](int year, absl::CivilDay day, bool in_window) {
    return ExpensePeriodMissed({plan, plan, false, year}, day, in_window);
  };
  EXPECT_EQ(missed(2022, absl::CivilDay(2022, 1, 1), false), "");
  EXPECT_EQ(missed(2022, absl::CivilDay(2022, 12, 31), false), "");
  EXPECT_EQ(missed(2022, absl::CivilDay(2023, 1, 1), false), "2022");
  EXPECT_EQ(missed(2023, absl::CivilDay(2022, 12, 31), true), "2023");
  // Before the first day and after the last one the fund decides; it is the first year's, or the last one's.
  for (auto const& [year, day] : {std::pair(2022, absl::CivilDay(2021, 12, 31)), std::pair(2025, absl::CivilDay(2026, 1, 1))}) {
    EXPECT_TRUE(NeedsExpenseWindow({plan, plan, false, year}, day));
    EXPECT_EQ(missed(year, day, false), "2022-01-01/2026-01-01");
    EXPECT_EQ(missed(year, day, true), "");
    EXPECT_EQ(missed(2023, day, true), "2023");
  }
  EXPECT_FALSE(NeedsExpenseWindow({plan, plan, false, 2022}, absl::CivilDay(2022, 1, 1)));
}

// M9: the plan ran to 2026 and goes on to the middle of 2027.
TEST(Expense, OfAnExtensionIsDatedInTheExtensionAndOfThePlanBeforeIt) {
  Period const plan{absl::CivilDay(2022, 1, 1), absl::CivilDay(2027, 7, 1)};
  ExpenseTime const own{plan, {plan.start, absl::CivilDay(2026, 1, 1)}, false, 2025};
  ExpenseTime const added{plan, {absl::CivilDay(2026, 1, 1), absl::CivilDay(2027, 7, 1)}, true, 2026};
  EXPECT_EQ(ExpensePeriodMissed(own, absl::CivilDay(2026, 2, 1), false), "2022-01-01/2026-01-01");
  EXPECT_EQ(ExpensePeriodMissed(own, absl::CivilDay(2026, 2, 1), true), "") << "the fund may allow it";
  EXPECT_EQ(ExpensePeriodMissed(added, absl::CivilDay(2026, 1, 1), false), "");
  for (auto const day : {absl::CivilDay(2025, 12, 31), absl::CivilDay(2021, 12, 31)}) {
    EXPECT_FALSE(NeedsExpenseWindow(added, day));
    EXPECT_EQ(ExpensePeriodMissed(added, day, true), "2026-01-01/2027-07-01")
        << "the fund allows the plan's, not the extension's";
  }
  // An extension that is only proposed has a time that the plan does not have yet.
  ExpenseTime const proposed{{plan.start, absl::CivilDay(2026, 1, 1)}, added.budget, true, 2026};
  EXPECT_EQ(ExpensePeriodMissed(proposed, absl::CivilDay(2026, 1, 1), false), "2026-01-01/2027-07-01");
}

TEST(Reallocation, SumsToNothingForEverySource) {
  Lines const current = {{{"jobs", "wages", kLbf, 2022}, {"plans/a/budgetLines/0001", 100, 30}},
                         {{"jobs", "wages", kTown, 2022}, {"plans/a/budgetLines/0002", 50, 0}}};
  auto const frame = Frame(v1::SOURCE_STATE_APPROVED);
  auto const moved = [&](std::vector<v1::BudgetMove> const& moves) { return CheckReallocation(moves, current, frame); };
  auto const fine = moved({Change("jobs", kLbf, 2022, -70), Change("school", kLbf, 2023, 70)});
  ASSERT_THAT(fine, IsOk());
  EXPECT_EQ(fine->moved_between_focus_areas, 70);
  EXPECT_EQ(fine->amounts.at({"jobs", "wages", kLbf, 2022}), 30);
  // Within a focus area nothing is moved between them.
  EXPECT_EQ(moved({Change("jobs", kLbf, 2022, -70), Change("jobs", kLbf, 2023, 70)})->moved_between_focus_areas, 0);
  // M7.
  auto const unbalanced = moved({Change("jobs", kLbf, 2022, -10), Change("school", kTown, 2022, 10)});
  EXPECT_THAT(unbalanced, StatusIs(absl::StatusCode::kFailedPrecondition, "REALLOCATION_UNBALANCED"));
  EXPECT_THAT(moved({Change("jobs", kLbf, 2022, -71), Change("school", kLbf, 2022, 71)}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "BUDGET_LINE_USED"));
  EXPECT_THAT(moved({Change("jobs", kLbf, 2022, -101), Change("school", kLbf, 2022, 101)}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(moved({Change("jobs", kLbf, 2022, -1), Change("health", kLbf, 2022, 1)}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "FOCUS_AREA_NOT_CHOSEN"));
}

// M7: above the threshold, exactly.
TEST(Reallocation, NeedsTheFundAboveTheThreshold) {
  EXPECT_FALSE(NeedsFundApproval(1000, 10'000, 1000));
  EXPECT_TRUE(NeedsFundApproval(1001, 10'000, 1000));
  EXPECT_TRUE(NeedsFundApproval(1, 10'000, std::nullopt));
  EXPECT_FALSE(NeedsFundApproval(0, 10'000, std::nullopt));
  EXPECT_FALSE(NeedsFundApproval(0, 0, 0));
}

// Whatever is moved, the budget goes on to equal the sources.
TEST(Reallocation, NeverChangesWhatASourceGives) {
  ForAllSeeds(500, [](SeededRandom& random) {
    BudgetFrame frame = Frame(v1::SOURCE_STATE_APPROVED);
    Lines lines = {{{"jobs", "wages", kLbf, 2022}, {"1", 100, random.Between(0, 100)}},
                   {{"jobs", "wages", kTown, 2022}, {"2", 50, random.Between(0, 50)}}};
    for (int i = 0; i < 10; ++i) {
      std::vector<v1::BudgetMove> moves;
      for (int j = 0; j < 3; ++j) {
        moves.push_back(Change(random.Between(0, 1) == 0 ? "jobs" : "school", random.Between(0, 1) == 0 ? kLbf : kTown,
                               static_cast<int>(random.Between(2022, 2024)), random.Between(-20, 20)));
      }
      auto const result = CheckReallocation(moves, lines, frame);
      if (!result.ok()) continue;
      for (auto const& [cell, amount] : result->amounts) lines[cell].amount = amount;
      EXPECT_TRUE(Compare(frame.sources, lines).empty());
      for (auto const& [cell, line] : lines) EXPECT_GE(line.amount, line.used);
    }
  });
}

}  // namespace
}  // namespace helhed::funding
