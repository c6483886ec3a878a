#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>
#include <google/type/date.pb.h>

#include <optional>
#include <string>
#include <string_view>

#include "helhed/common/v1/date_range.pb.h"

// Civil dates: google.type.Date in the contract, absl::CivilDay in code, `YYYY-MM-DD` in the store, where text sorts as time
// does.
namespace helhed {

// nullopt when the message is not a full, existing date of the years 1 to 9999 (30 February, or a year alone).
std::optional<absl::CivilDay> ToCivil(google::type::Date const& date);
google::type::Date ToProtoDate(absl::CivilDay day);

std::string ToIsoDate(absl::CivilDay day);
// nullopt when `text` is not exactly an existing date as YYYY-MM-DD.
std::optional<absl::CivilDay> FromIsoDate(std::string_view text);

// A half-open period; no `end` means until further notice.
struct Period {
  absl::CivilDay start;
  std::optional<absl::CivilDay> end;

  bool Contains(absl::CivilDay day) const { return start <= day && (!end || day < *end); }
  bool Contains(Period const& other) const { return start <= other.start && (!end || (other.end && *other.end <= *end)); }
  bool Overlaps(Period const& other) const { return (!end || other.start < *end) && (!other.end || start < *other.end); }
  friend bool operator==(Period const&, Period const&) = default;
};

// The error is a BAD_REQUEST that names the field below `field`: a date that does not exist, no start, an end that is not after
// it.
absl::StatusOr<Period> ToPeriod(common::v1::DateRange const& range, std::string_view field);
common::v1::DateRange ToProtoRange(Period const& period);
// `2022-01-01/2026-01-01`, `2022-01-01/..` (ISO 8601).
std::string ToIsoPeriod(Period const& period);

}  // namespace helhed
