#include "services/platform/base/requests.h"

#include <string>
#include <utility>

namespace helhed {

absl::Status Verdict(std::vector<FieldViolation> violations) {
  return violations.empty() ? absl::OkStatus() : BadRequest(std::move(violations));
}

std::optional<Period> ReadPeriod(common::v1::DateRange const& range, std::string_view field,
                                 std::vector<FieldViolation>& violations) {
  auto const period = ToPeriod(range, field);
  if (period.ok()) return *period;
  for (auto& violation : ViolationsOf(period.status())) violations.push_back(std::move(violation));
  return std::nullopt;
}

Period StoredPeriod(common::v1::DateRange const& range) {
  Period period{ToCivil(range.start_date()).value_or(absl::CivilDay::min()), std::nullopt};
  if (range.has_end_date()) period.end = ToCivil(range.end_date());
  return period;
}

absl::StatusOr<absl::CivilDay> ReadDate(google::type::Date const& date, std::string_view field) {
  if (auto const day = ToCivil(date)) return *day;
  return BadRequest({{std::string(field), "must be an existing date with year, month and day"}});
}

}  // namespace helhed
