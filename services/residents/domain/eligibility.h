#pragma once

#include <absl/time/civil_time.h>

#include <span>
#include <string>

#include "helhed/residents/v1/democracy.pb.h"
#include "services/platform/base/civil.h"

// Who may vote in a department: adult members of its households who have their registered address there on the day (domain.md
// V2). The votes belong to the household, and are as many whatever its size (V1).
namespace helhed::residents {

// The latest day of birth of those who are `age_years` old on `day`. Whoever was born on 29 February gets older on 1 March of a
// common year.
absl::CivilDay LatestBirth(absl::CivilDay day, int age_years);

// A person's membership of a household, and when that was in the department. All three periods count.
struct Belonging {
  std::string household;
  bool registered = false;
  Period membership;
  Period occupation;
  Period stay;
};

struct Eligibility {
  v1::VoterEligibility verdict = v1::VOTER_ELIGIBILITY_UNSPECIFIED;
  // Of which household, when the person may vote.
  std::string household;
};

// `belongings` are the person's in that department, on whatever days.
Eligibility EligibilityOn(absl::CivilDay day, absl::CivilDay birth, int voting_age_years, std::span<Belonging const> belongings);

}  // namespace helhed::residents
