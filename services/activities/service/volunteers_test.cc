#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "helhed/activities/v1/volunteer_service.pb.h"
#include "services/activities/testing/fixture.h"

namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;

class VolunteersTest : public ActivitiesTest {
 protected:
  v1::Volunteer Volunteer(std::string const& id) {
    v1::CreateVolunteerRequest request;
    request.set_parent("plans/amager");
    request.set_volunteer_id(id);
    auto& given = *request.mutable_volunteer();
    given.set_resident("residents/" + id);
    given.set_tasks("Hjælper i lektiecaféen");
    *given.mutable_start_date() = Date("2126-01-01");
    return Must<v1::Volunteer>("VolunteerService/CreateVolunteer", request);
  }
  static std::string ClearanceOf(std::string const& id) { return "plans/amager/clearances/" + id; }
  void Consent(std::string const& id) {
    v1::ConsentToClearanceRequest request;
    request.set_name(ClearanceOf(id));
    *request.mutable_consent_date() = Date("2126-02-01");
    Must<v1::Clearance>("VolunteerService/ConsentToClearance", request);
  }
  static v1::CreateClearanceOrderRequest OrderRequest(std::vector<std::string> const& ids) {
    v1::CreateClearanceOrderRequest request;
    request.set_parent("plans/amager");
    for (auto const& id : ids) request.mutable_clearance_order()->add_volunteers("plans/amager/volunteers/" + id);
    return request;
  }
  v1::ClearanceOrder Order(std::vector<std::string> const& ids) {
    return Must<v1::ClearanceOrder>("VolunteerService/CreateClearanceOrder", OrderRequest(ids));
  }
  v1::RecordClearanceRequest Answer(std::string const& id, bool cleared, std::string_view date) {
    v1::RecordClearanceRequest request;
    request.set_name(ClearanceOf(id));
    request.set_cleared(cleared);
    *request.mutable_decide_date() = Date(date);
    return request;
  }
  v1::Clearance Record(std::string const& id, bool cleared, std::string_view date = "2126-03-01") {
    return Must<v1::Clearance>("VolunteerService/RecordClearance", Answer(id, cleared, date));
  }
  void Clear(std::string const& id, std::string_view date = "2126-03-01") {
    Consent(id);
    Order({id});
    Record(id, true, date);
  }
  static v1::AssignVolunteerRequest AssignRequest(std::string const& session, std::string const& id) {
    v1::AssignVolunteerRequest request;
    request.set_parent(session);
    request.set_volunteer("plans/amager/volunteers/" + id);
    return request;
  }
  void Assign(std::string const& session, std::string const& id) {
    Must<v1::Assignment>("VolunteerService/AssignVolunteer", AssignRequest(session, id));
  }
  std::vector<std::string> On(std::string const& session) {
    v1::ListAssignmentsRequest request;
    request.set_parent(session);
    return ListedIn(Must<v1::ListAssignmentsResponse>("VolunteerService/ListAssignments", request));
  }
  std::string Session(std::string const& activity, std::string_view start) {
    return Must<v1::Session>("SessionService/CreateSession", SessionRequest(activity, start)).name();
  }
  std::string Adults() {
    Draft("x");
    auto request = ActivityRequest("voksne");
    request.mutable_activity()->set_age_min(15);
    return Must<v1::Activity>("ActivityService/CreateActivity", request).name();
  }
};

// P8.
TEST_P(VolunteersTest, WithChildrenOnlyWhoIsClearedOnTheDayOfTheSession) {
  auto const activity = Open("a").name();
  auto const near = Session(activity, "2126-06-01T17:00");
  auto const far = Session(activity, "2128-03-01T17:00");
  Volunteer("v1");
  auto const refusal =
      Refused<v1::Assignment>("VolunteerService/AssignVolunteer", AssignRequest(near, "v1"), kPrecondition, "CLEARANCE_NEEDED");
  EXPECT_EQ(refusal.metadata.at("date"), "2126-06-01");
  EXPECT_EQ(refusal.metadata.at("child_age"), "15");
  Clear("v1");
  Assign(near, "v1");
  Refused<v1::Assignment>("VolunteerService/AssignVolunteer", AssignRequest(far, "v1"), kPrecondition, "CLEARANCE_NEEDED");
  auto const adults = Session(Adults(), "2126-06-01T17:00");
  Volunteer("v2");
  Assign(adults, "v2");
}

TEST_P(VolunteersTest, NobodyIsPutOnASessionThatWasCancelled) {
  auto const session = Session(Adults(), "2126-06-01T17:00");
  Volunteer("v1");
  v1::CancelSessionRequest cancel;
  cancel.set_name(session);
  cancel.set_reason("Regn");
  Must<v1::Session>("SessionService/CancelSession", cancel);
  Refused<v1::Assignment>("VolunteerService/AssignVolunteer", AssignRequest(session, "v1"), kPrecondition, "SESSION_CANCELLED");
}

TEST_P(VolunteersTest, ASessionIsNotMovedToADayWithoutAnAgreement) {
  auto const session = Session(Adults(), "2126-06-01T17:00");
  v1::CreateVolunteerRequest request;
  request.set_parent("plans/amager");
  request.set_volunteer_id("v1");
  request.mutable_volunteer()->set_resident("residents/v1");
  request.mutable_volunteer()->set_tasks("Hjælper");
  *request.mutable_volunteer()->mutable_start_date() = Date("2126-01-01");
  *request.mutable_volunteer()->mutable_end_date() = Date("2126-07-01");
  Must<v1::Volunteer>("VolunteerService/CreateVolunteer", request);
  Assign(session, "v1");
  v1::MoveSessionRequest move;
  move.set_name(session);
  move.set_local_start("2126-07-01T17:00");
  EXPECT_EQ(Refused<v1::Session>("SessionService/MoveSession", move, kPrecondition, "VOLUNTEER_NOT_AGREED").metadata.at("date"),
            "2126-07-01");
  move.set_local_start("2126-06-30T17:00");
  Must<v1::Session>("SessionService/MoveSession", move);
}

// P8.
TEST_P(VolunteersTest, NeitherAMoveNorALowerAgePutsAnybodyWithChildrenUncleared) {
  auto const activity = Open("a").name();
  auto const session = Session(activity, "2126-06-01T17:00");
  Volunteer("v1");
  Clear("v1");
  Assign(session, "v1");
  v1::MoveSessionRequest move;
  move.set_name(session);
  move.set_local_start("2128-03-01T17:00");
  Refused<v1::Session>("SessionService/MoveSession", move, kPrecondition, "CLEARANCE_NEEDED");
  auto const adults = Adults();
  Volunteer("v2");
  Assign(Session(adults, "2126-06-01T17:00"), "v2");
  v1::UpdateActivityRequest update;
  update.mutable_activity()->set_name(adults);
  update.mutable_activity()->set_age_min(14);
  Refused<v1::Activity>("ActivityService/UpdateActivity", update, kPrecondition, "CLEARANCE_NEEDED");
}

// P8.
TEST_P(VolunteersTest, WhoIsNotClearedIsTakenOffWhatIsWithChildren) {
  auto const activity = Open("a").name();
  auto const session = Session(activity, "2126-06-01T17:00");
  auto const adults = Session(Adults(), "2126-06-01T17:00");
  Volunteer("v1");
  Clear("v1");
  Assign(session, "v1");
  Assign(adults, "v1");
  Consent("v1");
  Order({"v1"});
  EXPECT_THAT(On(session), ElementsAre("v1")) << "it holds while it is renewed";
  EXPECT_EQ(Record("v1", false).state(), v1::CLEARANCE_STATE_NOT_CLEARED);
  EXPECT_THAT(On(session), ElementsAre());
  EXPECT_THAT(On(adults), ElementsAre("v1"));
  Refused<v1::Assignment>("VolunteerService/AssignVolunteer", AssignRequest(session, "v1"), kPrecondition, "CLEARANCE_NEEDED");
}

TEST_P(VolunteersTest, AnOrderTakesFiftyWhoHaveConsented) {
  Volunteer("v1");
  Volunteer("v2");
  Consent("v1");
  EXPECT_EQ(Refused<v1::ClearanceOrder>("VolunteerService/CreateClearanceOrder", OrderRequest({"v1", "v2"}), kPrecondition,
                                        "CLEARANCE_STATE")
                .metadata["volunteer"],
            "plans/amager/volunteers/v2");
  std::vector<std::string> many;
  for (int i = 0; i < 51; ++i) many.push_back(absl::StrCat("v", i));
  EXPECT_EQ(Refused<v1::ClearanceOrder>("VolunteerService/CreateClearanceOrder", OrderRequest(many), kInvalid, "ORDER_TOO_LARGE")
                .metadata["names_max"],
            "50");
  auto const order = Order({"v1"});
  v1::GetClearanceOrderRequest get;
  get.set_name(order.name());
  EXPECT_THAT(Must<v1::ClearanceOrder>("VolunteerService/GetClearanceOrder", get).volunteers(),
              ElementsAre("plans/amager/volunteers/v1"));
  Refused<v1::Clearance>("VolunteerService/RecordClearance", Answer("v2", true, "2126-03-01"), kPrecondition, "CLEARANCE_STATE");
}

TEST_P(VolunteersTest, WhoWaitsForAnAnswerOrHasLeftIsNotAskedForAgain) {
  Volunteer("v1");
  Consent("v1");
  Order({"v1"});
  v1::ConsentToClearanceRequest again;
  again.set_name(ClearanceOf("v1"));
  *again.mutable_consent_date() = Date("2126-02-02");
  Refused<v1::Clearance>("VolunteerService/ConsentToClearance", again, kPrecondition, "CLEARANCE_STATE");
  Record("v1", false);
  Must<v1::Clearance>("VolunteerService/ConsentToClearance", again);
  v1::LeaveVolunteerRequest leave;
  leave.set_name("plans/amager/volunteers/v1");
  *leave.mutable_leave_date() = Date("2126-03-01");
  Must<v1::Volunteer>("VolunteerService/LeaveVolunteer", leave);
  Refused<v1::Clearance>("VolunteerService/ConsentToClearance", again, kPrecondition, "CLEARANCE_STATE");
}

TEST_P(VolunteersTest, NobodyIsAVolunteerOfAPlanTwice) {
  Volunteer("v1");
  v1::CreateVolunteerRequest request;
  request.set_parent("plans/amager");
  request.set_volunteer_id("v2");
  request.mutable_volunteer()->set_resident("residents/v1");
  request.mutable_volunteer()->set_tasks("x");
  *request.mutable_volunteer()->mutable_start_date() = Date("2126-01-01");
  EXPECT_THAT(Call<v1::Volunteer>("VolunteerService/CreateVolunteer", request), StatusCodeIs(kExists));
  v1::LeaveVolunteerRequest leave;
  leave.set_name("plans/amager/volunteers/v1");
  *leave.mutable_leave_date() = Date("2126-03-01");
  Must<v1::Volunteer>("VolunteerService/LeaveVolunteer", leave);
  Must<v1::Volunteer>("VolunteerService/CreateVolunteer", request);
}

TEST_P(VolunteersTest, NobodyHelpsOutsideThePlan) {
  auto const session = Session(Adults(), "2126-06-01T17:00");
  auto request = AssignRequest(session, "v1");
  request.set_volunteer("plans/other/volunteers/v1");
  EXPECT_THAT(Refused<v1::Assignment>("VolunteerService/AssignVolunteer", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("volunteer"));
}

TEST_P(VolunteersTest, RenewalsAreDueAheadOfTheirDay) {
  Volunteer("v1");
  Volunteer("v2");
  Clear("v1", "2124-04-01");
  Clear("v2", "2126-02-01");
  v1::ListRenewalsDueRequest request;
  request.set_parent("plans/amager");
  EXPECT_THAT(ListedIn(Must<v1::ListRenewalsDueResponse>("VolunteerService/ListRenewalsDue", request)), ElementsAre("v1"));
  *request.mutable_by_date() = Date("2126-03-31");
  EXPECT_THAT(ListedIn(Must<v1::ListRenewalsDueResponse>("VolunteerService/ListRenewalsDue", request)), ElementsAre());
  clock().Set(absl::FromCivil(absl::CivilHour(2126, 4, 1, 12), absl::UTCTimeZone()));
  v1::GetClearanceRequest get;
  get.set_name(ClearanceOf("v1"));
  EXPECT_EQ(Must<v1::Clearance>("VolunteerService/GetClearance", get).state(), v1::CLEARANCE_STATE_RENEWAL_DUE);
}

TEST_P(VolunteersTest, OnlyOneRoleSeesAClearance) {
  Volunteer("v1");
  v1::GetClearanceRequest get;
  get.set_name(ClearanceOf("v1"));
  Must<v1::Clearance>("VolunteerService/GetClearance", get, As("plan-leader", "plans/amager"));
  for (auto const* role : {"plan-staff", "plan-board", "fund", "municipality", "auditor", "service", "portal"}) {
    EXPECT_THAT(Call<v1::Clearance>("VolunteerService/GetClearance", get, As(role, "plans/amager")), Not(IsOk())) << role;
  }
}

TEST_P(VolunteersTest, HoursAreCountedWhileTheAgreementHoldsAndWhoLeavesIsTakenOff) {
  auto const session = Session(Adults(), "2126-06-01T17:00");
  auto const volunteer = Volunteer("v1").name();
  Assign(session, "v1");
  v1::CreateVolunteerHoursRequest hours;
  hours.set_parent(volunteer);
  *hours.mutable_volunteer_hours()->mutable_date() = Date("2126-02-28");
  hours.mutable_volunteer_hours()->set_minutes(90);
  Must<v1::VolunteerHours>("VolunteerService/CreateVolunteerHours", hours);
  Must<v1::VolunteerHours>("VolunteerService/CreateVolunteerHours", hours);
  v1::GetVolunteerRequest get;
  get.set_name(volunteer);
  EXPECT_EQ(Must<v1::Volunteer>("VolunteerService/GetVolunteer", get).minutes_total(), 180);
  *hours.mutable_volunteer_hours()->mutable_date() = Date("2125-12-31");
  Refused<v1::VolunteerHours>("VolunteerService/CreateVolunteerHours", hours, kPrecondition, "VOLUNTEER_NOT_AGREED");
  v1::LeaveVolunteerRequest leave;
  leave.set_name(volunteer);
  *leave.mutable_leave_date() = Date("2126-03-01");
  Must<v1::Volunteer>("VolunteerService/LeaveVolunteer", leave);
  EXPECT_THAT(On(session), ElementsAre());
  v1::GetClearanceRequest of;
  of.set_name(ClearanceOf("v1"));
  EXPECT_EQ(Must<v1::Clearance>("VolunteerService/GetClearance", of).state(), v1::CLEARANCE_STATE_LEFT) << "8.5: any -> LEFT";
  Refused<v1::Assignment>("VolunteerService/AssignVolunteer", AssignRequest(session, "v1"), kPrecondition, "VOLUNTEER_LEFT");
}

// P4.
TEST_P(VolunteersTest, WithoutConsentNobodyIsEntered) {
  SetVerdict(residents::v1::CONSENT_VERDICT_WITHDRAWN);
  v1::CreateVolunteerRequest request;
  request.set_parent("plans/amager");
  request.mutable_volunteer()->set_resident("residents/v1");
  request.mutable_volunteer()->set_tasks("x");
  *request.mutable_volunteer()->mutable_start_date() = Date("2126-01-01");
  Refused<v1::Volunteer>("VolunteerService/CreateVolunteer", request, kPrecondition, "CONSENT_MISSING");
}

HELHED_BOTH_ENGINES(VolunteersTest);

}  // namespace
}  // namespace helhed::activities::testing
