#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "services/activities/testing/fixture.h"

namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;

class AttendanceTest : public ActivitiesTest {
 protected:
  // An activity with a session on the day of the test, and two people with seats.
  void Begin(std::string const& id = "a") {
    activity_ = Open(id).name();
    session_ = Must<v1::Session>("SessionService/CreateSession", SessionRequest(activity_, "2126-03-01T17:00")).name();
    for (auto const* person : {"r1", "r2"}) {
      auto request = RegistrationRequest(activity_, person);
      request.set_registration_id(person);
      Must<v1::Registration>("RegistrationService/CreateRegistration", request);
    }
  }
  static v1::Mark MarkOf(int id, std::string const& registration, v1::Presence presence, std::string const& observed = "") {
    v1::Mark mark;
    mark.set_mark_id(absl::StrCat("018f0000-0000-7000-8000-", absl::Dec(id, absl::kZeroPad12)));
    mark.set_registration(registration);
    mark.set_presence(presence);
    if (!observed.empty()) *mark.mutable_observe_time() = Instant(observed);
    return mark;
  }
  static v1::Mark Count(int id, int heads, std::string const& observed = "") {
    auto mark = MarkOf(id, "", v1::PRESENCE_PRESENT, observed);
    mark.set_head_count(heads);
    return mark;
  }
  v1::RecordAttendanceRequest Batch(std::vector<v1::Mark> const& marks) {
    v1::RecordAttendanceRequest request;
    request.set_parent(session_);
    for (auto const& mark : marks) *request.add_marks() = mark;
    return request;
  }
  v1::RecordAttendanceResponse Record(std::vector<v1::Mark> const& marks) {
    return Must<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", Batch(marks));
  }
  // What stands, without times.
  std::vector<std::string> Standing() {
    v1::ListAttendancesRequest request;
    request.set_parent(session_);
    std::vector<std::string> all;
    auto const page = Must<v1::ListAttendancesResponse>("AttendanceService/ListAttendances", request);
    for (auto const& one : page.attendances()) {
      all.push_back(absl::StrCat(one.name().substr(one.name().rfind('/') + 1), " ", v1::Presence_Name(one.presence()), " ",
                                 one.head_count(), " ", one.entry()));
    }
    return all;
  }
  std::int64_t Attended() {
    v1::CreateIndicatorRequest create;
    create.set_parent("plans/amager");
    create.set_indicator_id("fremmoede");
    create.mutable_indicator()->set_display_name("Fremmøde");
    create.mutable_indicator()->set_sub_goal("plans/amager/subGoals/sprog");
    create.mutable_indicator()->set_kind(v1::INDICATOR_KIND_ATTENDANCES);
    create.mutable_indicator()->set_unit("deltagelser");
    auto const entered = Call<v1::Indicator>("IndicatorService/CreateIndicator", create);
    EXPECT_TRUE(entered.ok() || absl::IsAlreadyExists(entered.status()));
    v1::GetIndicatorRequest request;
    request.set_name("plans/amager/indicators/fremmoede");
    return Must<v1::Indicator>("IndicatorService/GetIndicator", request).current_value();
  }

  std::string activity_;
  std::string session_;
};

TEST_P(AttendanceTest, OneByOneInBulkAndAsACount) {
  Begin();
  auto const one = Record({MarkOf(1, "r1", v1::PRESENCE_PRESENT)});
  EXPECT_EQ(one.new_count(), 1);
  Record({MarkOf(2, "r2", v1::PRESENCE_ABSENT), Count(3, 7)});
  EXPECT_EQ(Attended(), 8);
  auto const event = [&] {
    for (auto const& all = Events(); auto const& e : all) {
      v1::AttendanceRecorded data;
      if (e.data().UnpackTo(&data) && data.present_count() == 8) return data.absent_count();
    }
    return std::int64_t{-1};
  }();
  EXPECT_EQ(event, 1);
}

TEST_P(AttendanceTest, CorrectionsKeepTheirTrail) {
  Begin();
  Record({MarkOf(1, "r1", v1::PRESENCE_PRESENT)});
  clock().Advance(absl::Minutes(1));
  auto correction = MarkOf(2, "r1", v1::PRESENCE_EXCUSED);
  correction.set_note("Forvekslet");
  Record({correction});
  EXPECT_EQ(Attended(), 0);
  v1::ListAttendanceEntriesRequest request;
  request.set_parent(session_ + "/attendances/r1");
  auto const trail = Must<v1::ListAttendanceEntriesResponse>("AttendanceService/ListAttendanceEntries", request);
  ASSERT_EQ(trail.entries_size(), 2);
  EXPECT_EQ(trail.entries(0).presence(), v1::PRESENCE_PRESENT);
  EXPECT_EQ(trail.entries(1).note(), "Forvekslet");
  EXPECT_EQ(trail.entries(1).recorder(), "anna");
}

TEST_P(AttendanceTest, ACountIsCorrectedAndTakenBack) {
  Begin();
  auto const count = Record({Count(1, 7)}).attendances(0).name();
  clock().Advance(absl::Minutes(1));
  auto correction = Count(2, 9);
  correction.set_count(count.substr(count.rfind('/') + 1));
  Record({correction});
  EXPECT_EQ(Attended(), 9);
  clock().Advance(absl::Minutes(1));
  auto taken_back = Count(3, 0);
  taken_back.set_count(correction.count());
  Record({taken_back});
  EXPECT_EQ(Attended(), 0);
}

TEST_P(AttendanceTest, ACountIsNotTakenForAPerson) {
  Begin();
  v1::RecordAttendanceRequest request;
  request.set_parent(session_);
  *request.add_marks() = MarkOf(1, "r2", v1::PRESENCE_PRESENT);
  *request.add_marks() = Count(2, 7);
  request.mutable_marks(1)->set_count("r1");
  auto const refusal =
      Refused<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refusal.fields, ElementsAre("marks[1].count"));
}

// Devices that were offline send what they have, in any order, and some of it again.
TEST_P(AttendanceTest, AnIdOfACountIsNotGivenToAPerson) {
  Begin();
  Record({Count(7, 12)});
  auto request = RegistrationRequest(activity_, "r3");
  request.set_registration_id("018f0000-0000-7000-8000-000000000007");
  auto const refusal = Refused<v1::Registration>("RegistrationService/CreateRegistration", request, kExists, "RESOURCE_EXISTS");
  EXPECT_EQ(refusal.metadata.at("resource"), session_ + "/attendances/018f0000-0000-7000-8000-000000000007");
}

TEST_P(AttendanceTest, BatchesMergeTheSameInEveryOrder) {
  auto const time = [](int minute) { return absl::StrCat("2126-03-01T07:", absl::Dec(minute, absl::kZeroPad2), ":00Z"); };
  std::vector<std::string> first;
  int run = 0;
  helhed::testing::ForAllSeeds(6, [&](SeededRandom& random) {
    Begin(absl::StrCat("a", ++run));
    auto correction = Count(6, 4, time(30));
    correction.set_count(Count(5, 0).mark_id());
    std::vector<v1::Mark> marks = {MarkOf(1, "r1", v1::PRESENCE_PRESENT, time(10)),
                                   MarkOf(2, "r1", v1::PRESENCE_ABSENT, time(20)),
                                   MarkOf(3, "r2", v1::PRESENCE_ABSENT, time(20)),
                                   MarkOf(4, "r2", v1::PRESENCE_PRESENT, time(20)),
                                   Count(5, 3, time(25)),
                                   correction};
    auto const distinct = marks.size();
    for (std::size_t i = 0; i < 3; ++i) marks.push_back(v1::Mark(marks[i]));
    for (std::size_t i = marks.size() - 1; i > 0; --i) {
      std::swap(marks[i], marks[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(i)))]);
    }
    auto const before = Attended();
    std::size_t taken = 0;
    for (std::size_t at = 0; at < marks.size();) {
      auto const size = static_cast<std::size_t>(random.Between(1, 4));
      auto const end = std::min(at + size, marks.size());
      taken += static_cast<std::size_t>(
          Record({marks.begin() + static_cast<std::ptrdiff_t>(at), marks.begin() + static_cast<std::ptrdiff_t>(end)})
              .new_count());
      at = end;
    }
    EXPECT_EQ(taken, distinct);
    EXPECT_EQ(Attended() - before, 5) << "r2 and four of the count";
    if (first.empty()) first = Standing();
    EXPECT_EQ(Standing(), first);
  });
}

TEST_P(AttendanceTest, RefusesWhatCannotHaveBeenSeen) {
  Begin();
  auto const refused = [&](v1::Mark const& mark, absl::StatusCode code, std::string_view reason) {
    return Refused<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", Batch({mark}), code, reason);
  };
  auto both = MarkOf(1, "r1", v1::PRESENCE_PRESENT, "2126-03-01T09:00:00Z");
  both.set_count("x");
  both.set_head_count(2);
  EXPECT_THAT(refused(both, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("marks[0].count", "marks[0].head_count", "marks[0].observe_time"));
  refused(MarkOf(1, "nobody", v1::PRESENCE_PRESENT), kAbsent, "RESOURCE_NOT_FOUND");
  v1::CancelRegistrationRequest cancel;
  cancel.set_name(activity_ + "/registrations/r2");
  Must<v1::Registration>("RegistrationService/CancelRegistration", cancel);
  refused(MarkOf(1, "r2", v1::PRESENCE_PRESENT), kPrecondition, "REGISTRATION_HAS_NO_SEAT");
  Record({MarkOf(1, "r1", v1::PRESENCE_PRESENT)});
  refused(MarkOf(1, "r1", v1::PRESENCE_ABSENT), kInvalid, "MARK_REUSED");
  session_ = Must<v1::Session>("SessionService/CreateSession", SessionRequest(activity_, "2126-03-02T17:00")).name();
  EXPECT_EQ(refused(MarkOf(9, "r1", v1::PRESENCE_PRESENT), kPrecondition, "SESSION_NOT_BEGUN").metadata["date"], "2126-03-02");
}

HELHED_BOTH_ENGINES(AttendanceTest);

}  // namespace
}  // namespace helhed::activities::testing
