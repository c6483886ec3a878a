#include "services/platform/base/civil.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "services/platform/base/status.h"

namespace helhed {

std::optional<absl::CivilDay> ToCivil(google::type::Date const& date) {
  if (date.year() < 1 || date.year() > 9999 || date.month() < 1 || date.month() > 12 || date.day() < 1) return std::nullopt;
  absl::CivilDay const day(date.year(), date.month(), date.day());
  // CivilDay normalises (30 February becomes 2 March); a date that changes did not exist.
  if (day.month() != date.month() || day.day() != date.day()) return std::nullopt;
  return day;
}

google::type::Date ToProtoDate(absl::CivilDay day) {
  google::type::Date date;
  date.set_year(static_cast<int>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

std::string ToIsoDate(absl::CivilDay day) { return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day()); }

std::optional<absl::CivilDay> FromIsoDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  auto const digits = [&](std::size_t from, std::size_t count) {
    int number = 0;
    for (auto const c : text.substr(from, count)) {
      if (c < '0' || c > '9') return -1;
      number = number * 10 + (c - '0');
    }
    return number;
  };
  google::type::Date date;
  date.set_year(digits(0, 4));
  date.set_month(digits(5, 2));
  date.set_day(digits(8, 2));
  return ToCivil(date);
}

absl::StatusOr<Period> ToPeriod(common::v1::DateRange const& range, std::string_view field) {
  std::vector<FieldViolation> violations;
  auto const start = ToCivil(range.start_date());
  if (!start) violations.push_back({absl::StrCat(Av(field), ".start_date"), "must be a full date that exists"});
  std::optional<absl::CivilDay> end;
  if (range.has_end_date()) {
    end = ToCivil(range.end_date());
    if (!end) {
      violations.push_back({absl::StrCat(Av(field), ".end_date"), "must be a full date that exists, or absent"});
    } else if (start && *end <= *start) {
      violations.push_back({absl::StrCat(Av(field), ".end_date"), "must be after start_date: it is the day after the last one"});
    }
  }
  if (!violations.empty()) return BadRequest(std::move(violations));
  return Period{*start, end};
}

common::v1::DateRange ToProtoRange(Period const& period) {
  common::v1::DateRange range;
  *range.mutable_start_date() = ToProtoDate(period.start);
  if (period.end) *range.mutable_end_date() = ToProtoDate(*period.end);
  return range;
}

std::string ToIsoPeriod(Period const& period) {
  return absl::StrCat(ToIsoDate(period.start), "/", period.end ? ToIsoDate(*period.end) : "..");
}

}  // namespace helhed
