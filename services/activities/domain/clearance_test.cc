#include "services/activities/domain/clearance.h"

#include <gmock/gmock.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::activities {
namespace {

v1::Clearance Cleared(std::string_view from, std::string_view until) {
  v1::Clearance clearance;
  clearance.set_state(v1::CLEARANCE_STATE_CLEARED);
  *clearance.mutable_decide_date() = ToProtoDate(*FromIsoDate(from));
  *clearance.mutable_expire_date() = ToProtoDate(*FromIsoDate(until));
  return clearance;
}

TEST(Clearance, HoldsFromItsDayUntilItsEnd) {
  auto const clearance = Cleared("2026-01-10", "2028-01-10");
  EXPECT_FALSE(IsClearedOn(clearance, absl::CivilDay(2026, 1, 9)));
  EXPECT_TRUE(IsClearedOn(clearance, absl::CivilDay(2026, 1, 10)));
  EXPECT_TRUE(IsClearedOn(clearance, absl::CivilDay(2028, 1, 9)));
  EXPECT_FALSE(IsClearedOn(clearance, absl::CivilDay(2028, 1, 10)));
  EXPECT_EQ(StateOn(clearance, absl::CivilDay(2028, 1, 9)), v1::CLEARANCE_STATE_CLEARED);
  EXPECT_EQ(StateOn(clearance, absl::CivilDay(2028, 1, 10)), v1::CLEARANCE_STATE_RENEWAL_DUE);
}

TEST(Clearance, HoldsWhileItIsRenewedAndNotOnceItIsRefused) {
  auto clearance = Cleared("2026-01-10", "2028-01-10");
  clearance.set_state(v1::CLEARANCE_STATE_REQUESTED);
  EXPECT_TRUE(IsClearedOn(clearance, absl::CivilDay(2027, 1, 1)));
  for (auto const state : {v1::CLEARANCE_STATE_NOT_CLEARED, v1::CLEARANCE_STATE_LEFT}) {
    clearance.set_state(state);
    EXPECT_FALSE(IsClearedOn(clearance, absl::CivilDay(2027, 1, 1)));
  }
  EXPECT_FALSE(IsClearedOn(v1::Clearance(), absl::CivilDay(2027, 1, 1)));
}

TEST(Clearance, MonthsEndWithTheMonth) {
  EXPECT_EQ(MonthsAfter(absl::CivilDay(2026, 1, 31), 1), absl::CivilDay(2026, 2, 28));
  EXPECT_EQ(MonthsAfter(absl::CivilDay(2024, 2, 29), 24), absl::CivilDay(2026, 2, 28));
  EXPECT_EQ(MonthsAfter(absl::CivilDay(2026, 11, 15), 2), absl::CivilDay(2027, 1, 15));
}

}  // namespace
}  // namespace helhed::activities
