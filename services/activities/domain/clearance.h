#pragma once

#include <absl/time/civil_time.h>

#include "helhed/activities/v1/volunteer.pb.h"

// The clearance of a volunteer (domain.md 8.5, P8).
namespace helhed::activities {

// Whether the volunteer may be with children on the day: there is a clearance, given by then and relied on that day, and nothing
// later speaks against it. While it is being renewed the one before goes on holding until its date.
bool IsClearedOn(v1::Clearance const& clearance, absl::CivilDay day);

// The state on the day: CLEARED becomes RENEWAL_DUE on the day from which it is not relied on any more.
v1::ClearanceState StateOn(v1::Clearance const& clearance, absl::CivilDay day);

// The day `months` after; one that the month does not have becomes its last (31 January and a month: 28 February).
absl::CivilDay MonthsAfter(absl::CivilDay day, int months);

}  // namespace helhed::activities
