#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>

// The clock on the wall in Copenhagen, which skips an hour each spring and shows one twice each autumn.
namespace helhed::activities {

// `2026-09-01T17:00`; nullopt when it is not exactly an existing date and time of day.
std::optional<absl::CivilMinute> ParseLocal(std::string_view text);
std::string FormatLocal(absl::CivilMinute local);

// The instant at which the clock shows `local`; of two the first (RFC 5545, 3.3.5). nullopt when it never does.
std::optional<absl::Time> InstantOf(absl::CivilMinute local);

// What the clock shows at an instant.
absl::CivilMinute LocalAt(absl::Time time);

// The same as InstantOf for what a caller wrote in `field`. Errors: BAD_REQUEST; INVALID_ARGUMENT TIME_DOES_NOT_EXIST with the
// first time after.
absl::StatusOr<absl::Time> ReadLocal(std::string_view text, std::string_view field);

}  // namespace helhed::activities
