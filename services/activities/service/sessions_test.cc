#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <barrier>
#include <cstddef>
#include <thread>

#include "services/activities/testing/fixture.h"

namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;

class SessionsTest : public ActivitiesTest {
 protected:
  static v1::CreateSeriesRequest SeriesRequest(std::string const& activity, std::string const& rule, std::string const& start,
                                               std::string const& room = "") {
    v1::CreateSeriesRequest request;
    request.set_parent(activity);
    request.set_series_id("tirsdag");
    request.mutable_series()->set_recurrence_rule(rule);
    request.mutable_series()->set_local_start(start);
    request.mutable_series()->set_duration_minutes(120);
    request.mutable_series()->set_room(room);
    return request;
  }
  std::vector<std::string> StartsOf(std::string const& activity, std::string const& filter = "") {
    v1::ListSessionsRequest request;
    request.set_parent(activity);
    request.set_filter(filter);
    std::vector<std::string> starts;
    auto const page = Must<v1::ListSessionsResponse>("SessionService/ListSessions", request);
    for (auto const& session : page.sessions()) {
      starts.push_back(session.local_start());
    }
    return starts;
  }
};

TEST_P(SessionsTest, ASingleSessionIsMovedAndCancelledUnderOneName) {
  auto const activity = Open("a").name();
  auto const session = Must<v1::Session>("SessionService/CreateSession", SessionRequest(activity, "2126-06-03T17:00"));
  EXPECT_THAT(session.start_time(), EqualsProto(Instant("2126-06-03T15:00:00Z")));
  EXPECT_THAT(session.end_time(), EqualsProto(Instant("2126-06-03T17:00:00Z")));
  v1::MoveSessionRequest move;
  move.set_name(session.name());
  move.set_local_start("2126-06-04T18:00");
  auto const moved = Must<v1::Session>("SessionService/MoveSession", move);
  EXPECT_EQ(moved.name(), session.name());
  EXPECT_EQ(moved.sequence(), 1);
  EXPECT_THAT(moved.former_start_time(), EqualsProto(session.start_time()));
  v1::CancelSessionRequest cancel;
  cancel.set_name(session.name());
  cancel.set_reason("Syg");
  EXPECT_EQ(Must<v1::Session>("SessionService/CancelSession", cancel).sequence(), 2);
  EXPECT_EQ(LastEvent<v1::SessionChanged>(session.name()).session().state(), v1::SESSION_STATE_CANCELLED);
  Refused<v1::Session>("SessionService/MoveSession", move, kPrecondition, "SESSION_CANCELLED");
}

TEST_P(SessionsTest, AnHourThatDoesNotExistIsRefused) {
  auto const activity = Open("a").name();
  // Summer time begins on the last Sunday of March: in 2126 the 31st.
  auto const refusal = Refused<v1::Session>("SessionService/CreateSession", SessionRequest(activity, "2126-03-31T02:30"),
                                            kInvalid, "TIME_DOES_NOT_EXIST");
  EXPECT_EQ(refusal.metadata.at("next"), "2126-03-31T03:00");
  EXPECT_EQ(refusal.metadata.at("field"), "session.local_start");
}

TEST_P(SessionsTest, ASeriesKeepsItsClockAcrossSummerTime) {
  auto const activity = Open("a").name();
  auto request = SeriesRequest(activity, "FREQ=WEEKLY;BYDAY=TU;COUNT=4", "2126-10-15T17:00");
  *request.mutable_series()->add_exception_dates() = Date("2126-10-22");
  auto const series = Must<v1::Series>("SessionService/CreateSeries", request);
  EXPECT_EQ(series.session_count(), 3);
  EXPECT_THAT(StartsOf(activity), ElementsAre("2126-10-15T17:00", "2126-10-29T17:00", "2126-11-05T17:00"));
  v1::GetSessionRequest get;
  get.set_name(activity + "/sessions/tirsdag-21261015");
  EXPECT_THAT(Must<v1::Session>("SessionService/GetSession", get).start_time(), EqualsProto(Instant("2126-10-15T15:00:00Z")));
  get.set_name(activity + "/sessions/tirsdag-21261029");
  EXPECT_THAT(Must<v1::Session>("SessionService/GetSession", get).start_time(), EqualsProto(Instant("2126-10-29T16:00:00Z")));
  v1::GetSeriesRequest get_series;
  get_series.set_name(series.name());
  EXPECT_THAT(Must<v1::Series>("SessionService/GetSeries", get_series), EqualsProto(series));
  clock().Set(absl::FromCivil(absl::CivilHour(2126, 10, 20, 8), absl::UTCTimeZone()));
  v1::CancelSeriesRequest cancel;
  cancel.set_name(series.name());
  cancel.set_reason("For få");
  Must<v1::Series>("SessionService/CancelSeries", cancel);
  EXPECT_THAT(StartsOf(activity, "state = SESSION_STATE_SCHEDULED"), ElementsAre("2126-10-15T17:00"));
}

TEST_P(SessionsTest, ASeriesThatCannotBeLeavesNothing) {
  auto const activity = Open("a").name();
  auto const refused = [&](std::string const& rule, std::string_view reason) {
    Refused<v1::Series>("SessionService/CreateSeries", SeriesRequest(activity, rule, "2126-10-15T17:00"), kInvalid, reason);
  };
  refused("FREQ=WEEKLY;BYDAY=TU", "RECURRENCE_ENDLESS");
  refused("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "RECURRENCE_INVALID");
  refused("FREQ=DAILY;COUNT=1000", "RECURRENCE_TOO_LONG");
}

TEST_P(SessionsTest, NoRoomIsBookedTwice) {
  auto const a = Open("a").name();
  auto const b = Open("b").name();
  auto const room = Room("sal");
  auto const first = Must<v1::Session>("SessionService/CreateSession", SessionRequest(a, "2126-06-03T17:00", room));
  auto const refusal = Refused<v1::Session>("SessionService/CreateSession", SessionRequest(b, "2126-06-03T18:59", room),
                                            kPrecondition, "ROOM_TAKEN");
  EXPECT_EQ(refusal.metadata.at("session"), first.name());
  Refused<v1::Session>("SessionService/CreateSession", SessionRequest(b, "2126-06-03T15:01", room), kPrecondition, "ROOM_TAKEN");
  Must<v1::Session>("SessionService/CreateSession", SessionRequest(b, "2126-06-03T19:00", room));
  Must<v1::Session>("SessionService/CreateSession", SessionRequest(b, "2126-06-03T15:00", room));
  Refused<v1::Series>("SessionService/CreateSeries", SeriesRequest(b, "FREQ=DAILY;COUNT=5", "2126-06-01T17:30", room),
                      kPrecondition, "ROOM_TAKEN");
  // A session may be moved to where it is in its own way.
  v1::MoveSessionRequest move;
  move.set_name(first.name());
  move.set_local_start("2126-06-03T17:00");
  move.set_duration_minutes(60);
  Must<v1::Session>("SessionService/MoveSession", move);
  v1::CancelSessionRequest cancel;
  cancel.set_name(first.name());
  cancel.set_reason("Syg");
  Must<v1::Session>("SessionService/CancelSession", cancel);
  Must<v1::Session>("SessionService/CreateSession", SessionRequest(b, "2126-06-03T17:00", room));
}

TEST_P(SessionsTest, ASeriesDoesNotMeetItselfAndTakesARoomOfThePlan) {
  auto const activity = Open("a").name();
  // Round the clock: the day on which summer time begins has 23 hours.
  auto request = SeriesRequest(activity, "FREQ=DAILY;COUNT=3", "2126-03-30T12:00", Room("sal"));
  request.mutable_series()->set_duration_minutes(1440);
  EXPECT_EQ(Refused<v1::Series>("SessionService/CreateSeries", request, kInvalid, "SESSIONS_OVERLAP").metadata.at("room"),
            "plans/amager/rooms/sal");
  Refused<v1::Session>("SessionService/CreateSession", SessionRequest(activity, "2126-06-03T17:00", "plans/other/rooms/sal"),
                       kInvalid, "BAD_REQUEST");
}

TEST_P(SessionsTest, RacesForARoomHaveOneWinner) {
  auto const room = Room("sal");
  std::vector<std::string> activities;
  for (int i = 0; i < 4; ++i) activities.push_back(Open(absl::StrCat("a", i)).name());
  std::atomic<int> booked = 0;
  // They come at the same moment, so that each sees the room free if nothing makes it wait.
  constexpr int days = 15;
  std::barrier together(static_cast<std::ptrdiff_t>(activities.size()));
  {
    std::vector<std::jthread> threads;
    for (auto const& activity : activities) {
      threads.emplace_back([&] {
        for (int day = 0; day < days; ++day) {
          auto const start = absl::StrCat("2126-06-", 10 + day, "T17:00");
          together.arrive_and_wait();
          auto const result = Call<v1::Session>("SessionService/CreateSession", SessionRequest(activity, Sv(start), room));
          booked += result.ok() ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(booked, days);
}

TEST_P(SessionsTest, ACancelledActivityCancelsWhatIsToCome) {
  auto const activity = Open("a").name();
  Must<v1::Series>("SessionService/CreateSeries", SeriesRequest(activity, "FREQ=DAILY;COUNT=3", "2126-10-15T17:00"));
  Advance(activity, v1::ACTIVITY_STEP_CANCEL);
  EXPECT_THAT(StartsOf(activity, "state = SESSION_STATE_SCHEDULED"), ElementsAre());
  Refused<v1::Session>("SessionService/CreateSession", SessionRequest(activity, "2126-06-03T17:00"), kPrecondition,
                       "ACTIVITY_CLOSED");
}

HELHED_BOTH_ENGINES(SessionsTest);

}  // namespace
}  // namespace helhed::activities::testing
