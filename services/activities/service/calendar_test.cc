#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "helhed/activities/v1/calendar_service.pb.h"
#include "services/activities/testing/fixture.h"

namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What python3-icalendar, which shares no code with libical, reads: a line each, `uid sequence status start end summary`.
std::vector<std::string> Parsed(std::string const& content) {
  std::string path = ::testing::TempDir() + "helhed-calendar-XXXXXX";
  int const made = mkstemp(path.data());
  EXPECT_GE(made, 0);
  close(made);
  std::ofstream(path) << content;
  auto const command = absl::StrCat(
      "/usr/bin/python3 -c \"import sys, icalendar\n"
      "for e in icalendar.Calendar.from_ical(open(sys.argv[1], 'rb').read()).walk('VEVENT'):\n"
      "  print(e['UID'], e['SEQUENCE'], e['STATUS'], e['DTSTART'].dt.isoformat(), e['DTEND'].dt.isoformat(), e['SUMMARY'])\" ",
      path);
  std::string text;
  FILE* const pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (auto const n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0);
  std::remove(path.c_str());
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

class CalendarTest : public ActivitiesTest {
 protected:
  std::string Public(std::string const& id, std::string const& department = "") {
    Draft("x-" + id);
    auto request = ActivityRequest(id);
    request.mutable_activity()->set_open_to_all(true);
    request.mutable_activity()->set_display_name("Fællesspisning; kom, og vær med");
    request.mutable_activity()->set_responsible("hemmelig-medarbejder");
    request.mutable_activity()->set_department(department);
    auto const name = Must<v1::Activity>("ActivityService/CreateActivity", request).name();
    Advance(name, v1::ACTIVITY_STEP_PLAN);
    return name;
  }
  std::string Session(std::string const& activity, std::string_view start) {
    auto request = SessionRequest(activity, start);
    request.set_session_id("s1");
    return Must<v1::Session>("SessionService/CreateSession", request).name();
  }
  v1::CalendarFeed Feed(std::string const& department = "", std::string const& activity = "", std::string const& etag = "") {
    v1::GetCalendarFeedRequest request;
    request.set_parent("plans/amager");
    request.set_department(department);
    request.set_activity(activity);
    request.set_if_none_match(etag);
    return Must<v1::CalendarFeed>("CalendarService/GetCalendarFeed", request);
  }
  v1::Calendar Calendar() {
    v1::GetCalendarRequest request;
    request.set_parent("plans/amager");
    return Must<v1::Calendar>("CalendarService/GetCalendar", request);
  }
};

TEST_P(CalendarTest, TheFileIsTheFeed) {
  Session(Public("spis"), "2126-04-03T18:00");
  auto const feed = Feed();
  v1::DownloadCalendarRequest request;
  request.set_parent("plans/amager");
  auto const file = Must<google::api::HttpBody>("CalendarService/DownloadCalendar", request);
  EXPECT_EQ(file.content_type(), "text/calendar; charset=utf-8");
  EXPECT_EQ(file.data(), feed.content());
}

TEST_P(CalendarTest, AMovedAndCancelledSessionKeepsItsUid) {
  auto const session = Session(Public("spis"), "2126-04-03T18:00");
  EXPECT_THAT(Parsed(Feed().content()),
              ElementsAre("s1.spis.amager@helhed.dk 0 CONFIRMED 2126-04-03T16:00:00+00:00 2126-04-03T18:00:00+00:00 "
                          "Fællesspisning; kom, og vær med"));
  v1::MoveSessionRequest move;
  move.set_name(session);
  move.set_local_start("2126-04-04T18:00");
  Must<v1::Session>("SessionService/MoveSession", move);
  v1::CancelSessionRequest cancel;
  cancel.set_name(session);
  cancel.set_reason("Syg");
  Must<v1::Session>("SessionService/CancelSession", cancel);
  EXPECT_THAT(Parsed(Feed().content()),
              ElementsAre("s1.spis.amager@helhed.dk 2 CANCELLED 2126-04-04T16:00:00+00:00 2126-04-04T18:00:00+00:00 "
                          "Fællesspisning; kom, og vær med"));
  ASSERT_EQ(Calendar().entries_size(), 1);
  EXPECT_TRUE(Calendar().entries(0).cancelled());
}

TEST_P(CalendarTest, OnlyWhatIsOpenToAllAndNoDraft) {
  Session(Open("lukket").name(), "2126-04-03T18:00");
  auto request = ActivityRequest("kladde");
  request.mutable_activity()->set_open_to_all(true);
  Session(Must<v1::Activity>("ActivityService/CreateActivity", request).name(), "2126-04-03T18:00");
  EXPECT_THAT(Calendar().entries(), IsEmpty());
  EXPECT_THAT(Parsed(Feed().content()), IsEmpty());
}

TEST_P(CalendarTest, FeedsOfADepartmentAndOfAnActivity) {
  Session(Public("a", "organisations/9003/departments/022"), "2126-04-03T18:00");
  Session(Public("b", "organisations/9003/departments/021"), "2126-04-03T18:00");
  EXPECT_EQ(Parsed(Feed().content()).size(), 2U);
  EXPECT_EQ(Parsed(Feed("organisations/9003/departments/022").content()).size(), 1U);
  EXPECT_EQ(Parsed(Feed("", "plans/amager/activities/b").content()).size(), 1U);
}

TEST_P(CalendarTest, UnchangedItIsTheSame) {
  auto const session = Session(Public("a"), "2126-04-03T18:00");
  auto const feed = Feed();
  clock().Advance(absl::Minutes(10));
  auto const again = Feed("", "", feed.etag());
  EXPECT_TRUE(again.not_modified());
  EXPECT_EQ(again.content(), "");
  v1::CancelSessionRequest cancel;
  cancel.set_name(session);
  cancel.set_reason("Syg");
  Must<v1::Session>("SessionService/CancelSession", cancel);
  EXPECT_FALSE(Feed("", "", feed.etag()).not_modified());
}

TEST_P(CalendarTest, MoreThanAnAnswerHoldsIsRefusedAndNotCut) {
  for (auto const* id : {"a", "b", "c", "d", "e", "f"}) {
    v1::CreateSeriesRequest request;
    request.set_parent(Public(id));
    request.set_series_id("dag");
    request.mutable_series()->set_recurrence_rule("FREQ=DAILY;COUNT=360");
    request.mutable_series()->set_local_start("2126-03-02T17:00");
    request.mutable_series()->set_duration_minutes(60);
    Must<v1::Series>("SessionService/CreateSeries", request);
  }
  v1::GetCalendarRequest request;
  request.set_parent("plans/amager");
  request.set_day_count(366);
  EXPECT_EQ(Refused<v1::Calendar>("CalendarService/GetCalendar", request, kPrecondition, "CALENDAR_TOO_LARGE")
                .metadata.at("entries_max"),
            "2000");
  request.set_activity("plans/amager/activities/a");
  EXPECT_EQ(Must<v1::Calendar>("CalendarService/GetCalendar", request).entries_size(), 360);
}

TEST_P(CalendarTest, NothingPersonalStandsInIt) {
  Session(Public("a"), "2126-04-03T18:00");
  auto const feed = Feed();
  EXPECT_FALSE(absl::StrContains(feed.content(), "hemmelig"));
  EXPECT_FALSE(absl::StrContains(Calendar().SerializeAsString(), "hemmelig"));
}

TEST_P(CalendarTest, NobodyNeedsAnIdentity) {
  v1::GetCalendarRequest request;
  request.set_parent("plans/amager");
  EXPECT_THAT(Anonymous<v1::Calendar>("CalendarService/GetCalendar", request), IsOk());
}

HELHED_BOTH_ENGINES(CalendarTest);

}  // namespace
}  // namespace helhed::activities::testing
