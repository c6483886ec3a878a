#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/substitute.h>
#include <absl/time/civil_time.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "services/platform/base/civil.h"
#include "services/platform/base/zone.h"
#include "tests/gateway/rest.h"

namespace helhed {
namespace {

using ::testing::AllOf;
using testing::Answer;
using ::testing::HasSubstr;
using testing::House;
using ::testing::Not;

std::string DateJson(absl::CivilDay day) {
  return absl::StrFormat(R"({"year": %d, "month": %d, "day": %d})", static_cast<int>(day.year()), day.month(), day.day());
}

class ActivityTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  ActivityTest() : house_({"residents", "activities"}, GetParam()) {
    operator_ = house_.DemonstrationToken({"operator"}, "drift");
    staff_ = house_.DemonstrationToken({"plan-staff@plans/amager"}, "anna");
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << house_.Logs();
  }

  // A register that knows a purpose to which people consent, and one person who has, and another.
  void Configure() {
    auto const period = absl::StrCat(R"("period": {"startDate": )", DateJson(absl::CivilDay(2020, 1, 1)), "}");
    auto const fields = R"("fields": "given_name,family_name,birth_date")";
    rest_.Enter(
        operator_, "purposes?purposeId=register",
        absl::Substitute(R"({"displayName": "Register", "legalBasis": "LEGAL_BASIS_PUBLIC_TASK", $0, $1})", period, fields));
    rest_.Enter(
        operator_, "purposes?purposeId=activities",
        absl::Substitute(R"({"displayName": "Aktiviteter", "legalBasis": "LEGAL_BASIS_CONSENT", $0, $1})", period, fields));
    for (auto const* purpose : {"register", "activities"}) {
      rest_.Enter(operator_, absl::StrCat("purposes/", purpose, "/rules?startDate.year=2020&startDate.month=1&startDate.day=1"),
                  R"({"ownConsentAgeYears": 15, "consentMonths": 12, "protectedAccessHoursMax": 24})");
    }
    rest_.Enter(operator_, "purposes/activities/consentTexts?consentTextId=1",
                R"({"version": 1, "language": "da", "body": "Må vi skrive dig op?"})");
    rest_.Enter(operator_, "erasureRecipients?erasureRecipientId=activities", "{}");
    rest_.Enter(operator_, "organisations?organisationId=9001", R"({"displayName": "Vibo"})");
    rest_.Enter(operator_, "organisations/9001/departments?departmentId=001", R"({"displayName": "Remisevænget"})");
    rest_.Enter(
        operator_, "organisations/9001/dwellings?dwellingId=a",
        absl::Substitute(R"({"department": "organisations/9001/departments/001", "address": "Remisevej 14", $0})", period));
    rest_.Enter(operator_, "organisations/9001/households?householdId=ha",
                absl::Substitute(R"({"dwelling": "organisations/9001/dwellings/a", "occupation": {"startDate": $0}})",
                                 DateJson(absl::CivilDay(2020, 1, 1))));
    ida_ = Person("Ida");
    bo_ = Person("Bo");
  }
  // Somebody who has consented.
  std::string Person(std::string const& given_name) {
    auto const person =
        rest_
            .Enter(operator_, "residents",
                   absl::Substitute(R"({"purpose": "purposes/register",
        "resident": {"givenName": "$0", "familyName": "Holm", "birthDate": $1,
                     "responsibility": {"controller": "organisations/9001"}},
        "membership": {"household": "organisations/9001/households/ha", "kind": "MEMBERSHIP_KIND_REGISTERED",
                       "period": {"startDate": $2}}})",
                                    given_name, DateJson(absl::CivilDay(1980, 5, 17)), DateJson(absl::CivilDay(2020, 1, 1))))
            .At("name");
    consent_ = rest_
                   .Enter(operator_, person + "/consents",
                          R"({"purpose": "purposes/activities", "consentText": "purposes/activities/consentTexts/1"})")
                   .At("name");
    rest_.Enter(operator_, consent_ + ":give", R"({"form": "CONSENT_FORM_ORAL"})");
    return person;
  }

  void Propose() {
    auto const proposal = rest_.Enter(operator_, "plans/amager/proposals",
                                      absl::Substitute(R"({"displayName": "Fællesspisning", "description": "Mad til alle",
        "proposerKind": "PROPOSER_KIND_RESIDENT", "resident": "$0"})",
                                                       ida_));
    rest_.Enter(staff_, "plans/amager/subGoals?subGoalId=naboskab",
                R"({"displayName": "Naboer kender hinanden", "focusArea": "sammenhaengskraft", "purpose": "Godt naboskab"})");
    auto const accepted = rest_.Enter(staff_, proposal.At("name") + ":accept",
                                      R"({"activityId": "spis", "note": "Ja tak", "activity": {
        "displayName": "Fællesspisning", "subGoal": "plans/amager/subGoals/naboskab",
        "activityType": "activityTypes/godt-naboskab", "responsible": "anna", "openToAll": true, "capacity": 1,
        "department": "organisations/9001/departments/001"}})");
    EXPECT_EQ(accepted.At("state"), "PROPOSAL_STATE_ACCEPTED");
    EXPECT_EQ(accepted.At("activity"), activity_);
    EXPECT_THAT(rest_.Post(staff_, proposal.At("name") + ":decline", R"({"note": "nej"})").text, HasSubstr("PROPOSAL_REVIEWED"));
  }

  void Advance(std::string const& step, std::string const& state) const {
    EXPECT_EQ(rest_.Enter(staff_, activity_ + ":advance", absl::Substitute(R"({"step": "ACTIVITY_STEP_$0"})", step)).At("state"),
              "ACTIVITY_STATE_" + state);
  }

  void Open() const {
    EXPECT_THAT(Register("tidlig", ida_).text, HasSubstr("SIGNUP_CLOSED"));
    Advance("PLAN", "PLANNED");
    Advance("OPEN", "OPEN_FOR_SIGNUP");
    rest_.Enter(staff_, "plans/amager/rooms?roomId=sal", R"({"displayName": "Salen"})");
    for (auto const* measured : {"CONFIRMED_REGISTRATIONS", "ATTENDANCES"}) {
      rest_.Enter(staff_, absl::StrCat("plans/amager/indicators?indicatorId=", measured[0] == 'C' ? "pladser" : "fremmoede"),
                  absl::Substitute(R"({"displayName": "Hvor mange", "subGoal": "plans/amager/subGoals/naboskab",
        "kind": "INDICATOR_KIND_$0", "unit": "personer", "target": "30"})",
                                   measured));
    }
    auto const today = DateIn(absl::Now());
    rest_.Enter(staff_, activity_ + "/sessions?sessionId=s1",
                absl::Substitute(R"({"localStart": "$0T00:30", "durationMinutes": 60, "room": "plans/amager/rooms/sal"})",
                                 ToIsoDate(today)));
    EXPECT_THAT(
        rest_
            .Post(staff_, activity_ + "/sessions",
                  absl::Substitute(R"({"localStart": "$0T01:00", "durationMinutes": 60, "room": "plans/amager/rooms/sal"})",
                                   ToIsoDate(today)))
            .text,
        HasSubstr("ROOM_TAKEN"));
    rest_.Enter(staff_, activity_ + "/series?seriesId=uge",
                absl::Substitute(R"({"localStart": "$0T17:00", "durationMinutes": 120, "recurrenceRule": "FREQ=WEEKLY;COUNT=3"})",
                                 ToIsoDate(today + 7)));
    EXPECT_THAT(
        rest_
            .Post(staff_, activity_ + "/series",
                  absl::Substitute(R"({"localStart": "$0T17:00", "durationMinutes": 120, "recurrenceRule": "FREQ=DAILY"})",
                                   ToIsoDate(today)))
            .text,
        HasSubstr("RECURRENCE_ENDLESS"));
  }

  Answer Register(std::string const& id, std::string const& resident) const {
    return rest_.Post(staff_, activity_ + "/registrations?registrationId=" + id,
                      absl::Substitute(R"({"resident": "$0"})", resident));
  }
  std::string StateOf(std::string const& id) const { return rest_.Read(staff_, activity_ + "/registrations/" + id).At("state"); }
  std::string Value(std::string const& indicator) const {
    return rest_.Read(staff_, "plans/amager/indicators/" + indicator).At("currentValue");
  }

  void Fill() const {
    EXPECT_EQ(Register("ida", ida_).At("state"), "REGISTRATION_STATE_CONFIRMED");
    EXPECT_THAT(Register("igen", ida_).text, HasSubstr("ALREADY_REGISTERED"));
    EXPECT_EQ(rest_.Read(staff_, activity_).At("state"), "ACTIVITY_STATE_FULL");
    EXPECT_EQ(Register("bo", bo_).At("state"), "REGISTRATION_STATE_WAITLISTED");
    rest_.Enter(staff_, activity_ + "/registrations/ida:cancel", R"({"reason": "syg"})");
    EXPECT_EQ(StateOf("bo"), "REGISTRATION_STATE_OFFERED");
    EXPECT_EQ(rest_.Enter(staff_, activity_ + "/registrations/bo:acceptOffer", "{}").At("state"), "REGISTRATION_STATE_CONFIRMED");
    EXPECT_EQ(Register("ida-2", ida_).At("state"), "REGISTRATION_STATE_WAITLISTED");
    EXPECT_EQ(Value("pladser"), "1");
  }

  void Attend() const {
    rest_.Enter(
        staff_, activity_ + "/sessions/s1/attendances:record",
        R"({"marks": [{"markId": "018f0000-0000-7000-8000-000000000001", "registration": "bo", "presence": "PRESENCE_PRESENT"},
                        {"markId": "018f0000-0000-7000-8000-000000000002", "headCount": 11, "presence": "PRESENCE_PRESENT"}]})");
    EXPECT_EQ(Value("fremmoede"), "12");
  }

  // What python3-icalendar reads in the file at an address: a line each, `uid status`.
  std::string Subscribed(std::string const& query) const {
    auto const url = absl::StrCat(house_.url(), "/v1/plans/amager/activities:ics", query);
    house_.Curl("", {"--include", "--output", house_.folder() + "/headers", url});
    auto const file = house_.folder() + "/feed.ics";
    EXPECT_THAT(house_.Curl("", {"--output", file, url}).output, HasSubstr("200"));
    auto const read =
        testing::RunProgram({"/usr/bin/python3", "-c",
                             "import sys, icalendar\n"
                             "for e in icalendar.Calendar.from_ical(open(sys.argv[1], 'rb').read()).walk('VEVENT'):\n"
                             "  print(e['UID'], e['STATUS'])",
                             file});
    EXPECT_EQ(read.exit_code, 0) << read.output;
    auto const header = testing::ReadWhole(house_.folder() + "/headers");
    auto const at = header.find("etag: ") + 6;
    auto const tag = header.substr(at, header.find('\r', at) - at);
    EXPECT_THAT(house_.Curl("", {"--header", "if-none-match: " + tag, url}).output, HasSubstr("304")) << header;
    EXPECT_THAT(header, AllOf(Not(HasSubstr("anna")), Not(HasSubstr(ida_))));
    return read.output;
  }
  void Publish() const {
    auto const day = absl::FormatCivilTime(DateIn(absl::Now()) + 7);
    auto const first = absl::StrCat(activity_, "/sessions/uge-", day.substr(0, 4), day.substr(5, 2), day.substr(8, 2));
    rest_.Enter(staff_, first + ":cancel", R"({"reason": "ferie"})");
    for (auto const* query : {"", "?department=organisations/9001/departments/001", "?activity=plans/amager/activities/spis"}) {
      auto const read = Subscribed(query);
      EXPECT_EQ(std::count(read.begin(), read.end(), '\n'), 4) << query << read;
      EXPECT_THAT(read, AllOf(HasSubstr("s1.spis.amager@helhed.dk CONFIRMED"), HasSubstr("CANCELLED"))) << query;
    }
    EXPECT_EQ(Subscribed("?department=organisations/9001/departments/002"), "");
    EXPECT_EQ(Subscribed("?activity=plans/amager/activities/andet"), "");
  }

  // Until what the register was asked for has come about here.
  template <typename Condition>
  void Await(Condition const& is_so) const {
    auto const patience = absl::Now() + absl::Seconds(90);
    while (!is_so() && absl::Now() < patience) absl::SleepFor(absl::Milliseconds(200));
    EXPECT_TRUE(is_so());
  }

  // P7: activities is killed before it hears of it, and again while it answers.
  void Erase() {
    house_.KillService("activities");
    auto const erasure =
        rest_.Enter(operator_, ida_ + ":erase", R"({"ground": "ERASURE_GROUND_REQUEST", "purpose": "purposes/register"})")
            .At("name");
    house_.StartService("activities");
    absl::SleepFor(absl::Milliseconds(1500));
    house_.KillService("activities");
    house_.StartService("activities");
    Await([&] { return rest_.Get(operator_, erasure).At("state") == "ERASURE_STATE_COMPLETE"; });
    auto const answer = rest_.Read(operator_, erasure);
    EXPECT_EQ(answer.At("receipts", "service"), "activities");
    EXPECT_EQ(answer.At("receipts", "outcome"), "ERASURE_OUTCOME_ERASED");
    // The service that was killed may be looked for a while.
    Await([&] { return rest_.Get(staff_, activity_).status == "200"; });
    EXPECT_EQ(StateOf("ida-2"), "REGISTRATION_STATE_CANCELLED");
    for (auto const* path : {"plans/amager/activities/spis/registrations", "plans/amager/proposals"}) {
      EXPECT_THAT(rest_.Read(staff_, path).text, Not(HasSubstr(ida_))) << path;
    }
    EXPECT_EQ(Value("fremmoede"), "12") << "counts stay";
  }

  // P4: who withdraws a consent keeps the seat, without a name.
  void Withdraw() {
    rest_.Enter(operator_, consent_ + ":withdraw", "{}");
    Await([&] { return rest_.Read(staff_, activity_ + "/registrations/bo").At("resident").empty(); });
    EXPECT_EQ(StateOf("bo"), "REGISTRATION_STATE_CONFIRMED");
    EXPECT_EQ(Value("pladser"), "1");
  }

  House house_;
  testing::Rest rest_{house_};
  std::string const activity_ = "plans/amager/activities/spis";
  std::string operator_, staff_;
  std::string ida_, bo_;
  std::string consent_;  // of the last person
};
HELHED_BOTH_ENGINES(ActivityTest);

TEST_P(ActivityTest, IsProposedOpenedFilledWaitlistedPromotedAttendedMeasuredAndPublished) {
  ASSERT_NO_FATAL_FAILURE(Configure());
  Propose();
  Open();
  Fill();
  Attend();
  Publish();
  Erase();
  Withdraw();
  Advance("START", "RUNNING");
  EXPECT_EQ(rest_.Enter(staff_, activity_ + "/registrations/bo:recordOutcome", R"({"outcome": "REGISTRATION_STATE_ATTENDED"})")
                .At("state"),
            "REGISTRATION_STATE_ATTENDED");
  Advance("COMPLETE", "COMPLETED");
  rest_.Enter(staff_, "plans/amager/focusAreaStatuses?focusAreaStatusId=2026-sammenhaengskraft",
              R"({"assessment": "ASSESSMENT_REACHED", "summary": "Naboer spiser sammen"})");
  Advance("REPORT", "REPORTED");
}

}  // namespace
}  // namespace helhed
