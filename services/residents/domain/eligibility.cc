#include "services/residents/domain/eligibility.h"

namespace helhed::residents {

absl::CivilDay LatestBirth(absl::CivilDay day, int age_years) {
  absl::CivilDay const birth(day.year() - age_years, day.month(), day.day());
  // 29 February of a common year is 1 March to absl, and whoever was born then is a day too young.
  return birth.month() == day.month() ? birth : birth - 1;
}

Eligibility EligibilityOn(absl::CivilDay day, absl::CivilDay birth, int voting_age_years, std::span<Belonging const> belongings) {
  Eligibility result{v1::VOTER_ELIGIBILITY_NO_MEMBER, {}};
  for (auto const& belonging : belongings) {
    bool const is_there =
        belonging.membership.Contains(day) && belonging.occupation.Contains(day) && belonging.stay.Contains(day);
    if (!is_there) continue;
    if (!belonging.registered) {
      result.verdict = v1::VOTER_ELIGIBILITY_NOT_REGISTERED;
      continue;
    }
    if (birth > LatestBirth(day, voting_age_years)) return {v1::VOTER_ELIGIBILITY_UNDER_AGE, {}};
    return {v1::VOTER_ELIGIBILITY_ELIGIBLE, belonging.household};
  }
  return result;
}

}  // namespace helhed::residents
