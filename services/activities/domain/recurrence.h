#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <set>
#include <string_view>
#include <vector>

// Recurrences after RFC 5545, 3.3.10, read by libical.
namespace helhed::activities {

inline constexpr int kSessionsMax = 400;

// When the sessions of a series start, in order: those of `rule` from `first` on, all by the same clock of Copenhagen, without
// those on `exceptions`. A day on which the clock never shows that hour is left out and not counted, as the RFC says; exceptions
// count. Errors, all INVALID_ARGUMENT: RECURRENCE_INVALID for what is no rule, has a frequency below a day, or does not begin
// with `first`; RECURRENCE_ENDLESS without COUNT and UNTIL; RECURRENCE_TOO_LONG; RECURRENCE_EMPTY; EXCEPTION_NOT_AN_OCCURRENCE.
absl::StatusOr<std::vector<absl::CivilMinute>> Expand(std::string_view rule, absl::CivilMinute first,
                                                      std::set<absl::CivilDay> const& exceptions);

}  // namespace helhed::activities
