#include <gmock/gmock.h>

#include <algorithm>

#include "services/funding/testing/money_fixture.h"

// What the money has to say to the steps of its plan, asked through WhatIsMissing with the plan's own books behind it.
namespace helhed::funding::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class BooksGateTest : public MoneyTest {
 protected:
  using Items = std::vector<std::pair<v1::MissingKind, std::string>>;

  v1::WhatIsMissingResponse Asked() {
    v1::WhatIsMissingRequest request;
    request.set_name("plans/p");
    return Must<v1::WhatIsMissingResponse>("PlanService/WhatIsMissing", request, anna_);
  }
  // What is missing of the kinds that are about money.
  Items Missing() {
    Items items;
    auto const asked = Asked();
    for (auto const& item : asked.missing()) {
      if (item.kind() >= v1::MISSING_KIND_SOURCES && item.kind() <= v1::MISSING_KIND_SETTLEMENT) {
        items.emplace_back(item.kind(), item.subject());
      }
    }
    return items;
  }
};
HELHED_BOTH_ENGINES(BooksGateTest);

// M2 and M3
TEST_P(BooksGateTest, SourcesAndBudgetAreOneAmountAndEnoughOfItIsLocal) {
  Plan("p");
  EXPECT_THAT(Missing(),
              AllOf(Contains(Pair(v1::MISSING_KIND_SOURCES, "plans/p")), Contains(Pair(v1::MISSING_KIND_BUDGET_LINES, "plans/p")),
                    Contains(Pair(v1::MISSING_KIND_LOCAL_COFUNDING, "plans/p"))));
  auto const asked = Asked();
  for (auto const& item : asked.missing()) EXPECT_THAT(item.due_date(), EqualsProto(Date("2022-01-01"))) << "by when";
  Source("lbf", v1::SOURCE_KIND_FUND, 23'250'000'00);
  Source("kk", v1::SOURCE_KIND_MUNICIPALITY, 7'749'999'99);
  Budget({{"beskaeftigelse", "lbf", 2022, 23'250'000'00}});
  // An øre short of the budget and of a quarter; the municipality's money is in no line; nobody has pledged.
  EXPECT_THAT(Missing(), AllOf(Contains(Pair(v1::MISSING_KIND_SOURCES, "plans/p")),
                               Contains(Pair(v1::MISSING_KIND_SOURCES, SourceName("lbf"))),
                               Contains(Pair(v1::MISSING_KIND_SOURCES, SourceName("kk"))),
                               Contains(Pair(v1::MISSING_KIND_BUDGET_LINES, SourceName("kk"))),
                               Not(Contains(Pair(v1::MISSING_KIND_BUDGET_LINES, SourceName("lbf")))),
                               Contains(Pair(v1::MISSING_KIND_LOCAL_COFUNDING, "plans/p"))));
  v1::UpdateSourceRequest update;
  update.mutable_source()->set_name(SourceName("kk"));
  *update.mutable_source()->mutable_amount() = Dkk(7'750'000'00);
  Must<v1::Source>("SourceService/UpdateSource", update, anna_);
  Budget({{"beskaeftigelse", "lbf", 2022, 23'250'000'00}, {"beskaeftigelse", "kk", 2022, 7'750'000'00}});
  Pledge("lbf");
  Pledge("kk");
  EXPECT_THAT(Missing(), IsEmpty()) << "a quarter to the øre is enough";
}

// M4: approved is not released, and somebody is told.
TEST_P(BooksGateTest, MoneyThatIsApprovedAndNotReleasedIsWarnedAbout) {
  Funded(0);
  auto const due = GetSource("lbf").release_due_date();
  auto const warned = Asked();
  ASSERT_EQ(warned.warnings_size(), 1) << warned.ShortDebugString();
  EXPECT_EQ(warned.warnings(0).kind(), v1::MISSING_KIND_RELEASE);
  EXPECT_EQ(warned.warnings(0).subject(), SourceName("lbf"));
  EXPECT_THAT(warned.warnings(0).due_date(), EqualsProto(due));
  Release("lbf", 1000'00);
  EXPECT_EQ(Asked().warnings_size(), 0);
}

TEST_P(BooksGateTest, AccountsAreSubmittedWhenNothingIsUnderWayAndMonthsAreClosed) {
  Funded(500'00);
  auto const reserved = Reserve("0001", 10'00, "2022-03-04");
  SetPlanState(v1::PLAN_STATE_CLOSING);
  EXPECT_THAT(Missing(), AllOf(Contains(Pair(v1::MISSING_KIND_SETTLEMENT, reserved.name())),
                               Contains(Pair(v1::MISSING_KIND_SETTLEMENT, "plans/p/periods/2022-03")),
                               Contains(Pair(v1::MISSING_KIND_SETTLEMENT, SourceName("lbf")))));
  Post(reserved);
  EXPECT_THAT(Missing(), Not(Contains(Pair(v1::MISSING_KIND_SETTLEMENT, reserved.name()))));
  v1::RequestPeriodClosingRequest ask;
  ask.set_name("plans/p/periods/2022-03");
  Must<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, anna_);
  v1::ClosePeriodRequest close;
  close.set_name(ask.name());
  Must<v1::AccountingPeriod>("LedgerService/ClosePeriod", close, bo_);
  EXPECT_THAT(Missing(), Not(Contains(Pair(v1::MISSING_KIND_SETTLEMENT, "plans/p/periods/2022-03"))));
}

TEST_P(BooksGateTest, APlanIsFinishedWhenItsSourcesAreSettled) {
  Funded(0);
  SetPlanState(v1::PLAN_STATE_AUDITED);
  v1::FinishPlanRequest finish;
  finish.set_name("plans/p");
  Refused<v1::Plan>("PlanService/FinishPlan", finish, kPrecondition, "PLAN_NOT_READY");
  SetPlanState(v1::PLAN_STATE_CLOSING);
  Must<v1::Source>("SourceService/LapseSource", ActRequest<v1::LapseSourceRequest>("lbf"), anna_);
  SetPlanState(v1::PLAN_STATE_AUDITED);
  EXPECT_EQ(Must<v1::Plan>("PlanService/FinishPlan", finish).state(), v1::PLAN_STATE_CLOSED);
}

}  // namespace
}  // namespace helhed::funding::testing
