#include "services/activities/domain/clearance.h"

#include <algorithm>

#include "services/platform/base/civil.h"

namespace helhed::activities {

bool IsClearedOn(v1::Clearance const& clearance, absl::CivilDay day) {
  if (clearance.state() == v1::CLEARANCE_STATE_NOT_CLEARED || clearance.state() == v1::CLEARANCE_STATE_LEFT) return false;
  auto const from = ToCivil(clearance.decide_date());
  auto const until = ToCivil(clearance.expire_date());
  return from && until && *from <= day && day < *until;
}

v1::ClearanceState StateOn(v1::Clearance const& clearance, absl::CivilDay day) {
  if (clearance.state() != v1::CLEARANCE_STATE_CLEARED) return clearance.state();
  auto const until = ToCivil(clearance.expire_date());
  return until && *until <= day ? v1::CLEARANCE_STATE_RENEWAL_DUE : v1::CLEARANCE_STATE_CLEARED;
}

absl::CivilDay MonthsAfter(absl::CivilDay day, int months) {
  absl::CivilMonth const month = absl::CivilMonth(day) + months;
  auto const last = absl::CivilDay(month + 1) - 1;
  return absl::CivilDay(month.year(), month.month(), std::min(day.day(), last.day()));
}

}  // namespace helhed::activities
