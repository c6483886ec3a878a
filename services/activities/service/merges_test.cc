#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "helhed/activities/v1/attendance_service.pb.h"
#include "helhed/activities/v1/calendar_service.pb.h"
#include "helhed/activities/v1/merge_service.pb.h"
#include "helhed/activities/v1/volunteer_service.pb.h"
#include "helhed/common/v1/merge.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/activities/service/merge_service.h"
#include "services/activities/service/resident_ends.h"
#include "services/activities/testing/fixture.h"
#include "services/platform/contract/fields.h"
#include "services/platform/server/jobs.h"
#include "services/platform/service/requests.h"

// The activities and volunteers of plans that become one. Funding is not there: what it would say is handed in.
namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
namespace cv1 = common::v1;
namespace fv1 = funding::v1;

constexpr char kMerge[] = "plans/s/merges/m";

class MergeTest : public ActivitiesTest {
 protected:
  // Takes in that funding has moved the merge of `p` and `q` into `s`, from 2126-03-01 on.
  void Say(fv1::PlanMergeState state, std::vector<cv1::MergeDecision> const& decisions = {}) {
    fv1::PlanMergeChanged change;
    change.set_merge(kMerge);
    change.set_state(state);
    change.add_predecessors("plans/q");
    change.add_predecessors("plans/p");
    *change.mutable_effective_date() = Date("2126-03-01");
    for (auto const& decision : decisions) *change.add_decisions() = decision;
    auto& store = instance().store();
    ASSERT_THAT(store.Apply(OwnContext("activities", store.parts(), {}),
                            [&](WriteTransaction& tx) { return MergeService::TakeChange(tx, change); }),
                IsOk());
  }
  void Merge(std::vector<cv1::MergeDecision> const& decisions = {}) { Say(fv1::PLAN_MERGE_STATE_EXECUTING, decisions); }
  void Undo() { Say(fv1::PLAN_MERGE_STATE_UNDOING); }

  static std::string Named(std::string const& plan, std::string const& id) { return "plans/" + plan + "/activities/" + id; }
  // An activity of a plan, open for registrations.
  std::string OpenIn(std::string const& plan, std::string const& id, int capacity = 0, bool to_all = false) {
    v1::CreateSubGoalRequest goal;
    goal.set_parent("plans/" + plan);
    goal.set_sub_goal_id("sprog");
    goal.mutable_sub_goal()->set_display_name("Flere børn læser godt");
    goal.mutable_sub_goal()->set_focus_area("uddannelse-livschancer");
    goal.mutable_sub_goal()->set_purpose("At børn får samme muligheder");
    auto const entered = Call<v1::SubGoal>("ActivityService/CreateSubGoal", goal);
    EXPECT_TRUE(entered.ok() || absl::IsAlreadyExists(entered.status())) << entered.status();
    auto request = ActivityRequest(id, capacity);
    request.set_parent(goal.parent());
    request.mutable_activity()->set_sub_goal(goal.parent() + "/subGoals/sprog");
    request.mutable_activity()->set_display_name("Café " + id);
    request.mutable_activity()->set_open_to_all(to_all);
    auto const name = Must<v1::Activity>("ActivityService/CreateActivity", request).name();
    Advance(name, v1::ACTIVITY_STEP_PLAN);
    Advance(name, v1::ACTIVITY_STEP_OPEN);
    return name;
  }
  v1::Activity Get(std::string const& name) {
    v1::GetActivityRequest request;
    request.set_name(name);
    return Must<v1::Activity>("ActivityService/GetActivity", request);
  }
  std::string RoomIn(std::string const& plan, std::string const& id) {
    v1::CreateRoomRequest request;
    request.set_parent("plans/" + plan);
    request.set_room_id(id);
    request.mutable_room()->set_display_name("Salen");
    return Must<v1::Room>("SessionService/CreateRoom", request).name();
  }
  std::string Session(std::string const& activity, std::string const& id, std::string_view start, std::string const& room = "") {
    auto request = SessionRequest(activity, start, room);
    request.set_session_id(id);
    return Must<v1::Session>("SessionService/CreateSession", request).name();
  }
  v1::Registration Register(std::string const& activity, std::string const& id) {
    auto request = RegistrationRequest(activity, id);
    request.set_registration_id(id);
    return Must<v1::Registration>("RegistrationService/CreateRegistration", request);
  }
  void Cancel(std::string const& registration) {
    v1::CancelRegistrationRequest request;
    request.set_name(registration);
    Must<v1::Registration>("RegistrationService/CancelRegistration", request);
  }
  static v1::RecordAttendanceRequest MarkRequest(std::string const& session, int heads) {
    v1::RecordAttendanceRequest request;
    request.set_parent(session);
    auto& mark = *request.add_marks();
    mark.set_mark_id(UuidOf(session + std::to_string(heads)));
    mark.set_presence(v1::PRESENCE_PRESENT);
    mark.set_head_count(heads);
    return request;
  }
  void Mark(std::string const& session, int heads) {
    Must<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", MarkRequest(session, heads));
  }
  std::vector<std::string> Sessions(std::string const& activity) {
    v1::ListSessionsRequest request;
    request.set_parent(activity);
    std::vector<std::string> all;
    auto const page = Must<v1::ListSessionsResponse>("SessionService/ListSessions", request);
    for (auto const& session : page.sessions()) {
      all.push_back(
          absl::StrCat(session.name().substr(session.name().rfind('/') + 1), " ", session.local_start(), " ", session.room()));
    }
    return all;
  }
  std::vector<std::string> Registrations(std::string const& activity) {
    v1::ListRegistrationsRequest request;
    request.set_parent(activity);
    request.set_page_size(1000);
    std::vector<std::string> all;
    auto const page = Must<v1::ListRegistrationsResponse>("RegistrationService/ListRegistrations", request);
    for (auto const& one : page.registrations()) {
      all.push_back(absl::StrCat(one.name().substr(one.name().rfind('/') + 1), " ", contract::EnumText(one.state())));
    }
    return all;
  }
  std::string Volunteer(std::string const& plan, std::string const& id, std::string const& resident) {
    v1::CreateVolunteerRequest request;
    request.set_parent("plans/" + plan);
    request.set_volunteer_id(id);
    request.mutable_volunteer()->set_resident("residents/" + resident);
    request.mutable_volunteer()->set_tasks("Hjælper");
    *request.mutable_volunteer()->mutable_start_date() = Date("2126-01-01");
    return Must<v1::Volunteer>("VolunteerService/CreateVolunteer", request).name();
  }
  void Clear(std::string const& plan, std::string const& id, bool cleared) {
    v1::ConsentToClearanceRequest consent;
    consent.set_name("plans/" + plan + "/clearances/" + id);
    *consent.mutable_consent_date() = Date("2126-02-01");
    Must<v1::Clearance>("VolunteerService/ConsentToClearance", consent);
    v1::CreateClearanceOrderRequest order;
    order.set_parent("plans/" + plan);
    order.mutable_clearance_order()->add_volunteers("plans/" + plan + "/volunteers/" + id);
    Must<v1::ClearanceOrder>("VolunteerService/CreateClearanceOrder", order);
    v1::RecordClearanceRequest record;
    record.set_name(consent.name());
    record.set_cleared(cleared);
    *record.mutable_decide_date() = Date("2126-02-20");
    Must<v1::Clearance>("VolunteerService/RecordClearance", record);
  }
  v1::ClearanceState ClearanceOf(std::string const& plan, std::string const& id) {
    v1::GetClearanceRequest request;
    request.set_name("plans/" + plan + "/clearances/" + id);
    return Must<v1::Clearance>("VolunteerService/GetClearance", request).state();
  }
  void Hours(std::string const& volunteer, int minutes, std::string const& id = "", std::string const& activity = "") {
    v1::CreateVolunteerHoursRequest request;
    request.set_parent(volunteer);
    request.set_volunteer_hours_id(id);
    request.mutable_volunteer_hours()->set_activity(activity);
    *request.mutable_volunteer_hours()->mutable_date() = Date("2126-03-01");
    request.mutable_volunteer_hours()->set_minutes(minutes);
    Must<v1::VolunteerHours>("VolunteerService/CreateVolunteerHours", request);
  }
  v1::Volunteer GetVolunteer(std::string const& name) {
    v1::GetVolunteerRequest request;
    request.set_name(name);
    return Must<v1::Volunteer>("VolunteerService/GetVolunteer", request);
  }
  std::map<std::string, int> HoursOf(std::string const& volunteer) {
    v1::ListVolunteerHoursRequest request;
    request.set_parent(volunteer);
    std::map<std::string, int> minutes;
    auto const page = Must<v1::ListVolunteerHoursResponse>("VolunteerService/ListVolunteerHours", request);
    for (auto const& hours : page.hours()) minutes[hours.name().substr(hours.name().rfind('/') + 1)] = hours.minutes();
    return minutes;
  }
  void Assign(std::string const& session, std::string const& volunteer) {
    v1::AssignVolunteerRequest request;
    request.set_parent(session);
    request.set_volunteer(volunteer);
    Must<v1::Assignment>("VolunteerService/AssignVolunteer", request);
  }
  std::string Indicator(std::string const& plan, std::string const& id, v1::IndicatorKind kind) {
    v1::CreateIndicatorRequest request;
    request.set_parent("plans/" + plan);
    request.set_indicator_id(id);
    auto& given = *request.mutable_indicator();
    given.set_display_name("Hvor mange");
    given.set_sub_goal("plans/" + plan + "/subGoals/sprog");
    given.set_kind(kind);
    given.set_unit("personer");
    given.set_target(100);
    return Must<v1::Indicator>("IndicatorService/CreateIndicator", request).name();
  }
  v1::Indicator GetIndicator(std::string const& name) {
    v1::GetIndicatorRequest request;
    request.set_name(name);
    return Must<v1::Indicator>("IndicatorService/GetIndicator", request);
  }
  std::int64_t Value(std::string const& name) { return GetIndicator(name).current_value(); }
  static v1::CreateMeasurementRequest Measurement(std::string const& indicator, std::string_view date, std::int64_t value) {
    v1::CreateMeasurementRequest request;
    request.set_parent(indicator);
    *request.mutable_measurement()->mutable_date() = Date(date);
    request.mutable_measurement()->set_value(value);
    request.mutable_measurement()->set_source("Beboerundersøgelsen");
    return request;
  }
  void Measure(std::string const& indicator, std::string_view date, std::int64_t value) {
    Must<v1::Measurement>("IndicatorService/CreateMeasurement", Measurement(indicator, date, value));
  }
  std::size_t Rounds(std::string const& indicator) {
    v1::ListMeasurementsRequest request;
    request.set_parent(indicator);
    return static_cast<std::size_t>(
        Must<v1::ListMeasurementsResponse>("IndicatorService/ListMeasurements", request).measurements_size());
  }
  void SayErased(std::string const& id) {
    residents::v1::ResidentErased erased;
    erased.set_resident("residents/" + id);
    erased.set_erasure("residents/" + id + "/erasures/e");
    events::v1::Event event;
    event.mutable_data()->PackFrom(erased);
    auto& store = instance().store();
    EXPECT_THAT(store.Apply(OwnContext("activities", store.parts(), {}),
                            [&](WriteTransaction& tx) { return ResidentEnds::TakeEvent(tx, event); }),
                IsOk());
  }
  std::vector<std::string> On(std::string const& session) {
    v1::ListAssignmentsRequest request;
    request.set_parent(session);
    return ListedIn(Must<v1::ListAssignmentsResponse>("VolunteerService/ListAssignments", request));
  }
  static cv1::MergeDecision First(std::string const& one, std::string const& other) {
    cv1::MergeDecision decision;
    decision.set_kind(cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE);
    decision.add_subjects(one);
    decision.add_subjects(other);
    decision.set_resolution(cv1::MERGE_RESOLUTION_CARRY_FIRST);
    return decision;
  }
  // Every row, but for what each writing changes: when it was, how often.
  std::string Rows() {
    static storage::Statement const all(
        "test.rows_of_merge",
        "SELECT 'a', plan || '/' || activity || ' ' || display_name || ' ' || sub_goal || ' ' || state || ' ' || "
        "COALESCE(successor, '-') || ' ' || COALESCE(move_date, '-') AS line FROM activities UNION ALL "
        "SELECT 'b', plan || '/' || activity || ' ' || COALESCE(capacity, -1) || ' ' || taken || ' ' || waiting || ' ' || "
        "CASE WHEN moved THEN 'moved' ELSE '' END FROM activity_seats UNION ALL "
        "SELECT 'c', plan || '/' || activity || ' ' || confirmed || ' ' || attended FROM activity_tallies UNION ALL "
        "SELECT 'd', plan || '/' || activity || '/' || session || ' ' || local_start || ' ' || COALESCE(room, '-') || ' ' || "
        "state "
        "FROM sessions UNION ALL "
        "SELECT 'e', plan || '/' || activity || '/' || registration || ' ' || COALESCE(resident, '-') || ' ' || state || ' ' || "
        "queue_number FROM registrations UNION ALL "
        "SELECT 'f', plan || '/' || activity || '/' || session || '/' || attendance || ' ' || head_count FROM attendances UNION "
        "ALL "
        "SELECT 'g', plan || '/' || activity || '/' || session || '/' || assignment FROM assignments UNION ALL "
        "SELECT 'h', plan || '/' || volunteer || ' ' || resident || ' ' || minutes_total FROM volunteers UNION ALL "
        "SELECT 'i', plan || '/' || clearance || ' ' || state FROM clearances UNION ALL "
        "SELECT 'j', plan || '/' || room FROM rooms UNION ALL SELECT 'k', plan || '/' || sub_goal FROM sub_goals UNION ALL "
        "SELECT 'n', plan || '/' || indicator || ' ' || sub_goal || ' ' || current_value || ' ' || carried_value FROM indicators "
        "UNION ALL SELECT 'o', plan || '/' || indicator || '/' || measurement || ' ' || value FROM measurements UNION ALL "
        "SELECT 'l', plan FROM moved_plans UNION ALL SELECT 'm', plan || from_id FROM merge_carries ORDER BY 1, 2");
    std::string text;
    auto const read = [&](storage::ReadTransaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
      for (std::size_t i = 0; i < rows.size(); ++i) absl::StrAppend(&text, rows.Text(i, 0), " ", rows.Text(i, 1), "\n");
      return absl::OkStatus();
    };
    EXPECT_THAT(database().Read({}, read), IsOk());
    return text;
  }
};
HELHED_BOTH_ENGINES(MergeTest);

TEST_P(MergeTest, AnActivityGoesOnInTheSuccessorAndKeepsItsHistory) {
  auto const old = OpenIn("p", "cafe", 2);
  auto const room = RoomIn("p", "sal");
  for (auto const* id : {"r1", "r2", "r3"}) Register(old, id);
  Cancel(old + "/registrations/r1");
  Session(old, "past", "2126-02-01T16:00", room);
  auto const marked = Session(old, "marked", "2126-03-01T07:00", room);
  Session(old, "next", "2126-04-01T16:00", room);
  Mark(marked, 12);
  Merge();
  auto const now = Get(Named("s", "cafe"));
  EXPECT_EQ(now.predecessor(), old);
  EXPECT_EQ(now.state(), Get(old).state());
  EXPECT_EQ(now.sub_goal(), "plans/s/subGoals/sprog");
  EXPECT_EQ(now.taken_count(), 2);
  EXPECT_THAT(Registrations(now.name()), UnorderedElementsAre("r2 CONFIRMED", "r3 OFFERED"));
  EXPECT_THAT(Sessions(now.name()), ElementsAre("next 2126-04-01T16:00 plans/s/rooms/sal"));
  // Every name from before answers, as it was.
  EXPECT_EQ(Get(old).successor(), now.name());
  EXPECT_EQ(ToIsoDate(*ToCivil(Get(old).move_date())), "2126-03-01");
  EXPECT_THAT(Registrations(old), UnorderedElementsAre("r1 CANCELLED", "r2 CONFIRMED", "r3 OFFERED"));
  EXPECT_THAT(Sessions(old), SizeIs(3));
  auto const receipt = LastEvent<cv1::MergeReceipt>(kMerge);
  EXPECT_EQ(receipt.service(), "activities");
  EXPECT_EQ(receipt.step(), cv1::MERGE_STEP_EXECUTE);
  EXPECT_EQ(receipt.carried_count(), 1);
}

TEST_P(MergeTest, WhatHasMovedIsNotChangedAnyMoreAndSaysWhereItIs) {
  auto const old = OpenIn("p", "cafe", 2);
  Register(old, "r1");
  auto const past = Session(old, "past", "2126-02-01T16:00");
  Session(old, "next", "2126-03-01T07:00");
  Merge();
  auto request = RegistrationRequest(old, "r9");
  auto const refusal =
      Refused<v1::Registration>("RegistrationService/CreateRegistration", request, kPrecondition, "GONE_ON_ELSEWHERE");
  EXPECT_EQ(refusal.metadata.at("successor"), Named("s", "cafe"));
  v1::CancelRegistrationRequest cancel;
  cancel.set_name(old + "/registrations/r1");
  Refused<v1::Registration>("RegistrationService/CancelRegistration", cancel, kPrecondition, "GONE_ON_ELSEWHERE");
  Refused<v1::Session>("SessionService/CreateSession", SessionRequest(old, "2126-05-01T16:00"), kPrecondition,
                       "GONE_ON_ELSEWHERE");
  auto another = ActivityRequest("another");
  another.set_parent("plans/p");
  another.mutable_activity()->set_sub_goal("plans/p/subGoals/sprog");
  EXPECT_EQ(Refused<v1::Activity>("ActivityService/CreateActivity", another, kPrecondition, "GONE_ON_ELSEWHERE")
                .metadata.at("successor"),
            "plans/s");
  // Who came before is still marked; who comes from then on, where the session is.
  Mark(past, 7);
  EXPECT_EQ(Refused<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", MarkRequest(old + "/sessions/next", 3),
                                                  kPrecondition, "GONE_ON_ELSEWHERE")
                .metadata.at("successor"),
            Named("s", "cafe") + "/sessions/next");
  Mark(Named("s", "cafe") + "/sessions/next", 3);
}

TEST_P(MergeTest, ASessionStandsInOneCalendar) {
  auto const old = OpenIn("p", "cafe", 0, true);
  Session(old, "past", "2126-02-20T16:00");
  Session(old, "next", "2126-04-01T16:00");
  Merge();
  auto const entries = [&](std::string const& plan) {
    v1::GetCalendarRequest request;
    request.set_parent("plans/" + plan);
    *request.mutable_from_date() = Date("2126-02-01");
    return Must<v1::Calendar>("CalendarService/GetCalendar", request).entries_size();
  };
  EXPECT_EQ(entries("p"), 1);
  EXPECT_EQ(entries("s"), 1);
}

TEST_P(MergeTest, OffersThatWentAlongExpireOnceAndThere) {
  auto const old = OpenIn("p", "cafe", 1);
  Register(old, "r1");
  Register(old, "r2");
  Cancel(old + "/registrations/r1");
  Merge();
  clock().Advance(absl::Hours(24 * 30));
  for (auto const& job : instance().jobs()) {
    if (job.name == "expire-offers") {
      ASSERT_THAT(server::Jobs::RunToEnd(job, {}), IsOk());
    }
  }
  EXPECT_THAT(Registrations(old), UnorderedElementsAre("r1 CANCELLED", "r2 OFFERED"));
  EXPECT_THAT(Registrations(Named("s", "cafe")), ElementsAre("r2 EXPIRED"));
}

TEST_P(MergeTest, ActivitiesOfOneNameStayTwoUnlessOneWasChosen) {
  OpenIn("p", "cafe");
  OpenIn("q", "cafe");
  OpenIn("p", "sy");
  OpenIn("q", "sy");
  OpenIn("s", "sy");
  Merge({First(Named("p", "cafe"), Named("q", "cafe"))});
  EXPECT_EQ(Get(Named("p", "cafe")).successor(), Named("s", "cafe"));
  EXPECT_EQ(Get(Named("q", "cafe")).successor(), "");
  EXPECT_TRUE(Get(Named("q", "cafe")).has_move_date());
  EXPECT_EQ(Get(Named("p", "sy")).successor(), Named("s", "sy-p"));
  EXPECT_EQ(Get(Named("q", "sy")).successor(), Named("s", "sy-q"));
  auto const refusal =
      Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(Named("q", "cafe"), "r1"),
                                kPrecondition, "GONE_ON_ELSEWHERE");
  EXPECT_EQ(refusal.metadata.count("successor"), 0U);
  Undo();
  EXPECT_FALSE(Get(Named("q", "cafe")).has_move_date());
  Register(Named("q", "cafe"), "r1");
}

TEST_P(MergeTest, WhatIsOverStaysWhereItWas) {
  auto const old = OpenIn("p", "cafe");
  Advance(old, v1::ACTIVITY_STEP_START);
  Advance(old, v1::ACTIVITY_STEP_COMPLETE);
  Merge();
  EXPECT_FALSE(Get(old).has_move_date());
  Advance(old, v1::ACTIVITY_STEP_REPORT);
}

TEST_P(MergeTest, OneResidentIsOneVolunteerAndANoOfThePoliceStands) {
  Volunteer("p", "v", "ida");
  Volunteer("q", "w", "ida");
  Volunteer("q", "x", "bo");
  Volunteer("s", "y", "bo");
  Clear("p", "v", true);
  Clear("q", "w", false);
  Clear("q", "x", false);
  Clear("s", "y", true);
  Merge();
  EXPECT_EQ(ClearanceOf("s", "v"), v1::CLEARANCE_STATE_NOT_CLEARED);
  EXPECT_EQ(ClearanceOf("s", "y"), v1::CLEARANCE_STATE_NOT_CLEARED);
  v1::ListVolunteersRequest list;
  list.set_parent("plans/s");
  EXPECT_THAT(ListedIn(Must<v1::ListVolunteersResponse>("VolunteerService/ListVolunteers", list)), ElementsAre("v", "y"));
  // The answer of the police is entered where the volunteer is now.
  v1::ConsentToClearanceRequest consent;
  consent.set_name("plans/p/clearances/v");
  *consent.mutable_consent_date() = Date("2126-02-25");
  Refused<v1::Clearance>("VolunteerService/ConsentToClearance", consent, kPrecondition, "GONE_ON_ELSEWHERE");
}

TEST_P(MergeTest, VolunteersGoAlongWithTheSessionsThatTheyAreOn) {
  auto const old = OpenIn("p", "cafe");
  auto const next = Session(old, "next", "2126-04-01T16:00");
  Volunteer("p", "v", "ida");
  Clear("p", "v", true);
  Assign(next, "plans/p/volunteers/v");
  Merge();
  v1::ListAssignmentsRequest list;
  list.set_parent(Named("s", "cafe") + "/sessions/next");
  auto const there = Must<v1::ListAssignmentsResponse>("VolunteerService/ListAssignments", list);
  ASSERT_THAT(there.assignments(), SizeIs(1));
  EXPECT_EQ(there.assignments(0).volunteer(), "plans/s/volunteers/v");
}

TEST_P(MergeTest, UndoneAtOnceEverythingIsAsBefore) {
  for (auto const* plan : {"p", "q"}) {
    auto const activity = OpenIn(plan, "cafe", 2);
    auto const room = RoomIn(plan, "sal");
    for (auto const* id : {"r1", "r2", "r3"}) Register(activity, id);
    Mark(Session(activity, "today", "2126-03-01T07:00", room), 5);
    Session(activity, "next", "2126-04-01T16:00", room);
    Volunteer(plan, "v", "ida");
    Clear(plan, "v", true);
    Assign(activity + "/sessions/next", std::string("plans/") + plan + "/volunteers/v");
  }
  OpenIn("s", "sy");
  for (auto const* plan : {"p", "q"}) {
    Measure(Indicator(plan, "tryghed", v1::INDICATOR_KIND_MEASURED), "2126-02-01", 7);
    Indicator(plan, "pladser", v1::INDICATOR_KIND_CONFIRMED_REGISTRATIONS);
  }
  auto const before = Rows();
  Merge();
  EXPECT_NE(Rows(), before);
  Undo();
  EXPECT_EQ(Rows(), before);
  EXPECT_EQ(LastEvent<cv1::MergeReceipt>(kMerge).step(), cv1::MERGE_STEP_UNDO);
}

TEST_P(MergeTest, UndoneLaterWhatHasComeSinceGoesBackToo) {
  auto const old = OpenIn("p", "cafe", 3);
  Register(old, "r1");
  Register(old, "r2");
  Session(old, "next", "2126-03-01T07:00");
  Volunteer("p", "v", "ida");
  Merge();
  auto const now = Named("s", "cafe");
  Register(now, "r3");
  Register(now, "r4");
  Cancel(now + "/registrations/r1");
  auto const room = RoomIn("s", "new");
  Session(now, "later", "2126-05-01T16:00", room);
  Mark(now + "/sessions/next", 9);
  Hours("plans/s/volunteers/v", 90);
  Undo();
  EXPECT_THAT(Registrations(old), UnorderedElementsAre("r1 CANCELLED", "r2 CONFIRMED", "r3 CONFIRMED", "r4 OFFERED"));
  EXPECT_EQ(Get(old).taken_count(), 3);
  EXPECT_THAT(Sessions(old), ElementsAre("next 2126-03-01T07:00 ", "later 2126-05-01T16:00 plans/p/rooms/new"));
  EXPECT_EQ(GetVolunteer("plans/p/volunteers/v").minutes_total(), 90);
  v1::ListAttendancesRequest list;
  list.set_parent(old + "/sessions/next");
  EXPECT_THAT(Must<v1::ListAttendancesResponse>("AttendanceService/ListAttendances", list).attendances(), SizeIs(1));
  v1::GetActivityRequest gone;
  gone.set_name(now);
  EXPECT_THAT(Call<v1::Activity>("ActivityService/GetActivity", gone), StatusCodeIs(kAbsent));
  // Nobody is told that it was cancelled: it goes on.
  std::vector<std::string> told;
  for (auto const& event : Events()) {
    v1::ActivityChanged change;
    v1::ActivityRemoved removed;
    if (event.data().UnpackTo(&change) && change.state() == v1::ACTIVITY_STATE_CANCELLED) told.push_back("cancelled");
    if (event.data().UnpackTo(&removed)) told.push_back(removed.activity() + " " + removed.goes_on_as());
  }
  EXPECT_THAT(told, ElementsAre(now + " " + old));
  // It goes on where it was.
  Register(old, "r5");
}

// The names of what stayed behind stay its own, so that nothing of it is written over when the rest comes back.
TEST_P(MergeTest, WhatStayedBehindIsThereUnchangedWhenTheMergeIsUndone) {
  auto const old = OpenIn("p", "cafe", 3);
  Register(old, "r1");
  Cancel(old + "/registrations/r1");
  Session(old, "past", "2126-02-01T16:00");
  Session(old, "kor-21260501", "2126-02-02T16:00");
  Mark(Session(old, "marked", "2126-03-01T07:00"), 12);
  auto const before = Rows();
  Merge();
  auto const now = Named("s", "cafe");
  for (auto const* id : {"past", "marked"}) {
    auto again = SessionRequest(now, "2126-05-01T16:00");
    again.set_session_id(id);
    auto const refusal = Refused<v1::Session>("SessionService/CreateSession", again, kExists, "RESOURCE_EXISTS");
    EXPECT_EQ(refusal.metadata.at("resource"), old + "/sessions/" + id);
  }
  v1::CreateSeriesRequest series;
  series.set_parent(now);
  series.set_series_id("kor");
  series.mutable_series()->set_local_start("2126-05-01T16:00");
  series.mutable_series()->set_duration_minutes(60);
  series.mutable_series()->set_recurrence_rule("FREQ=DAILY;COUNT=2");
  Refused<v1::Series>("SessionService/CreateSeries", series, kExists, "RESOURCE_EXISTS");
  auto person = RegistrationRequest(now, "r9");
  person.set_registration_id("r1");
  Refused<v1::Registration>("RegistrationService/CreateRegistration", person, kExists, "RESOURCE_EXISTS");
  Undo();
  EXPECT_EQ(Rows(), before);
}

TEST_P(MergeTest, HoursUnderOneIdAreBothKept) {
  auto const old = OpenIn("p", "cafe");
  OpenIn("q", "sy");
  auto const volunteer = Volunteer("p", "v", "ida");
  Hours(volunteer, 30, "h");
  Merge();
  Hours("plans/s/volunteers/v", 90, "h", Named("s", "cafe"));
  Hours("plans/s/volunteers/v", 20, "h-s", Named("s", "sy"));
  Undo();
  EXPECT_THAT(HoursOf(volunteer), UnorderedElementsAre(std::pair("h", 30), std::pair("h-s", 20), std::pair("h-s-2", 90)));
  EXPECT_EQ(GetVolunteer(volunteer).minutes_total(), 140);
}

TEST_P(MergeTest, ARoomOnlyASeriesNamesGoesBackWithIt) {
  auto const old = OpenIn("p", "cafe");
  Merge();
  v1::CreateSeriesRequest series;
  series.set_parent(Named("s", "cafe"));
  series.set_series_id("kor");
  series.mutable_series()->set_local_start("2126-05-01T16:00");
  series.mutable_series()->set_duration_minutes(60);
  series.mutable_series()->set_recurrence_rule("FREQ=DAILY;COUNT=1");
  series.mutable_series()->set_room(RoomIn("s", "new"));
  Must<v1::Series>("SessionService/CreateSeries", series);
  v1::MoveSessionRequest move;
  move.set_name(Named("s", "cafe") + "/sessions/kor-21260501");
  move.set_local_start("2126-05-01T18:00");
  move.set_room(RoomIn("s", "other"));
  Must<v1::Session>("SessionService/MoveSession", move);
  Undo();
  v1::GetSeriesRequest get;
  get.set_name(old + "/series/kor");
  EXPECT_EQ(Must<v1::Series>("SessionService/GetSeries", get).room(), "plans/p/rooms/new");
}

TEST_P(MergeTest, WhatAnotherPlanKnewOfAVolunteerStaysThereWhenTheMergeIsUndone) {
  auto const old = OpenIn("p", "cafe");
  Session(old, "next", "2126-04-01T16:00");
  Volunteer("p", "v", "ida");
  Volunteer("q", "w", "ida");
  Clear("q", "w", true);
  Merge();
  EXPECT_EQ(ClearanceOf("s", "v"), v1::CLEARANCE_STATE_CLEARED);
  Assign(Named("s", "cafe") + "/sessions/next", "plans/s/volunteers/v");
  Undo();
  EXPECT_EQ(ClearanceOf("p", "v"), v1::CLEARANCE_STATE_NONE) << "it never had a consent";
  EXPECT_EQ(ClearanceOf("q", "w"), v1::CLEARANCE_STATE_CLEARED);
  EXPECT_THAT(On(old + "/sessions/next"), IsEmpty()) << "P8: children may come";
}

TEST_P(MergeTest, AnAnswerOfThePoliceThatCameSinceGoesBackAndANoToAll) {
  Volunteer("p", "v", "ida");
  Volunteer("q", "w", "ida");
  Clear("q", "w", true);
  Volunteer("p", "x", "bo");
  Merge();
  Clear("s", "v", false);
  Clear("s", "x", true);
  Undo();
  EXPECT_EQ(ClearanceOf("p", "v"), v1::CLEARANCE_STATE_NOT_CLEARED);
  EXPECT_EQ(ClearanceOf("q", "w"), v1::CLEARANCE_STATE_NOT_CLEARED);
  EXPECT_EQ(ClearanceOf("p", "x"), v1::CLEARANCE_STATE_CLEARED);
}

// P8, whichever plan knows what: the successor's no, or that nobody has asked, or another predecessor's no.
TEST_P(MergeTest, NobodyGetsOnASessionWithChildrenByAMergeWithoutAClearance) {
  for (auto const* plan : {"p", "q"}) Session(OpenIn(plan, std::string("cafe-") + plan), "next", "2126-04-01T16:00");
  Volunteer("s", "y", "bo");
  Volunteer("p", "x", "bo");
  Clear("p", "x", true);
  Assign(Named("p", "cafe-p") + "/sessions/next", "plans/p/volunteers/x");
  Volunteer("p", "v", "ida");
  Clear("p", "v", false);
  Volunteer("q", "w", "ida");
  Clear("q", "w", true);
  Assign(Named("q", "cafe-q") + "/sessions/next", "plans/q/volunteers/w");
  Merge();
  EXPECT_THAT(On(Named("s", "cafe-p") + "/sessions/next"), IsEmpty());
  EXPECT_THAT(On(Named("s", "cafe-q") + "/sessions/next"), IsEmpty());
}

TEST_P(MergeTest, WhoMayAskAboutOnePlanDoesNotLearnOfTheOthers) {
  OpenIn("p", "cafe");
  v1::ReportMergeRequest request;
  request.set_plan("plans/s");
  request.add_predecessors("plans/s");
  request.add_predecessors("plans/p");
  auto const refusal = Refused<v1::ReportMergeResponse>("MergeService/ReportMerge", request, absl::StatusCode::kPermissionDenied,
                                                        "PERMISSION_MISSING", As("service", "plans/s", "service:funding"));
  EXPECT_EQ(refusal.metadata.at("resource"), "plans/p");
}

TEST_P(MergeTest, TheReportSaysWhatIsAlikeAndWhoIsThereTwice) {
  auto const one = OpenIn("p", "cafe");
  auto const other = OpenIn("q", "cafe");
  OpenIn("q", "sy");
  Volunteer("p", "v", "ida");
  Volunteer("s", "w", "ida");
  v1::ReportMergeRequest request;
  request.set_plan("plans/s");
  request.add_predecessors("plans/p");
  request.add_predecessors("plans/q");
  auto const report = Must<v1::ReportMergeResponse>("MergeService/ReportMerge", request, As("service", "", "service:funding"));
  ASSERT_THAT(report.findings(), SizeIs(2));
  EXPECT_THAT(report.findings(0).subjects(), ElementsAre(one, other));
  EXPECT_EQ(report.findings(1).kind(), cv1::MERGE_CONFLICT_KIND_VOLUNTEER_TWICE);
  Merge();
  EXPECT_THAT(Must<v1::ReportMergeResponse>("MergeService/ReportMerge", request).findings(), IsEmpty());
}

TEST_P(MergeTest, OtherChangesOfAMergeAskForNothing) {
  OpenIn("p", "cafe");
  auto const before = Content();
  for (auto const state : {fv1::PLAN_MERGE_STATE_PROPOSED, fv1::PLAN_MERGE_STATE_EXECUTED, fv1::PLAN_MERGE_STATE_SEALED,
                           fv1::PLAN_MERGE_STATE_UNDONE, fv1::PLAN_MERGE_STATE_WITHDRAWN}) {
    Say(state);
  }
  EXPECT_EQ(Content(), before);
}

// What a sub-goal is measured by goes on where it stood, and counts on.
TEST_P(MergeTest, IndicatorsGoAlongWithTheirRoundsAndCounts) {
  for (auto const* plan : {"p", "q"}) {
    auto const cafe = OpenIn(plan, "cafe", 5);
    for (auto const* id : {"r1", "r2"}) Register(cafe, id);
    Mark(Session(cafe, "today", "2126-03-01T07:00"), 9);
    auto const over = OpenIn(plan, "over");
    Register(over, "r1");
    Advance(over, v1::ACTIVITY_STEP_START);
    Advance(over, v1::ACTIVITY_STEP_COMPLETE);
    Measure(Indicator(plan, "tryghed", v1::INDICATOR_KIND_MEASURED), "2126-02-01", 7);
    Indicator(plan, "pladser", v1::INDICATOR_KIND_CONFIRMED_REGISTRATIONS);
    Indicator(plan, "fremmoede", v1::INDICATOR_KIND_ATTENDANCES);
  }
  Merge();
  for (auto const* of : {"", "-q"}) {
    auto const in = [&](std::string const& id) { return absl::StrCat("plans/s/indicators/", id, of); };
    EXPECT_EQ(GetIndicator(in("tryghed")).sub_goal(), absl::StrCat("plans/s/subGoals/sprog", of));
    EXPECT_EQ(Value(in("tryghed")), 7);
    EXPECT_EQ(Rounds(in("tryghed")), 1U);
    EXPECT_EQ(Value(in("pladser")), 3) << "as it stood: two that go along, one that is over";
    EXPECT_EQ(GetIndicator(in("pladser")).carried_value(), 1);
    EXPECT_EQ(Value(in("fremmoede")), 9);
  }
  auto const now = Named("s", "cafe");
  Register(now, "r3");
  Mark(Session(now, "later", "2126-03-01T07:30"), 4);
  Measure("plans/s/indicators/tryghed", "2126-03-01", 12);
  EXPECT_EQ(Value("plans/s/indicators/pladser"), 4);
  EXPECT_EQ(Value("plans/s/indicators/fremmoede"), 13);
  Refused<v1::Measurement>("IndicatorService/CreateMeasurement", Measurement("plans/p/indicators/tryghed", "2126-03-01", 1),
                           kPrecondition, "GONE_ON_ELSEWHERE");
  Undo();
  EXPECT_EQ(Value("plans/p/indicators/tryghed"), 12);
  EXPECT_EQ(Rounds("plans/p/indicators/tryghed"), 2U);
  EXPECT_EQ(Value("plans/p/indicators/pladser"), 4);
  EXPECT_EQ(Value("plans/p/indicators/fremmoede"), 13);
  EXPECT_EQ(Value("plans/q/indicators/tryghed"), 7);
  EXPECT_EQ(Value("plans/q/indicators/pladser"), 3);
  v1::GetIndicatorRequest gone;
  gone.set_name("plans/s/indicators/tryghed");
  EXPECT_THAT(Call<v1::Indicator>("IndicatorService/GetIndicator", gone), StatusCodeIs(kAbsent));
}

// P7: also in what moved and what stayed, and neither comes back with the undoing.
TEST_P(MergeTest, WhoIsErasedIsNotBroughtBackByAnUndoing) {
  auto const old = OpenIn("p", "cafe", 1);
  Register(old, "seat");
  Register(old, "waits");
  Cancel(old + "/registrations/waits");
  Register(old, "next");
  Volunteer("p", "v", "seat");
  Merge();
  SayErased("seat");
  SayErased("waits");
  auto const check = [&] {
    for (auto const* id : {"/seat seat ", "/waits waits ", "/v seat "}) EXPECT_EQ(Rows().find(id), std::string::npos) << Rows();
  };
  check();
  EXPECT_THAT(Registrations(Named("s", "cafe")), UnorderedElementsAre("seat CANCELLED", "next OFFERED"));
  Undo();
  check();
  EXPECT_THAT(Registrations(old), UnorderedElementsAre("seat CANCELLED", "waits CANCELLED", "next OFFERED"));
  EXPECT_EQ(Get(old).taken_count(), 1);
}

// Whatever happens before, meanwhile and after: seats, queue and tallies are what the registrations say, and nobody is lost.
TEST_P(MergeTest, SeatsAndTalliesAlwaysAreWhatTheRegistrationsSay) {
  SeededRandom random(7);
  auto const old = OpenIn("p", "cafe", 4);
  std::map<std::string, bool> people;
  auto const act = [&](std::string const& activity, int acts) {
    for (int i = 0; i < acts; ++i) {
      auto const id = absl::StrCat("r", people.size());
      if (people.empty() || random.Between(0, 2) > 0) {
        Register(activity, id);
        people[id] = true;
        continue;
      }
      auto chosen = std::next(people.begin(), random.Between(0, static_cast<std::int64_t>(people.size()) - 1));
      if (chosen->second) Cancel(activity + "/registrations/" + chosen->first);
      chosen->second = false;
    }
  };
  auto const check = [&](std::string const& activity) {
    std::map<std::string, int> states;
    for (auto const& line : Registrations(activity)) ++states[line.substr(line.find(' ') + 1)];
    auto const found = Get(activity);
    EXPECT_EQ(found.taken_count(), states["CONFIRMED"] + states["OFFERED"]) << activity;
    EXPECT_EQ(found.waiting_count(), states["WAITLISTED"]) << activity;
    EXPECT_LE(found.taken_count(), 4);
    std::string const tally = absl::StrCat("c ", activity.substr(6, 1), "/cafe ", states["CONFIRMED"], " 0\n");
    EXPECT_NE(Rows().find(tally), std::string::npos) << tally << Rows();
  };
  act(old, 12);
  check(old);
  Merge();
  check(Named("s", "cafe"));
  act(Named("s", "cafe"), 12);
  check(Named("s", "cafe"));
  Undo();
  check(old);
  EXPECT_THAT(Registrations(old), SizeIs(people.size()));
}

}  // namespace
}  // namespace helhed::activities::testing
