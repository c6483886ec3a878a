#include "services/activities/service/calendar_service.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "helhed/activities/v1/errors.pb.h"
#include "services/activities/domain/icalendar.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/hash.h"
#include "services/platform/base/times.h"

namespace helhed::activities {
namespace {

using storage::Statement;

constexpr std::int64_t kEntriesMax = 2000;

// Drafts are seen by nobody outside. An empty text stands for every department, organisation or activity. Only columns that are
// public in the contract.
Statement const kEntries(
    "activities.calendar",
    "SELECT s.activity, s.session, s.start_time, s.end_time, s.state, s.sequence, s.update_time, a.display_name, a.description, "
    "a.place FROM sessions s JOIN activities a ON a.plan = s.plan AND a.activity = s.activity "
    "WHERE s.plan = $1 AND s.start_time >= $2 AND s.start_time < $3 AND a.open_to_all AND a.state <> 1 "
    "AND (a.successor IS NULL OR NOT EXISTS (SELECT 1 FROM sessions n WHERE n.plan = a.successor_plan "
    "AND n.activity = a.successor AND n.session = s.session)) "
    "AND ($4 = '' OR a.department_organisation = $4) AND ($5 = '' OR a.department = $5) AND ($6 = '' OR a.activity = $6) "
    "ORDER BY s.start_time, s.activity, s.session LIMIT $7");

v1::CalendarEntry EntryOf(storage::Rows const& rows, std::size_t row, std::string const& plan) {
  v1::CalendarEntry entry;
  entry.set_activity(absl::StrCat(plan, "/activities/", rows.Text(row, 0)));
  entry.set_uid(UidOf(absl::StrCat(entry.activity(), "/sessions/", rows.Text(row, 1))));
  *entry.mutable_start_time() = Stamp(absl::FromUnixMicros(rows.Int64(row, 2)));
  *entry.mutable_end_time() = Stamp(absl::FromUnixMicros(rows.Int64(row, 3)));
  entry.set_cancelled(rows.Int64(row, 4) == 2);
  entry.set_sequence(static_cast<int>(rows.Int64(row, 5)));
  *entry.mutable_change_time() = Stamp(absl::FromUnixMicros(rows.Int64(row, 6)));
  entry.set_title(rows.Text(row, 7));
  entry.set_description(rows.Text(row, 8));
  entry.set_place(rows.Text(row, 9));
  return entry;
}

// What of a plan is asked for: both requests have these fields.
template <typename Request>
absl::StatusOr<v1::Calendar> Read(Store& store, CallContext const& call, Request const& request, absl::CivilDay from, int days) {
  std::vector<std::string> const department = absl::StrSplit(request.department(), '/');
  std::string const organisation = department.size() == 4 ? department[1] : "";
  std::string const number = department.size() == 4 ? department[3] : "";
  auto const at = [](absl::CivilDay day) { return absl::ToUnixMicros(absl::FromCivil(day, Copenhagen())); };
  return store.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Calendar> {
    ASSIGN_OR_RETURN(
        auto const rows,
        tx.Query(kEntries, {contract::LastPart(request.parent()), at(from), at(from + days), std::string_view(organisation),
                            std::string_view(number), request.activity().empty() ? "" : contract::LastPart(request.activity()),
                            kEntriesMax + 1}));
    if (rows.size() > static_cast<std::size_t>(kEntriesMax)) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CALENDAR_TOO_LARGE,
                   "ask for fewer days, a department or an activity", {{"entries_max", std::to_string(kEntriesMax)}});
    }
    v1::Calendar calendar;
    for (std::size_t row = 0; row < rows.size(); ++row) *calendar.add_entries() = EntryOf(rows, row, request.parent());
    return calendar;
  });
}

}  // namespace

void CalendarService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.CalendarService", method, this, handler);
  };
  on("GetCalendar", &CalendarService::GetCalendar);
  on("GetCalendarFeed", &CalendarService::GetCalendarFeed);
  on("DownloadCalendar", &CalendarService::DownloadCalendar);
}

absl::StatusOr<v1::Calendar> CalendarService::GetCalendar(CallContext const& call, v1::GetCalendarRequest const& request) {
  auto const from = request.has_from_date() ? ToCivil(request.from_date()) : std::optional(call.Today());
  if (!from) return BadRequest({{"from_date", "must be an existing date"}});
  return Read(store_, call, request, *from, request.day_count() == 0 ? 90 : request.day_count());
}

absl::StatusOr<v1::CalendarFeed> CalendarService::GetCalendarFeed(CallContext const& call,
                                                                  v1::GetCalendarFeedRequest const& request) {
  constexpr int back = 30;
  constexpr int ahead = 366;
  ASSIGN_OR_RETURN(auto const calendar, Read(store_, call, request, call.Today() - back, back + ahead));
  v1::CalendarFeed feed;
  feed.set_content_type("text/calendar; charset=utf-8");
  feed.set_content(ToICalendar(calendar, contract::LastPart(request.parent())));
  feed.set_etag(Sha256Hex(feed.content()).substr(0, 32));
  feed.set_not_modified(feed.etag() == request.if_none_match());
  if (feed.not_modified()) feed.clear_content();
  return feed;
}

absl::StatusOr<google::api::HttpBody> CalendarService::DownloadCalendar(CallContext const& call,
                                                                        v1::DownloadCalendarRequest const& request) {
  v1::GetCalendarFeedRequest of;
  of.set_parent(request.parent());
  of.set_department(request.department());
  of.set_activity(request.activity());
  ASSIGN_OR_RETURN(auto feed, GetCalendarFeed(call, of));
  google::api::HttpBody file;
  file.set_content_type(feed.content_type());
  file.set_data(std::move(*feed.mutable_content()));
  return file;
}

}  // namespace helhed::activities
