#pragma once

#include <string>
#include <string_view>

#include "helhed/activities/v1/calendar_service.pb.h"

namespace helhed::activities {

// The UID of a session in calendars, from its name: `plans/amager/activities/kor/sessions/1` -> `1.kor.amager@helhed.dk`.
std::string UidOf(std::string_view session);

// The calendar as an iCalendar object (RFC 5545), by libical: the same calendar gives the same bytes.
std::string ToICalendar(v1::Calendar const& calendar, std::string_view title);

}  // namespace helhed::activities
