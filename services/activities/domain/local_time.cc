#include "services/activities/domain/local_time.h"

#include <absl/strings/str_format.h>

#include "helhed/activities/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/base/zone.h"

namespace helhed::activities {
std::optional<absl::CivilMinute> ParseLocal(std::string_view text) {
  if (text.size() != 16 || text[10] != 'T' || text[13] != ':') return std::nullopt;
  auto const day = FromIsoDate(text.substr(0, 10));
  auto const digits = [&](std::size_t at) -> std::optional<int> {
    int value = 0;
    for (char const c : text.substr(at, 2)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  auto const hour = digits(11);
  auto const minute = digits(14);
  if (!day || !hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return absl::CivilMinute(day->year(), day->month(), day->day(), *hour, *minute);
}

std::string FormatLocal(absl::CivilMinute local) {
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d", local.year(), local.month(), local.day(), local.hour(), local.minute());
}

std::optional<absl::Time> InstantOf(absl::CivilMinute local) {
  auto const info = Copenhagen().At(absl::CivilSecond(local));
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) return std::nullopt;
  return info.pre;
}

absl::CivilMinute LocalAt(absl::Time time) { return absl::CivilMinute(Copenhagen().At(time).cs); }

absl::StatusOr<absl::Time> ReadLocal(std::string_view text, std::string_view field) {
  auto const local = ParseLocal(text);
  if (!local) return BadRequest({{std::string(field), "must be an existing date and time of day, `2026-09-01T17:00`"}});
  if (auto const instant = InstantOf(*local)) return *instant;
  auto const next = Copenhagen().At(absl::CivilSecond(*local)).trans;
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_TIME_DOES_NOT_EXIST,
               "the clock in Copenhagen never shows this time: summer time begins, and it goes on an hour later",
               {{"field", std::string(field)}, {"next", FormatLocal(LocalAt(next))}});
}

}  // namespace helhed::activities
