#include "services/funding/service/requests.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

namespace helhed::funding {

std::string_view PlanOf(std::string_view name) {
  auto const first = name.find('/');
  return first == std::string_view::npos ? name : name.substr(0, name.find('/', first + 1));
}

std::string_view PlanIdOf(std::string_view name) { return contract::LastPart(PlanOf(name)); }

std::string PlanName(std::string_view plan_id) { return absl::StrCat("plans/", Av(plan_id)); }

std::string IdOr(CallContext const& call, std::string const& chosen) { return chosen.empty() ? call.NewId() : chosen; }

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

std::string JsonArray(std::vector<std::string> const& texts) {
  return texts.empty() ? "[]" : absl::StrCat("[\"", absl::StrJoin(texts, "\",\""), "\"]");
}

}  // namespace helhed::funding
