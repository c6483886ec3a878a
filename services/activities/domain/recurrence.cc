#include "services/activities/domain/recurrence.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <libical/ical.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "helhed/activities/v1/errors.pb.h"
#include "services/activities/domain/local_time.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

namespace helhed::activities {
namespace {

absl::Status Invalid(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_RECURRENCE_INVALID,
               Sv(absl::StrCat("not a recurrence that can be kept: ", Av(what))), {{"rule", std::string(what)}});
}

absl::Status TooLong() {
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_RECURRENCE_TOO_LONG,
               "a series has a limited number of sessions; go on with another series",
               {{"sessions_max", std::to_string(kSessionsMax)}});
}

// A rule without its end, which is kept here: libical counts days on which the hour does not exist, the RFC does not.
struct Rule {
  std::string endless;
  std::optional<int> count;
  std::optional<absl::CivilMinute> until;
};

// `20261001T150000Z` in UTC, `20261001T170000` in Copenhagen, `20261001` for all of that day.
std::optional<absl::CivilMinute> ParseUntil(std::string_view text) {
  auto const time = icaltime_from_string(std::string(text).c_str());
  if (icaltime_is_null_time(time) != 0 || icaltime_is_valid_time(time) == 0) return std::nullopt;
  if (time.is_date != 0) return absl::CivilMinute(time.year, time.month, time.day, 23, 59);
  absl::CivilSecond const civil(time.year, time.month, time.day, time.hour, time.minute, time.second);
  if (icaltime_is_utc(time) == 0) return absl::CivilMinute(civil);
  return LocalAt(absl::FromCivil(civil, absl::UTCTimeZone()));
}

absl::Status TakePart(std::string const& key, std::string const& value, Rule& rule) {
  if (key == "COUNT") {
    int count = 0;
    if (!absl::SimpleAtoi(value, &count) || count < 1) return Invalid("COUNT is a number from 1 on");
    rule.count = count;
  } else if (key == "UNTIL") {
    rule.until = ParseUntil(value);
    if (!rule.until) return Invalid("UNTIL is a date with a time");
  } else {
    absl::StrAppend(&rule.endless, rule.endless.empty() ? "" : ";", key, "=", value);
  }
  return absl::OkStatus();
}

absl::StatusOr<Rule> Parse(std::string_view text) {
  static constexpr std::string_view kParts[] = {"FREQ",      "INTERVAL", "COUNT",   "UNTIL",    "BYDAY", "BYMONTHDAY",
                                                "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST"};
  static constexpr std::string_view kFrequencies[] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
  Rule rule;
  std::map<std::string, std::string> seen;
  for (auto const part : absl::StrSplit(Av(text), ';')) {
    std::vector<std::string> const sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (sides.size() != 2 || sides[1].empty()) return Invalid("each part is NAME=VALUE");
    if (std::find(std::begin(kParts), std::end(kParts), sides[0]) == std::end(kParts)) {
      return Invalid(
          "its parts are FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYMONTH, BYSETPOS, WKST");
    }
    if (!seen.emplace(sides[0], sides[1]).second) return Invalid("each part stands once");
    RETURN_IF_ERROR(TakePart(sides[0], sides[1], rule));
  }
  if (std::find(std::begin(kFrequencies), std::end(kFrequencies), seen["FREQ"]) == std::end(kFrequencies)) {
    return Invalid("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY");
  }
  if (rule.count && rule.until) return Invalid("COUNT and UNTIL do not stand together");
  if (!rule.count && !rule.until) {
    return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_RECURRENCE_ENDLESS,
                 "the recurrence never ends; give it a COUNT or an UNTIL");
  }
  return rule;
}

using Iterator = std::unique_ptr<icalrecur_iterator, decltype(&icalrecur_iterator_free)>;

absl::StatusOr<Iterator> Begin(Rule const& rule, absl::CivilMinute first) {
  auto recurrence = icalrecurrencetype_from_string(rule.endless.c_str());
  if (recurrence.freq == ICAL_NO_RECURRENCE) return Invalid("a value of it cannot be read");
  icaltimetype start = icaltime_null_time();
  start.year = static_cast<int>(first.year());
  start.month = first.month();
  start.day = first.day();
  start.hour = first.hour();
  start.minute = first.minute();
  Iterator iterator(icalrecur_iterator_new(recurrence, start), &icalrecur_iterator_free);
  if (iterator == nullptr) return Invalid("its parts do not fit together");
  return iterator;
}

absl::Status CheckExceptions(std::set<absl::CivilDay> const& exceptions, std::set<absl::CivilDay> const& met) {
  int index = 0;
  for (auto const& day : exceptions) {
    if (met.count(day) == 0) {
      return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_EXCEPTION_NOT_AN_OCCURRENCE,
                   "there would be no session on this day anyway", {{"index", std::to_string(index)}, {"date", ToIsoDate(day)}});
    }
    ++index;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<absl::CivilMinute>> Expand(std::string_view text, absl::CivilMinute first,
                                                      std::set<absl::CivilDay> const& exceptions) {
  ASSIGN_OR_RETURN(auto const rule, Parse(text));
  ASSIGN_OR_RETURN(auto const iterator, Begin(rule, first));
  std::vector<absl::CivilMinute> starts;
  std::set<absl::CivilDay> met;
  int counted = 0;
  for (bool at_first = true; !rule.count || counted < *rule.count; at_first = false) {
    auto const next = icalrecur_iterator_next(iterator.get());
    if (icaltime_is_null_time(next) != 0) break;
    absl::CivilMinute const local(next.year, next.month, next.day, next.hour, next.minute);
    // RFC 5545, 3.8.5.3: what comes of a start that the rule does not give is undefined.
    if (at_first && local != first) return Invalid("it begins with local_start, on a day of the rule");
    if (rule.until && local > *rule.until) break;
    if (!InstantOf(local)) continue;
    if (++counted > kSessionsMax) return TooLong();
    if (exceptions.count(absl::CivilDay(local)) != 0) {
      met.insert(absl::CivilDay(local));
    } else {
      starts.push_back(local);
    }
  }
  RETURN_IF_ERROR(CheckExceptions(exceptions, met));
  if (starts.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_RECURRENCE_EMPTY,
                 "the rule and its exceptions leave no session");
  }
  return starts;
}

}  // namespace helhed::activities
