#include "services/funding/domain/budget_report.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;

v1::BudgetLine Line(std::string const& area, std::string const& source, int year, Ore amount, Ore spent) {
  v1::BudgetLine line;
  line.set_focus_area(area);
  line.set_cost_kind("wages");
  line.set_source("plans/a/sources/" + source);
  line.set_year(year);
  *line.mutable_amount() = ToMoney(amount);
  *line.mutable_spent() = ToMoney(spent);
  return line;
}

TEST(BudgetReport, EveryRowSaysWhichPostingsAreBehindIt) {
  ReportInput input;
  input.lines = {Line("jobs", "lbf", 2022, 100, 30), Line("jobs", "town", 2022, 50, 20), Line("school", "lbf", 2023, 10, 0)};
  auto const report = MakeBudgetReport(input, {v1::REPORT_DIMENSION_FOCUS_AREA, v1::REPORT_DIMENSION_YEAR});
  ASSERT_THAT(report, IsOk());
  ASSERT_EQ(report->rows_size(), 2);
  EXPECT_EQ(report->rows(0).budget().minor_units(), 150);
  EXPECT_EQ(report->rows(0).spent().minor_units(), 50);
  EXPECT_EQ(report->rows(0).remaining().minor_units(), 100);
  EXPECT_EQ(report->rows(0).postings_filter(), "spends = true AND focus_area = \"jobs\" AND year = 2022");
  EXPECT_EQ(report->total().budget().minor_units(), 160);
  EXPECT_EQ(report->total().postings_filter(), "spends = true");
}

TEST(BudgetReport, OfADateSaysNothingAboutWhatIsReservedNow) {
  ReportInput input;
  input.lines = {Line("jobs", "lbf", 2022, 100, 30)};
  input.as_of_date = "2022-06-30";
  auto const report = MakeBudgetReport(input, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->total().has_reserved());
  EXPECT_EQ(report->total().postings_filter(), "spends = true AND entry_date <= \"2022-06-30\"");
}

// Whatever it is grouped by, the rows sum to the plan.
TEST(BudgetReport, RowsAlwaysSumToTheTotal) {
  ForAllSeeds(500, [](SeededRandom& random) {
    ReportInput input;
    Ore budget = 0, spent = 0;
    for (int i = 0; i < 12; ++i) {
      Ore const amount = random.Between(0, 1'000'000);
      Ore const used = random.Between(0, amount);
      budget += amount;
      spent += used;
      input.lines.push_back(Line(random.Between(0, 1) == 0 ? "jobs" : "school", random.Between(0, 1) == 0 ? "lbf" : "housing",
                                 static_cast<int>(random.Between(2022, 2025)), amount, used));
    }
    for (int i = 0; i < 19; ++i) {
      input.departments["plans/a/sources/housing"].push_back({absl::StrCat("d", 10 + i), random.Between(1, 500)});
    }
    for (std::set<v1::ReportDimension> const& by : {std::set<v1::ReportDimension>{},
                                                    {v1::REPORT_DIMENSION_DEPARTMENT},
                                                    {v1::REPORT_DIMENSION_DEPARTMENT, v1::REPORT_DIMENSION_SOURCE},
                                                    {v1::REPORT_DIMENSION_COST_KIND, v1::REPORT_DIMENSION_SOURCE}}) {
      auto const report = MakeBudgetReport(input, by);
      ASSERT_THAT(report, IsOk());
      Ore rows_budget = 0, rows_spent = 0;
      for (auto const& row : report->rows()) {
        rows_budget += row.budget().minor_units();
        rows_spent += row.spent().minor_units();
      }
      EXPECT_EQ(rows_budget, budget);
      EXPECT_EQ(rows_spent, spent);
      EXPECT_EQ(report->total().budget().minor_units(), budget);
    }
  });
}

TEST(BudgetReport, DepartmentsGoAloneOrWithTheSource) {
  EXPECT_THAT(MakeBudgetReport({}, {v1::REPORT_DIMENSION_DEPARTMENT, v1::REPORT_DIMENSION_YEAR}),
              StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

}  // namespace
}  // namespace helhed::funding
