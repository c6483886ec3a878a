#include "services/residents/domain/retention.h"

#include <gmock/gmock.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"
#include "services/residents/domain/days_for_test.h"

namespace helhed::residents {
namespace {

TEST(AddMonths, AMonthThatIsTooShortEndsOnItsLastDay) {
  EXPECT_EQ(AddMonths(Day("2025-01-31"), 1), Day("2025-02-28"));
  EXPECT_EQ(AddMonths(Day("2024-01-31"), 1), Day("2024-02-29"));
  EXPECT_EQ(AddMonths(Day("2025-11-30"), 3), Day("2026-02-28"));
  EXPECT_EQ(AddMonths(Day("2025-03-31"), -1), Day("2025-02-28"));
  EXPECT_EQ(AddMonths(Day("2025-03-15"), 0), Day("2025-03-15"));
  EXPECT_EQ(AddMonths(Day("2024-02-29"), 12), Day("2025-02-28"));
}

TEST(DueUntil, IsTheLastDayThatHasBeenKeptLongEnough) {
  testing::ForAllSeeds(2000, [](SeededRandom& random) {
    auto const today = Day("2020-01-01") + random.Between(0, 4000);
    auto const months = static_cast<int>(random.Between(0, 120));
    auto const due = DueUntil(today, months);
    EXPECT_LE(AddMonths(due, months), today);
    EXPECT_GT(AddMonths(due + 1, months), today);
  });
}

v1::RetentionPolicy Policy(std::string const& name, std::string const& controller, std::string_view start,
                           std::string_view end = "") {
  v1::RetentionPolicy policy;
  policy.set_name(name);
  policy.set_subject(v1::RETENTION_SUBJECT_FORMER_RESIDENT);
  policy.set_controller(controller);
  *policy.mutable_period() = ToProtoRange({Day(start), end.empty() ? std::nullopt : std::optional(Day(end))});
  return policy;
}

TEST(PoliciesOn, HoldDuringTheirPeriod) {
  std::vector<v1::RetentionPolicy> const policies = {Policy("a", "", "2020-01-01", "2025-01-01"), Policy("b", "", "2025-01-01"),
                                                     Policy("c", "organisations/9001", "2025-06-01")};
  auto const names = [&](std::string_view day) {
    std::string text;
    for (auto const& policy : PoliciesOn(policies, v1::RETENTION_SUBJECT_FORMER_RESIDENT, Day(day))) text += policy.name();
    return text;
  };
  EXPECT_EQ(names("2019-12-31"), "");
  EXPECT_EQ(names("2024-12-31"), "a");
  EXPECT_EQ(names("2025-01-01"), "b");
  EXPECT_EQ(names("2025-06-01"), "bc");
  EXPECT_TRUE(PoliciesOn(policies, v1::RETENTION_SUBJECT_ENDED_CONSENT, Day("2025-06-01")).empty());
}

TEST(CheckPolicy, OneAtATimeForAControllerAndSubject) {
  std::vector<v1::RetentionPolicy> const others = {Policy("a", "", "2020-01-01", "2025-01-01")};
  EXPECT_THAT(CheckPolicy(Policy("b", "", "2025-01-01"), others), testing::IsOk());
  EXPECT_THAT(CheckPolicy(Policy("b", "", "2024-12-31"), others),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(CheckPolicy(Policy("a", "", "2024-12-31"), others), testing::IsOk());
  EXPECT_THAT(CheckPolicy(Policy("b", "organisations/9001", "2024-12-31"), others), testing::IsOk());
}

TEST(StateOfErasure, HoldsAndArchivesKeepItBack) {
  EXPECT_EQ(StateOfErasure(false, "organisations/9001", ""), v1::ERASURE_STATE_ERASED);
  EXPECT_EQ(StateOfErasure(true, "organisations/9001", ""), v1::ERASURE_STATE_HELD);
  EXPECT_EQ(StateOfErasure(false, "municipalities/0101", ""), v1::ERASURE_STATE_ARCHIVE_PENDING);
  EXPECT_EQ(StateOfErasure(false, "municipalities/0101", "SA-1"), v1::ERASURE_STATE_ERASED);
  EXPECT_EQ(StateOfErasure(true, "municipalities/0101", "SA-1"), v1::ERASURE_STATE_HELD);
}

}  // namespace
}  // namespace helhed::residents
