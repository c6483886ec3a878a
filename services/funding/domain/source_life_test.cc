#include "services/funding/domain/source_life.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Source In(v1::SourceState state, v1::Contribution contribution = v1::CONTRIBUTION_CASH) {
  v1::Source source;
  source.set_name("plans/a/sources/lbf");
  source.set_state(state);
  source.set_contribution(contribution);
  return source;
}

TEST(SourceLife, ARefusalSaysWhereItIsAndWhatIsPossible) {
  auto const status = CheckAct(In(v1::SOURCE_STATE_PLEDGED), SourceAct::kRelease, {});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "SOURCE_STATE_WRONG"));
  EXPECT_EQ(MetadataOf(status)["state"], "PLEDGED");
  EXPECT_EQ(MetadataOf(status)["allowed"], "approve");
}

// Every act is possible in just the states that it is drawn from.
TEST(SourceLife, ActsArePossibleWhereTheyAreDrawn) {
  SourceTotals const totals{.granted = 100, .approved = 40, .released = 30, .reserved = 0};
  std::map<SourceAct, int> possible;
  for (int state = v1::SOURCE_STATE_PROPOSED; state <= v1::SOURCE_STATE_REPAID; ++state) {
    for (auto const act : {SourceAct::kPledge, SourceAct::kApprove, SourceAct::kRelease, SourceAct::kReserve, SourceAct::kLapse,
                           SourceAct::kReconcile, SourceAct::kDemandRepayment, SourceAct::kRepay, SourceAct::kClose}) {
      if (CheckAct(In(static_cast<v1::SourceState>(state)), act, totals).ok()) ++possible[act];
    }
  }
  EXPECT_THAT(
      possible,
      ElementsAre(std::pair(SourceAct::kPledge, 1), std::pair(SourceAct::kApprove, 1), std::pair(SourceAct::kRelease, 3),
                  std::pair(SourceAct::kReserve, 2), std::pair(SourceAct::kLapse, 3), std::pair(SourceAct::kReconcile, 1),
                  std::pair(SourceAct::kDemandRepayment, 2), std::pair(SourceAct::kRepay, 1), std::pair(SourceAct::kClose, 3)));
}

// M12: never paid.
TEST(SourceLife, HoursAreNeverReleasedAndNeverPaid) {
  auto const hours = In(v1::SOURCE_STATE_APPROVED, v1::CONTRIBUTION_IN_KIND_HOURS);
  EXPECT_THAT(CheckAct(hours, SourceAct::kRelease, {}), StatusIs(absl::StatusCode::kFailedPrecondition, "IN_KIND_NOT_PAID"));
  EXPECT_THAT(CheckAct(hours, SourceAct::kReserve, {}), StatusIs(absl::StatusCode::kFailedPrecondition, "IN_KIND_NOT_PAID"));
  EXPECT_THAT(CheckAct(hours, SourceAct::kReconcile, {}), IsOk());
}

TEST(SourceLife, FollowsFromTheBooks) {
  EXPECT_EQ(StateByTotals({100, 100, 0, 0}), v1::SOURCE_STATE_APPROVED);
  EXPECT_EQ(StateByTotals({100, 60, 40, 0}), v1::SOURCE_STATE_RELEASED);
  EXPECT_EQ(StateByTotals({100, 0, 60, 40}), v1::SOURCE_STATE_RELEASED);
  EXPECT_EQ(StateByTotals({100, 60, 0, 0}), v1::SOURCE_STATE_PARTLY_PAID);
  EXPECT_EQ(StateByTotals({100, 0, 0, 0}), v1::SOURCE_STATE_PAID);
}

TEST(SourceLife, MoneyIsNotLeftBehind) {
  auto const paid = In(v1::SOURCE_STATE_PARTLY_PAID);
  EXPECT_THAT(CheckAct(paid, SourceAct::kDemandRepayment, {100, 0, 10, 5}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "MONEY_NOT_SETTLED"));
  EXPECT_THAT(CheckAct(paid, SourceAct::kDemandRepayment, {100, 0, 0, 0}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "MONEY_NOT_SETTLED"));
  EXPECT_THAT(CheckAct(paid, SourceAct::kLapse, {100, 0, 10, 0}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "MONEY_NOT_SETTLED"));
}

// Money that is approved and not released is warned about from its day on (domain.md 1.3.7, 8.2).
TEST(SourceLife, AnOverdueReleaseWarns) {
  auto const source = In(v1::SOURCE_STATE_APPROVED);
  absl::CivilDay const due(2022, 6, 30);
  EXPECT_THAT(WarningsOf(source, {100, 100, 0, 0}, true, due - 1, due), IsEmpty());
  EXPECT_THAT(WarningsOf(source, {100, 100, 0, 0}, true, due, due), ElementsAre(v1::SOURCE_WARNING_RELEASE_OVERDUE));
  EXPECT_THAT(WarningsOf(In(v1::SOURCE_STATE_RELEASED), {100, 1, 99, 0}, true, due, due),
              ElementsAre(v1::SOURCE_WARNING_RELEASE_OVERDUE));
  EXPECT_THAT(WarningsOf(In(v1::SOURCE_STATE_RELEASED), {100, 0, 100, 0}, false, due, due),
              ElementsAre(v1::SOURCE_WARNING_NOT_IN_BUDGET));
}

}  // namespace
}  // namespace helhed::funding
