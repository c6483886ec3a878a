#include "services/platform/base/civil.h"

#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed {
namespace {

using ::helhed::testing::IsOk;
using ::helhed::testing::StatusIs;

google::type::Date D(int y, int m, int d) {
  google::type::Date date;
  date.set_year(y);
  date.set_month(m);
  date.set_day(d);
  return date;
}

TEST(Civil, KnowsWhichDatesExist) {
  EXPECT_TRUE(ToCivil(D(2024, 2, 29)));
  EXPECT_FALSE(ToCivil(D(2023, 2, 29)));
  EXPECT_FALSE(ToCivil(D(1900, 2, 29)));
  EXPECT_TRUE(ToCivil(D(2000, 2, 29)));
  EXPECT_FALSE(ToCivil(D(2023, 2, 0)));
  EXPECT_FALSE(ToCivil(D(0, 2, 1)));
  EXPECT_FALSE(ToCivil(D(2023, 13, 1)));
}

TEST(Civil, ReadsOnlyTheExactForm) {
  EXPECT_EQ(FromIsoDate("2022-01-01"), absl::CivilDay(2022, 1, 1));
  for (auto const* bad : {"2022-1-1", "2022-02-30", "22-01-01", "2022-01-01 ", "2022/01/01", "", "202a-01-01"}) {
    EXPECT_EQ(FromIsoDate(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ToIsoDate(absl::CivilDay(987, 6, 5)), "0987-06-05");
}

TEST(Period, IsHalfOpen) {
  Period const plan{absl::CivilDay(2022, 1, 1), absl::CivilDay(2026, 1, 1)};
  EXPECT_TRUE(plan.Contains(absl::CivilDay(2025, 12, 31)));
  EXPECT_FALSE(plan.Contains(absl::CivilDay(2026, 1, 1)));
  EXPECT_FALSE(plan.Overlaps({absl::CivilDay(2026, 1, 1), std::nullopt}));
  EXPECT_TRUE(plan.Overlaps({absl::CivilDay(2025, 12, 31), std::nullopt}));
}

TEST(Period, NamesEveryFieldThatIsWrong) {
  common::v1::DateRange range;
  *range.mutable_start_date() = D(2022, 2, 30);
  *range.mutable_end_date() = D(2022, 2, 31);
  auto const result = ToPeriod(range, "dwelling.period");
  ASSERT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_EQ(ViolationsOf(result.status()).size(), 2u);
  *range.mutable_start_date() = D(2022, 2, 1);
  *range.mutable_end_date() = D(2022, 2, 1);
  EXPECT_EQ(ViolationsOf(ToPeriod(range, "p").status()).at(0).field, "p.end_date");
  range.clear_end_date();
  EXPECT_THAT(ToPeriod(range, "p"), IsOk());
}

}  // namespace
}  // namespace helhed
