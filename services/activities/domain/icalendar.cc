#include "services/activities/domain/icalendar.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <libical/ical.h>

#include <memory>
#include <vector>

#include "services/platform/base/strings.h"

namespace helhed::activities {
namespace {

using Component = std::unique_ptr<icalcomponent, decltype(&icalcomponent_free)>;

icaltimetype Utc(google::protobuf::Timestamp const& time) {
  return icaltime_from_timet_with_zone(time.seconds(), 0, icaltimezone_get_utc_timezone());
}

// What belongs to a component goes with it.
icalcomponent* ToEvent(v1::CalendarEntry const& entry) {
  auto* const event = icalcomponent_new(ICAL_VEVENT_COMPONENT);
  icalcomponent_add_property(event, icalproperty_new_uid(entry.uid().c_str()));
  // RFC 5545, 3.8.7.2: without a METHOD it is when the event was last revised, and so the same for the same calendar.
  icalcomponent_add_property(event, icalproperty_new_dtstamp(Utc(entry.change_time())));
  icalcomponent_add_property(event, icalproperty_new_sequence(entry.sequence()));
  icalcomponent_add_property(event, icalproperty_new_dtstart(Utc(entry.start_time())));
  icalcomponent_add_property(event, icalproperty_new_dtend(Utc(entry.end_time())));
  icalcomponent_add_property(event, icalproperty_new_summary(entry.title().c_str()));
  if (!entry.description().empty()) icalcomponent_add_property(event, icalproperty_new_description(entry.description().c_str()));
  if (!entry.place().empty()) icalcomponent_add_property(event, icalproperty_new_location(entry.place().c_str()));
  icalcomponent_add_property(event, icalproperty_new_status(entry.cancelled() ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED));
  return event;
}

}  // namespace

std::string UidOf(std::string_view session) {
  std::vector<std::string> const parts = absl::StrSplit(Av(session), '/');
  return parts.size() == 6 ? absl::StrCat(parts[5], ".", parts[3], ".", parts[1], "@helhed.dk") : std::string(session);
}

std::string ToICalendar(v1::Calendar const& calendar, std::string_view title) {
  Component const root(icalcomponent_new(ICAL_VCALENDAR_COMPONENT), &icalcomponent_free);
  icalcomponent_add_property(root.get(), icalproperty_new_version("2.0"));
  icalcomponent_add_property(root.get(), icalproperty_new_prodid("-//Helhed//activities//DA"));
  auto* const name = icalproperty_new_x(std::string(title).c_str());
  icalproperty_set_x_name(name, "X-WR-CALNAME");
  icalcomponent_add_property(root.get(), name);
  for (auto const& entry : calendar.entries()) icalcomponent_add_component(root.get(), ToEvent(entry));
  std::unique_ptr<char, void (*)(void*)> const text(icalcomponent_as_ical_string_r(root.get()), &icalmemory_free_buffer);
  return text.get();
}

}  // namespace helhed::activities
