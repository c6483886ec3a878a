#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "services/activities/testing/fixture.h"
#include "services/activities/testing/history.h"
#include "services/platform/server/jobs.h"

namespace helhed::activities::testing {
namespace {

using ::testing::ElementsAre;

constexpr auto kConfirmed = v1::REGISTRATION_STATE_CONFIRMED;
constexpr auto kWaitlisted = v1::REGISTRATION_STATE_WAITLISTED;
constexpr auto kOffered = v1::REGISTRATION_STATE_OFFERED;

class RegistrationsTest : public ActivitiesTest {
 protected:
  v1::Registration Register(std::string const& activity, std::string const& resident = "") {
    return Must<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, resident));
  }
  v1::RegistrationState StateOf(v1::Registration const& registration) {
    v1::GetRegistrationRequest request;
    request.set_name(registration.name());
    return Must<v1::Registration>("RegistrationService/GetRegistration", request).state();
  }
  template <typename Request>
  static Request Named(v1::Registration const& registration) {
    Request request;
    request.set_name(registration.name());
    return request;
  }
  void Cancel(v1::Registration const& registration) {
    Must<v1::Registration>("RegistrationService/CancelRegistration", Named<v1::CancelRegistrationRequest>(registration));
  }
  v1::Activity Read(std::string const& activity) {
    v1::GetActivityRequest request;
    request.set_name(activity);
    return Must<v1::Activity>("ActivityService/GetActivity", request);
  }
  void ExpireOffers() {
    for (auto const& job : instance().jobs()) {
      if (job.name == "expire-offers") {
        EXPECT_TRUE(server::Jobs::RunToEnd(job, {}).ok());
      }
    }
  }
  void CheckHistoryOf(std::string const& activity, std::optional<std::int64_t> capacity) {
    EXPECT_THAT(CheckHistory(Events(), activity, capacity), IsOk());
  }
};

TEST_P(RegistrationsTest, SeatsGoFirstComeFirstServedAndTheQueueIsServedInOrder) {
  auto const activity = Open("a", 2).name();
  auto const one = Register(activity, "r1");
  auto const two = Register(activity, "r2");
  auto const three = Register(activity, "r3");
  auto const four = Register(activity, "r4");
  EXPECT_EQ(one.state(), kConfirmed);
  EXPECT_EQ(three.state(), kWaitlisted);
  EXPECT_EQ(four.queue_number(), 2);
  EXPECT_EQ(Read(activity).state(), v1::ACTIVITY_STATE_FULL);
  EXPECT_EQ(Read(activity).waiting_count(), 2);

  Cancel(one);
  EXPECT_EQ(StateOf(three), kOffered);
  EXPECT_EQ(StateOf(four), kWaitlisted);
  EXPECT_EQ(Read(activity).state(), v1::ACTIVITY_STATE_FULL) << "the offer keeps the seat";
  auto const announced = LastEvent<v1::RegistrationChanged>(three.name());
  EXPECT_EQ(announced.state(), kOffered);
  EXPECT_THAT(announced.offer_expire_time(), EqualsProto(Instant("2126-03-03T08:00:00Z"))) << "48 hours";

  EXPECT_EQ(Must<v1::Registration>("RegistrationService/AcceptOffer", Named<v1::AcceptOfferRequest>(three)).state(), kConfirmed);
  Cancel(two);
  Cancel(three);
  Cancel(four);
  EXPECT_EQ(Read(activity).state(), v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP);
  EXPECT_EQ(Read(activity).taken_count(), 0);
  CheckHistoryOf(activity, 2);
}

TEST_P(RegistrationsTest, AnOfferThatIsNotAcceptedInTimeGoesToTheNext) {
  auto const activity = Open("a", 1).name();
  auto const one = Register(activity);
  auto const two = Register(activity);
  auto const three = Register(activity);
  Cancel(one);
  clock().Advance(absl::Hours(48));
  auto const refusal = Refused<v1::Registration>("RegistrationService/AcceptOffer", Named<v1::AcceptOfferRequest>(two),
                                                 kPrecondition, "OFFER_EXPIRED");
  EXPECT_EQ(refusal.metadata.at("deadline"), "2126-03-03T08:00:00Z");
  ExpireOffers();
  EXPECT_EQ(StateOf(two), v1::REGISTRATION_STATE_EXPIRED);
  EXPECT_EQ(StateOf(three), kOffered);
  clock().Advance(absl::Hours(47));
  ExpireOffers();
  EXPECT_EQ(StateOf(three), kOffered) << "an hour is left";
  CheckHistoryOf(activity, 1);
}

TEST_P(RegistrationsTest, OnePersonHasOneSeat) {
  auto const activity = Open("a", 5).name();
  auto const one = Register(activity, "r1");
  Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, "r1"), kExists,
                            "ALREADY_REGISTERED");
  Cancel(one);
  Register(activity, "r1");
  Register(activity);
  Register(activity);
  EXPECT_EQ(Read(activity).taken_count(), 3) << "who has no name is counted each time";
}

TEST_P(RegistrationsTest, OneRegistersOnlyWhileTheActivityIsOpenAndBeforeTheDeadline) {
  auto const draft = Draft("a", 5).name();
  Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(draft), kPrecondition, "SIGNUP_CLOSED");
  v1::UpdateActivityRequest update;
  update.mutable_activity()->set_name(draft);
  *update.mutable_activity()->mutable_registration_deadline_time() = Instant("2126-03-01T08:00:00Z");
  Must<v1::Activity>("ActivityService/UpdateActivity", update);
  Advance(draft, v1::ACTIVITY_STEP_PLAN);
  Advance(draft, v1::ACTIVITY_STEP_OPEN);
  Register(draft);
  clock().Advance(absl::Seconds(1));
  EXPECT_EQ(Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(draft), kPrecondition,
                                      "DEADLINE_PASSED")
                .metadata.at("deadline"),
            "2126-03-01T08:00:00Z");
}

// P4.
TEST_P(RegistrationsTest, ConsentIsAskedOfResidents) {
  auto const activity = Open("a", 5).name();
  SetVerdict("residents/child", residents::v1::CONSENT_VERDICT_NOT_ASKED);
  SetVerdict("residents/no", residents::v1::CONSENT_VERDICT_WITHDRAWN);
  auto const child = Register(activity, "child");
  EXPECT_EQ(child.state(), v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT);
  EXPECT_EQ(Read(activity).taken_count(), 0);
  auto const missing =
      Refused<v1::Registration>("RegistrationService/ConfirmGuardianConsent", Named<v1::ConfirmGuardianConsentRequest>(child),
                                kPrecondition, "CONSENT_MISSING");
  EXPECT_EQ(missing.metadata.at("verdict"), "NOT_ASKED");
  EXPECT_FALSE(missing.metadata.at("purpose").empty());
  SetVerdict("residents/child", residents::v1::CONSENT_VERDICT_GIVEN);
  EXPECT_EQ(Must<v1::Registration>("RegistrationService/ConfirmGuardianConsent", Named<v1::ConfirmGuardianConsentRequest>(child))
                .state(),
            kConfirmed);
  EXPECT_EQ(Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, "no"),
                                      kPrecondition, "CONSENT_MISSING")
                .metadata.at("verdict"),
            "WITHDRAWN");
  SetResidentsAway(true);
  Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, "r1"),
                            absl::StatusCode::kUnavailable, "REGISTER_UNAVAILABLE");
  Register(activity);
  CheckHistoryOf(activity, 5);
}

// P4: a guardian's consent where the age asks it.
TEST_P(RegistrationsTest, WhereNobodyBelowTheAgeMayComeNoGuardianIsAwaited) {
  auto request = ActivityRequest("voksne", 5);
  request.mutable_activity()->set_age_min(15);
  Draft("a");
  auto const activity = Must<v1::Activity>("ActivityService/CreateActivity", request).name();
  Advance(activity, v1::ACTIVITY_STEP_PLAN);
  Advance(activity, v1::ACTIVITY_STEP_OPEN);
  SetVerdict(residents::v1::CONSENT_VERDICT_NOT_ASKED);
  Refused<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, "r1"), kPrecondition,
                            "CONSENT_MISSING");
}

TEST_P(RegistrationsTest, MoreSeatsAreOfferedAndFewerThanTakenRefused) {
  auto const activity = Open("a", 2).name();
  std::vector<v1::Registration> all;
  for (int i = 0; i < 5; ++i) all.push_back(Register(activity));
  v1::UpdateActivityRequest update;
  update.mutable_activity()->set_name(activity);
  update.mutable_activity()->set_capacity(1);
  EXPECT_EQ(
      Refused<v1::Activity>("ActivityService/UpdateActivity", update, kPrecondition, "CAPACITY_BELOW_TAKEN").metadata["taken"],
      "2");
  update.mutable_activity()->set_capacity(4);
  Must<v1::Activity>("ActivityService/UpdateActivity", update);
  EXPECT_EQ(StateOf(all[2]), kOffered);
  EXPECT_EQ(StateOf(all[3]), kOffered);
  EXPECT_EQ(StateOf(all[4]), kWaitlisted);
}

TEST_P(RegistrationsTest, WhatARequestIdDidIsNotDoneAgain) {
  auto const activity = Open("a", 5).name();
  auto request = RegistrationRequest(activity);
  request.set_request_id("018f0000-0000-7000-8000-000000000001");
  auto const first = Must<v1::Registration>("RegistrationService/CreateRegistration", request);
  EXPECT_THAT(Must<v1::Registration>("RegistrationService/CreateRegistration", request), EqualsProto(first));
  EXPECT_EQ(Read(activity).taken_count(), 1);
}

TEST_P(RegistrationsTest, WhoCameIsSaidOnceItRuns) {
  auto const activity = Open("a", 5).name();
  auto const one = Register(activity, "r1");
  auto request = Named<v1::RecordOutcomeRequest>(one);
  request.set_outcome(v1::REGISTRATION_STATE_NO_SHOW);
  Refused<v1::Registration>("RegistrationService/RecordOutcome", request, kPrecondition, "SIGNUP_CLOSED");
  Advance(activity, v1::ACTIVITY_STEP_START);
  Must<v1::Registration>("RegistrationService/RecordOutcome", request);
  request.set_outcome(v1::REGISTRATION_STATE_ATTENDED);
  EXPECT_EQ(Must<v1::Registration>("RegistrationService/RecordOutcome", request).state(), v1::REGISTRATION_STATE_ATTENDED);
  request.set_outcome(kConfirmed);
  Refused<v1::Registration>("RegistrationService/RecordOutcome", request, kInvalid, "BAD_REQUEST");
  CheckHistoryOf(activity, 5);
}

// What a thread does to an activity: comes, gives up, accepts, lets offers expire.
TEST_P(RegistrationsTest, NoInterleavingOversellsOrSkipsTheQueue) {
  auto const activity = Open("a", 3).name();
  std::atomic<int> done = 0;
  auto const act = [&](std::uint64_t seed) {
    SeededRandom random(seed);
    std::vector<v1::Registration> mine;
    for (int i = 0; i < 25; ++i) {
      auto const what = random.Between(0, 3);
      if (what <= 1 || mine.empty()) {
        auto const person = absl::StrCat("r", random.Between(1, 12));
        auto const entered =
            Call<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, person));
        if (entered.ok()) mine.push_back(*entered);
        done += entered.ok() ? 1 : 0;
        continue;
      }
      auto const& one = mine[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(mine.size()) - 1))];
      if (what == 2) {
        Call<v1::Registration>("RegistrationService/CancelRegistration", Named<v1::CancelRegistrationRequest>(one)).IgnoreError();
      } else {
        Call<v1::Registration>("RegistrationService/AcceptOffer", Named<v1::AcceptOfferRequest>(one)).IgnoreError();
      }
      if (i % 8 == 7) {
        clock().Advance(absl::Minutes(2));
        ExpireOffers();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) threads.emplace_back(act, seed);
  }
  EXPECT_GT(done, 10);
  CheckHistoryOf(activity, 3);
  v1::ListRegistrationsRequest request;
  request.set_parent(activity);
  request.set_page_size(1000);
  std::multiset<std::string> standing;
  int taken = 0;
  auto const page = Must<v1::ListRegistrationsResponse>("RegistrationService/ListRegistrations", request);
  for (auto const& one : page.registrations()) {
    if (one.state() != v1::REGISTRATION_STATE_CANCELLED && one.state() != v1::REGISTRATION_STATE_EXPIRED) {
      EXPECT_EQ(standing.count(one.resident()), 0U) << "one person, one seat";
      standing.insert(one.resident());
    }
    taken += one.state() == kConfirmed || one.state() == kOffered ? 1 : 0;
  }
  EXPECT_EQ(Read(activity).taken_count(), taken);
  EXPECT_LE(taken, 3);
}

TEST_P(RegistrationsTest, TwoHundredCallersRaceForThirtySeats) {
  auto const activity = Open("a", 30).name();
  std::atomic<int> seats = 0;
  std::atomic<int> places = 0;
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 200; ++caller) {
      callers.emplace_back([&] {
        auto const entered = Call<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, ""));
        if (!entered.ok()) return;
        (entered->state() == kConfirmed ? seats : places) += 1;
      });
    }
  }
  EXPECT_EQ(seats, 30);
  EXPECT_EQ(places, 170);
  CheckHistoryOf(activity, 30);
}

// The checker itself must be able to say no.
TEST(History, FindsWhatMustNotBe) {
  std::vector<events::v1::Event> events;
  auto const add = [&](std::string const& id, v1::RegistrationState from, v1::RegistrationState to) {
    v1::RegistrationChanged change;
    change.set_registration("p/a/registrations/" + id);
    change.set_former_state(from);
    change.set_state(to);
    events.emplace_back().mutable_data()->PackFrom(change);
  };
  auto const none = v1::REGISTRATION_STATE_UNSPECIFIED;
  add("1", none, kConfirmed);
  EXPECT_TRUE(CheckHistory(events, "p/a", 1).ok());
  add("2", none, kConfirmed);
  EXPECT_FALSE(CheckHistory(events, "p/a", 1).ok()) << "oversold";
  events.pop_back();
  add("2", none, kWaitlisted);
  add("3", none, kWaitlisted);
  EXPECT_TRUE(CheckHistory(events, "p/a", 1).ok());
  EXPECT_FALSE(CheckHistory(events, "p/a", 2).ok()) << "waits beside a free seat";
  add("1", kConfirmed, v1::REGISTRATION_STATE_CANCELLED);
  EXPECT_FALSE(CheckHistory(events, "p/a", 1).ok()) << "a seat is left idle";
  add("3", kWaitlisted, kOffered);
  EXPECT_FALSE(CheckHistory(events, "p/a", 1).ok()) << "skipped the queue";
  events.pop_back();
  add("2", kWaitlisted, kOffered);
  EXPECT_TRUE(CheckHistory(events, "p/a", 1).ok());
}

HELHED_BOTH_ENGINES(RegistrationsTest);

}  // namespace
}  // namespace helhed::activities::testing
