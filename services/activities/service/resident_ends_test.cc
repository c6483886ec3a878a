#include "services/activities/service/resident_ends.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "helhed/activities/v1/volunteer_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/activities/testing/fixture.h"
#include "services/activities/testing/history.h"
#include "services/platform/server/jobs.h"
#include "services/platform/service/requests.h"

// P7: who is erased in the register of residents is erased here. P4, 8.9: what rests on a consent ends with it. The register is
// not there: what it would say is handed in. It is 2126-03-01.
namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace rv1 = residents::v1;

constexpr auto kSeated = v1::REGISTRATION_STATE_CONFIRMED;
constexpr auto kOnOffer = v1::REGISTRATION_STATE_OFFERED;
constexpr auto kGivenUp = v1::REGISTRATION_STATE_CANCELLED;
constexpr auto kErased = rv1::ERASURE_OUTCOME_ERASED;

class ResidentEndsTest : public ActivitiesTest {
 protected:
  void Say(google::protobuf::Message const& what) {
    events::v1::Event event;
    event.mutable_data()->PackFrom(what);
    auto& store = instance().store();
    EXPECT_THAT(store.Apply(OwnContext("activities", store.parts(), {}),
                            [&](WriteTransaction& tx) { return ResidentEnds::TakeEvent(tx, event); }),
                IsOk());
  }
  void SayErased(std::string const& id) {
    rv1::ResidentErased erased;
    erased.set_resident("residents/" + id);
    erased.set_erasure("residents/" + id + "/erasures/e");
    Say(erased);
  }
  void SayEnded(std::string const& id, std::string const& purpose = "purposes/activities", std::string const& consent = "c") {
    rv1::ConsentEnded ended;
    ended.set_resident("residents/" + id);
    ended.set_consent("residents/" + id + "/consents/" + consent);
    ended.set_purpose(purpose);
    Say(ended);
  }
  absl::Status Run(std::string_view name) {
    for (auto const& job : instance().jobs()) {
      if (job.name == name) return server::Jobs::RunToEnd(job, {});
    }
    return absl::NotFoundError("no such job");
  }
  // What the register was answered: outcome and number of records.
  std::vector<std::string> Answers() {
    std::vector<std::string> all;
    for (auto const& answer : fake_residents().answers()) {
      EXPECT_EQ(answer.service(), "activities");
      all.push_back(
          absl::StrCat(answer.name(), " ", answer.outcome() == kErased ? "erased " : "nothing ", answer.record_count()));
    }
    return all;
  }

  v1::Registration Register(std::string const& activity, std::string const& id, std::string const& resident) {
    auto request = RegistrationRequest(activity, resident);
    request.set_registration_id(id);
    return Must<v1::Registration>("RegistrationService/CreateRegistration", request);
  }
  v1::Registration Read(std::string const& name) {
    v1::GetRegistrationRequest request;
    request.set_name(name);
    return Must<v1::Registration>("RegistrationService/GetRegistration", request);
  }
  static std::string In(std::string const& activity, std::string const& id) { return activity + "/registrations/" + id; }
  // `resident` helps: hours given, a clearance, and on a session to come.
  void Volunteer(std::string const& resident, std::string const& session) {
    v1::CreateVolunteerRequest volunteer;
    volunteer.set_parent("plans/amager");
    volunteer.set_volunteer_id("v");
    volunteer.mutable_volunteer()->set_resident("residents/" + resident);
    volunteer.mutable_volunteer()->set_tasks(resident + " laver kaffe");
    *volunteer.mutable_volunteer()->mutable_start_date() = Date("2126-01-01");
    volunteer.set_request_id("018f0000-0000-7000-8000-0000000000f1");
    Must<v1::Volunteer>("VolunteerService/CreateVolunteer", volunteer);
    v1::CreateVolunteerHoursRequest hours;
    hours.set_parent("plans/amager/volunteers/v");
    *hours.mutable_volunteer_hours()->mutable_date() = Date("2126-03-01");
    hours.mutable_volunteer_hours()->set_minutes(90);
    Must<v1::VolunteerHours>("VolunteerService/CreateVolunteerHours", hours);
    v1::ConsentToClearanceRequest consent;
    consent.set_name("plans/amager/clearances/v");
    *consent.mutable_consent_date() = Date("2126-02-01");
    Must<v1::Clearance>("VolunteerService/ConsentToClearance", consent);
    v1::CreateClearanceOrderRequest order;
    order.set_parent("plans/amager");
    order.mutable_clearance_order()->add_volunteers("plans/amager/volunteers/v");
    Must<v1::ClearanceOrder>("VolunteerService/CreateClearanceOrder", order);
    v1::RecordClearanceRequest record;
    record.set_name(consent.name());
    record.set_cleared(true);
    *record.mutable_decide_date() = Date("2126-02-20");
    record.set_request_id("018f0000-0000-7000-8000-0000000000f2");
    Must<v1::Clearance>("VolunteerService/RecordClearance", record);
    v1::AssignVolunteerRequest assign;
    assign.set_parent(session);
    assign.set_volunteer("plans/amager/volunteers/v");
    Must<v1::Assignment>("VolunteerService/AssignVolunteer", assign);
  }
  v1::Volunteer ReadVolunteer() {
    v1::GetVolunteerRequest request;
    request.set_name("plans/amager/volunteers/v");
    return Must<v1::Volunteer>("VolunteerService/GetVolunteer", request);
  }
  v1::Clearance ReadClearance() {
    v1::GetClearanceRequest request;
    request.set_name("plans/amager/clearances/v");
    return Must<v1::Clearance>("VolunteerService/GetClearance", request);
  }
  std::vector<std::string> On(std::string const& session) {
    v1::ListAssignmentsRequest request;
    request.set_parent(session);
    return ListedIn(Must<v1::ListAssignmentsResponse>("VolunteerService/ListAssignments", request));
  }
  std::string Propose(std::string const& resident) {
    v1::CreateProposalRequest proposal;
    proposal.set_parent("plans/amager");
    proposal.mutable_proposal()->set_display_name("Et kor");
    proposal.mutable_proposal()->set_description("Sang");
    proposal.mutable_proposal()->set_proposer_kind(v1::PROPOSER_KIND_RESIDENT);
    proposal.mutable_proposal()->set_resident("residents/" + resident);
    return Must<v1::Proposal>("ActivityService/CreateProposal", proposal).name();
  }
  v1::Proposal ReadProposal(std::string const& name) {
    v1::GetProposalRequest request;
    request.set_name(name);
    return Must<v1::Proposal>("ActivityService/GetProposal", request);
  }
  std::string Session(std::string const& activity, std::string_view start) {
    return Must<v1::Session>("SessionService/CreateSession", SessionRequest(activity, start)).name();
  }
  void Mark(std::string const& session, std::string const& registration, std::string const& note) {
    v1::RecordAttendanceRequest record;
    record.set_parent(session);
    auto& mark = *record.add_marks();
    mark.set_mark_id("018f0000-0000-7000-8000-000000000001");
    mark.set_registration(registration);
    mark.set_presence(v1::PRESENCE_PRESENT);
    mark.set_note(note);
    Must<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", record);
  }
  std::int64_t Counted(v1::IndicatorKind kind) {
    v1::CreateIndicatorRequest request;
    request.set_parent("plans/amager");
    request.mutable_indicator()->set_display_name("Hvor mange");
    request.mutable_indicator()->set_sub_goal("plans/amager/subGoals/sprog");
    request.mutable_indicator()->set_kind(kind);
    request.mutable_indicator()->set_unit("personer");
    return Must<v1::Indicator>("IndicatorService/CreateIndicator", request).current_value();
  }
  // The rows that hold a text, but for the tombstone that the register's erasure is answered by.
  std::vector<std::string> RowsWith(std::string_view text) {
    std::vector<std::string> found;
    auto const content = Content();
    for (auto const line : absl::StrSplit(content, '\n')) {
      if (line.find(Av(text)) != std::string_view::npos && line.substr(0, 10) != "erasures |") found.emplace_back(line);
    }
    return found;
  }
};

TEST_P(ResidentEndsTest, WhoIsErasedIsNowhereAndIsCountedStill) {
  auto const open = Open("open", 1).name();
  Register(open, "seat", "kanariefugl");
  Register(open, "next", "r2");
  auto const runs = Open("runs", 5).name();
  Register(runs, "came", "kanariefugl");
  auto const session = Session(runs, "2126-03-01T07:00");
  Mark(session, "came", "kanariefugl kom for sent");
  Advance(runs, v1::ACTIVITY_STEP_START);
  auto const to_come = Session(runs, "2126-03-08T17:00");
  Volunteer("kanariefugl", to_come);
  auto const proposal = Propose("kanariefugl");
  EXPECT_THAT(RowsWith("kanariefugl"), SizeIs(5)) << "two registrations, a note, a volunteer and a proposal";

  SayErased("kanariefugl");
  EXPECT_THAT(RowsWith("kanariefugl"), IsEmpty());
  EXPECT_EQ(Read(In(open, "seat")).state(), kGivenUp);
  EXPECT_EQ(Read(In(open, "next")).state(), kOnOffer) << "the seat went to the first in the queue";
  EXPECT_THAT(CheckHistory(Events(), open, 1), IsOk());
  EXPECT_EQ(Read(In(runs, "came")).state(), kSeated);
  EXPECT_EQ(Counted(v1::INDICATOR_KIND_CONFIRMED_REGISTRATIONS), 1);
  EXPECT_EQ(Counted(v1::INDICATOR_KIND_ATTENDANCES), 1);
  EXPECT_EQ(ReadVolunteer().minutes_total(), 90);
  EXPECT_THAT(ReadVolunteer().leave_date(), EqualsProto(Date("2126-03-01")));
  EXPECT_EQ(ReadClearance().state(), v1::CLEARANCE_STATE_LEFT);
  EXPECT_FALSE(ReadClearance().has_consent_date());
  EXPECT_FALSE(ReadClearance().has_decide_date());
  EXPECT_EQ(ReadClearance().decider(), "");
  EXPECT_THAT(On(to_come), IsEmpty());
  EXPECT_EQ(ReadProposal(proposal).state(), v1::PROPOSAL_STATE_SUBMITTED);

  EXPECT_THAT(Run("answer-erasures"), IsOk());
  EXPECT_THAT(Answers(), ElementsAre("residents/kanariefugl/erasures/e erased 4"));
}

TEST_P(ResidentEndsTest, WhatACallWasAnsweredIsForgottenToo) {
  auto const activity = Open("a", 5).name();
  auto request = RegistrationRequest(activity, "kanariefugl");
  request.set_request_id("018f0000-0000-7000-8000-000000000002");
  Must<v1::Registration>("RegistrationService/CreateRegistration", request);
  auto const session = Session(activity, "2126-03-08T17:00");
  Volunteer("kanariefugl", session);
  SayErased("kanariefugl");
  EXPECT_EQ(Must<v1::Registration>("RegistrationService/CreateRegistration", request).resident(), "");
  v1::RecordClearanceRequest record;
  record.set_name("plans/amager/clearances/v");
  record.set_cleared(true);
  *record.mutable_decide_date() = Date("2126-02-20");
  record.set_request_id("018f0000-0000-7000-8000-0000000000f2");
  EXPECT_EQ(Must<v1::Clearance>("VolunteerService/RecordClearance", record).state(), v1::CLEARANCE_STATE_UNSPECIFIED);
}

TEST_P(ResidentEndsTest, AnErasureIsAnsweredOnceHoweverOftenItIsHeardOf) {
  Register(Open("a", 5).name(), "seat", "ida");
  SayErased("ida");
  SayErased("ida");
  SetResidentsAway(true);
  EXPECT_THAT(Run("answer-erasures"), StatusIs(absl::StatusCode::kUnavailable, "REGISTER_UNAVAILABLE"));
  SetResidentsAway(false);
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  clock().Advance(absl::Minutes(5));
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  SayErased("ida");
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  EXPECT_THAT(Answers(), ElementsAre("residents/ida/erasures/e erased 1"));
}

// A service that is killed between the answer and its own note asks again, and says the same under the same id.
TEST_P(ResidentEndsTest, AnAnswerThatWasLostIsGivenAgain) {
  SayErased("nobody");
  fake_residents().LoseAnswers(true);
  EXPECT_FALSE(Run("answer-erasures").ok());
  fake_residents().LoseAnswers(false);
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  EXPECT_THAT(Answers(), ElementsAre("residents/nobody/erasures/e nothing 0", "residents/nobody/erasures/e nothing 0"));
  EXPECT_EQ(fake_residents().answers()[0].request_id(), fake_residents().answers()[1].request_id());
  EXPECT_NE(fake_residents().answers()[0].request_id(), "");
}

// The call had asked the register before, and entered what it wanted after.
TEST_P(ResidentEndsTest, WhatWasUnderWayIsFoundLater) {
  auto const activity = Open("a", 5).name();
  SayErased("ida");
  SayEnded("bo");
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  EXPECT_THAT(Run("end-consents"), IsOk());
  Register(activity, "late", "ida");
  Register(activity, "later", "bo");
  SetVerdict("residents/bo", rv1::CONSENT_VERDICT_WITHDRAWN);
  clock().Advance(absl::Minutes(5));
  EXPECT_THAT(Run("answer-erasures"), IsOk());
  EXPECT_THAT(Run("end-consents"), IsOk());
  EXPECT_EQ(Read(In(activity, "late")).resident(), "");
  EXPECT_EQ(Read(In(activity, "later")).resident(), "");
  EXPECT_THAT(Answers(), ElementsAre("residents/ida/erasures/e nothing 0", "residents/ida/erasures/e erased 1"));
  EXPECT_THAT(RowsWith("ended_consents"), IsEmpty()) << "it is forgotten once nothing can come any more";
}

// P4: the seat is kept without a name; the queue and offers are for those who may be told.
TEST_P(ResidentEndsTest, AConsentThatEndedTakesTheNameAndThePlaceInTheQueue) {
  auto const activity = Open("a", 1).name();
  Register(activity, "seat", "ida");
  Register(activity, "waits", "bo");
  Register(activity, "next", "eva");
  auto const runs = Open("runs").name();
  Register(runs, "runs", "ida");
  Advance(runs, v1::ACTIVITY_STEP_START);
  auto const over = Open("over").name();
  Register(over, "was", "ida");
  Advance(over, v1::ACTIVITY_STEP_START);
  Advance(over, v1::ACTIVITY_STEP_COMPLETE);
  auto const to_come = Session(runs, "2126-03-08T17:00");
  Volunteer("ida", to_come);
  auto const proposal = Propose("ida");
  for (auto const* who : {"ida", "bo"}) {
    SetVerdict(std::string("residents/") + who, rv1::CONSENT_VERDICT_WITHDRAWN);
    SayEnded(who);
  }
  SetResidentsAway(true);
  EXPECT_THAT(Run("end-consents"), StatusIs(absl::StatusCode::kUnavailable, "REGISTER_UNAVAILABLE"));
  SetResidentsAway(false);
  EXPECT_THAT(Run("end-consents"), IsOk());

  EXPECT_EQ(Read(In(activity, "seat")).state(), kSeated) << "nobody loses a seat by it";
  EXPECT_EQ(Read(In(activity, "seat")).resident(), "");
  EXPECT_EQ(Read(In(activity, "waits")).state(), kGivenUp);
  EXPECT_EQ(Read(In(activity, "waits")).resident(), "");
  EXPECT_EQ(Read(In(activity, "next")).resident(), "residents/eva");
  EXPECT_EQ(Read(In(runs, "runs")).resident(), "");
  EXPECT_EQ(Read(In(over, "was")).resident(), "residents/ida") << "past lawful use";
  EXPECT_THAT(ReadVolunteer().leave_date(), EqualsProto(Date("2126-03-01")));
  EXPECT_EQ(ReadVolunteer().resident(), "residents/ida");
  EXPECT_THAT(On(to_come), IsEmpty());
  EXPECT_EQ(ReadProposal(proposal).resident(), "");
  EXPECT_THAT(CheckHistory(Events(), activity, 1), IsOk());
}

TEST_P(ResidentEndsTest, AnOfferGoesToTheNextWhenItsConsentEnds) {
  auto const activity = Open("a", 1).name();
  auto const seat = Register(activity, "seat", "");
  Register(activity, "offered", "bo");
  Register(activity, "next", "eva");
  v1::CancelRegistrationRequest cancel;
  cancel.set_name(seat.name());
  Must<v1::Registration>("RegistrationService/CancelRegistration", cancel);
  SetVerdict("residents/bo", rv1::CONSENT_VERDICT_EXPIRED);
  SayEnded("bo");
  EXPECT_THAT(Run("end-consents"), IsOk());
  EXPECT_EQ(Read(In(activity, "offered")).state(), kGivenUp);
  EXPECT_EQ(Read(In(activity, "next")).state(), kOnOffer);
  EXPECT_THAT(CheckHistory(Events(), activity, 1), IsOk());
}

TEST_P(ResidentEndsTest, WhatAnotherConsentCoversStaysAndOtherPurposesAreNoBusinessHere) {
  auto const activity = Open("a", 5).name();
  Register(activity, "seat", "ida");
  Register(activity, "other", "bo");
  SetVerdict("residents/bo", rv1::CONSENT_VERDICT_WITHDRAWN);
  auto const before = Content();
  SayEnded("bo", "purposes/advice");
  EXPECT_EQ(Content(), before);
  // Superseded: a later consent holds.
  SayEnded("ida");
  EXPECT_THAT(Run("end-consents"), IsOk());
  EXPECT_EQ(Read(In(activity, "seat")).resident(), "residents/ida");
  EXPECT_EQ(Read(In(activity, "other")).resident(), "residents/bo");
}

// A rule with another purpose holds from a day on: who registered before rests on the purpose of then.
TEST_P(ResidentEndsTest, ARegistrationRestsOnThePurposeOfItsDay) {
  auto const activity = Open("a", 5).name();
  Register(activity, "before", "ida");
  v1::CreateActivityRuleRequest rule;
  rule.set_activity_rule_id("2126-03-02");
  auto& given = *rule.mutable_activity_rule();
  given.set_purpose("purposes/leisure");
  given.set_guardian_consent_age(15);
  given.set_offer_hours(48);
  given.set_child_age(15);
  given.set_clearance_months(24);
  given.set_clearance_order_max(50);
  given.set_source("a decision");
  Must<v1::ActivityRule>("ActivityService/CreateActivityRule", rule);
  clock().Advance(absl::Hours(24));
  auto const later = Open("b", 5).name();
  Register(later, "after", "ida");
  SetVerdict("residents/ida", rv1::CONSENT_VERDICT_WITHDRAWN);
  SayEnded("ida", "purposes/leisure");
  EXPECT_THAT(Run("end-consents"), IsOk());
  EXPECT_EQ(Read(In(activity, "before")).resident(), "residents/ida");
  EXPECT_EQ(Read(In(later, "after")).resident(), "");
}

TEST_P(ResidentEndsTest, WhoWaitsForAGuardianWaitsOnWhileOneCanConsent) {
  auto const activity = Open("a", 5).name();
  SetVerdict(rv1::CONSENT_VERDICT_NOT_ASKED);
  Register(activity, "asked", "ida");
  Register(activity, "refused", "bo");
  SetVerdict("residents/bo", rv1::CONSENT_VERDICT_WITHDRAWN);
  SayEnded("ida");
  SayEnded("bo");
  EXPECT_THAT(Run("end-consents"), IsOk());
  EXPECT_EQ(Read(In(activity, "asked")).state(), v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT);
  EXPECT_EQ(Read(In(activity, "refused")).state(), kGivenUp);
}

// Whatever interleaves with the end of people: the history is one that could have been, and in the end nobody who was erased is
// here.
TEST_P(ResidentEndsTest, NoInterleavingWithErasuresOversellsOrKeepsAName) {
  std::vector<std::string> const activities = {Open("a", 3).name(), Open("b", 3).name()};
  auto const act = [&](std::uint64_t seed) {
    SeededRandom random(seed);
    std::vector<std::string> mine;
    for (int i = 0; i < 20; ++i) {
      auto const& activity = activities[static_cast<std::size_t>(random.Between(0, 1))];
      auto const person = absl::StrCat("p", random.Between(10, 15));
      auto const what = random.Between(0, 4);
      if (what == 0) {
        SayErased(person);
      } else if (what == 1 && !mine.empty()) {
        v1::CancelRegistrationRequest cancel;
        cancel.set_name(mine.back());
        mine.pop_back();
        Call<v1::Registration>("RegistrationService/CancelRegistration", cancel).IgnoreError();
      } else {
        auto const entered =
            Call<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, person));
        if (entered.ok()) mine.push_back(entered->name());
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) threads.emplace_back(act, seed);
  }
  for (auto const& activity : activities) EXPECT_THAT(CheckHistory(Events(), activity, 3), IsOk());
  for (int person = 10; person <= 15; ++person) SayErased(absl::StrCat("p", person));
  for (auto const& activity : activities) EXPECT_THAT(CheckHistory(Events(), activity, 3), IsOk());
  for (int person = 10; person <= 15; ++person) EXPECT_THAT(RowsWith(absl::StrCat("| p", person, " |")), IsEmpty());
}

// What is here of a person is not asked about where nothing is: every question stands in the person's access log.
TEST_P(ResidentEndsTest, WhoIsNotHereIsNotAskedAbout) {
  SetResidentsAway(true);
  SayEnded("ida");
  EXPECT_THAT(Run("end-consents"), IsOk());
}

// P4: a name in a proposal, too.
TEST_P(ResidentEndsTest, WhoHasNotConsentedIsNotNamedInAProposal) {
  SetVerdict("residents/ida", rv1::CONSENT_VERDICT_WITHDRAWN);
  v1::CreateProposalRequest request;
  request.set_parent("plans/amager");
  request.mutable_proposal()->set_display_name("Et kor");
  request.mutable_proposal()->set_description("Sang");
  request.mutable_proposal()->set_proposer_kind(v1::PROPOSER_KIND_RESIDENT);
  request.mutable_proposal()->set_resident("residents/ida");
  Refused<v1::Proposal>("ActivityService/CreateProposal", request, kPrecondition, "CONSENT_MISSING");
  request.mutable_proposal()->clear_resident();
  Must<v1::Proposal>("ActivityService/CreateProposal", request);
}

HELHED_BOTH_ENGINES(ResidentEndsTest);

}  // namespace
}  // namespace helhed::activities::testing
