#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

namespace helhed {

// The zone in which the law counts dates: Europe/Copenhagen. Aborts when the system has no time zone data (package tzdata),
// because then every date would silently be wrong.
absl::TimeZone Copenhagen();

// The civil date in Copenhagen at an instant.
absl::CivilDay DateIn(absl::Time time);

}  // namespace helhed
