#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/substitute.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "services/platform/base/civil.h"
#include "services/platform/base/zone.h"
#include "tests/gateway/rest.h"

// A person's data from the first day to the last, by REST through the gateway, with the services as processes: entered, consented
// for, read, protected, opened and erased (domain.md P1, P2, P4, P5 and P7).
namespace helhed {
namespace {

using ::testing::AllOf;
using testing::Answer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::House;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kDepartment[] = "organisations/9001/departments/001";
constexpr char kClerk[] = "demonstration:kirsten";
constexpr char kHousehold[] = "organisations/9001/households/ha";
// Of a day that there was, with a check digit that is none (P3).
constexpr char kCprNumber[] = "170580-1234";

std::string DateJson(absl::CivilDay day) {
  return absl::StrFormat(R"({"year": %d, "month": %d, "day": %d})", static_cast<int>(day.year()), day.month(), day.day());
}

class PersonTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  PersonTest() : house_({"residents", "activities", "communications"}, GetParam()) {
    operator_ = house_.DemonstrationToken({"operator"}, "drift");
    clerk_ = house_.DemonstrationToken({"housing-organisation@organisations/9001"}, "kirsten");
    stranger_ = house_.DemonstrationToken({"housing-organisation@organisations/9002"}, "per");
    auditor_ = house_.DemonstrationToken({"auditor"}, "revisor");
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << house_.Logs();
  }

  void Configure() const {
    auto const period = absl::StrCat(R"("period": {"startDate": )", DateJson(absl::CivilDay(2020, 1, 1)), "}");
    rest_.Enter(operator_, "purposes?purposeId=register",
                absl::Substitute(R"({"displayName": "Beboerregister", $0,
        "legalBasis": "LEGAL_BASIS_PUBLIC_TASK",
        "fields": "given_name,family_name,preferred_name,birth_date,contact_points,cpr_number,cpr_number_masked"})",
                                 period));
    rest_.Enter(operator_, "purposes?purposeId=advice",
                absl::Substitute(R"({"displayName": "Rådgivning", $0,
        "legalBasis": "LEGAL_BASIS_CONSENT", "fields": "given_name"})",
                                 period));
    for (auto const* purpose : {"register", "advice"}) {
      rest_.Enter(operator_, absl::StrCat("purposes/", purpose, "/rules?startDate.year=2020&startDate.month=1&startDate.day=1"),
                  R"({"ownConsentAgeYears": 15, "consentMonths": 12, "protectedAccessHoursMax": 24})");
    }
    rest_.Enter(operator_, "purposes/advice/consentTexts?consentTextId=1",
                R"({"version": 1, "language": "da", "body": "Må rådgiveren notere, at du har været her?"})");
    for (auto const* service : {"activities", "communications"}) {
      rest_.Enter(operator_, absl::StrCat("erasureRecipients?erasureRecipientId=", service), "{}");
    }
    for (auto const* organisation : {"9001", "9002"}) {
      rest_.Enter(operator_, absl::StrCat("organisations?organisationId=", organisation), R"({"displayName": "Vibo"})");
    }
    rest_.Enter(operator_, "organisations/9001/departments?departmentId=001", R"({"displayName": "Remisevænget"})");
    rest_.Enter(clerk_, "organisations/9001/dwellings?dwellingId=a",
                absl::Substitute(R"({"department": "$0", "address": "Remisevej 14", $1})", kDepartment, period));
    rest_.Enter(clerk_, "organisations/9001/households?householdId=ha",
                absl::Substitute(R"({"dwelling": "organisations/9001/dwellings/a", "occupation": {"startDate": $0}})",
                                 DateJson(absl::CivilDay(2020, 1, 1))));
  }

  // The person, with a CPR number or without.
  Answer Register(std::string const& given_name, std::string const& cpr_number = "") const {
    auto const born = cpr_number.empty() ? absl::StrCat(R"("birthDate": )", DateJson(absl::CivilDay(1980, 5, 17)))
                                         : absl::Substitute(R"("cprNumber": "$0")", cpr_number);
    return rest_.Enter(clerk_, "residents",
                       absl::Substitute(R"({"purpose": "purposes/register",
        "resident": {"givenName": "$0", "familyName": "Kanariefugl", $1,
                     "contactPoints": [{"kind": "CONTACT_POINT_KIND_EMAIL", "value": "kanarie.fugl@example.dk"}],
                     "responsibility": {"controller": "organisations/9001"}},
        "membership": {"household": "$2", "kind": "MEMBERSHIP_KIND_REGISTERED", "period": {"startDate": $3}}})",
                                        given_name, born, kHousehold, DateJson(absl::CivilDay(2020, 1, 1))));
  }

  void Consent() const {
    auto const asked = rest_.Enter(clerk_, person_ + "/consents",
                                   R"({"purpose": "purposes/advice", "consentText": "purposes/advice/consentTexts/1"})");
    EXPECT_EQ(asked.At("state"), "CONSENT_STATE_REQUESTED");
    auto const check = person_ + "/consents:check?purpose=purposes/advice";
    EXPECT_EQ(rest_.Read(clerk_, check).At("verdict"), "CONSENT_VERDICT_NOT_ANSWERED");
    auto const given = rest_.Enter(clerk_, asked.At("name") + ":give", R"({"form": "CONSENT_FORM_ORAL"})");
    EXPECT_EQ(given.At("state"), "CONSENT_STATE_GIVEN");
    EXPECT_EQ(given.At("giver"), person_);
    auto const allowed = rest_.Read(clerk_, check);
    EXPECT_EQ(allowed.At("verdict"), "CONSENT_VERDICT_GIVEN");
    EXPECT_TRUE(allowed.json["allowed"].GetBool());
    EXPECT_THAT(rest_
                    .Post(clerk_, person_ + "/consents",
                          R"({"purpose": "purposes/advice", "consentText": "purposes/advice/consentTexts/1"})")
                    .text,
                HasSubstr("CONSENT_ACTIVE"));
  }

  void Show() const {
    auto const shown = rest_.Read(clerk_, person_ + "?purpose=purposes/register&caseReference=S-2026/17");
    EXPECT_EQ(shown.At("givenName"), "Gul");
    EXPECT_EQ(shown.At("cprNumberMasked"), "170580-****");
    EXPECT_EQ(shown.At("cprNumber"), "");
    EXPECT_EQ(rest_.Get(clerk_, person_).status, "400") << "nobody is shown without a purpose";
    EXPECT_THAT(rest_.Get(clerk_, person_ + "?purpose=purposes/curiosity").text, HasSubstr("PURPOSE_NOT_CONFIGURED"));
    EXPECT_EQ(rest_.Get(stranger_, person_ + "?purpose=purposes/register").status, "404");
    auto const log = rest_.Read(clerk_, person_ + "/accessLogEntries?pageSize=1000");
    auto const& last = log.json["accessLogEntries"].GetArray()[log.json["accessLogEntries"].Size() - 1];
    EXPECT_STREQ(last["subject"].GetString(), kClerk);
    EXPECT_STREQ(last["kind"].GetString(), "ACCESS_KIND_READ");
    EXPECT_STREQ(last["purpose"].GetString(), "purposes/register");
    EXPECT_STREQ(last["caseReference"].GetString(), "S-2026/17");
    EXPECT_STREQ(last["fields"].GetString(), "given_name,family_name,birth_date,contact_points,cpr_number_masked");
  }

  // Whoever stands in each list of people: those of the department and of the household, what is found by name, a batch, the list
  // for a meeting that is printed and taken along, and the boards.
  std::vector<std::vector<std::string>> Lists() const {
    constexpr char purpose[] = "purpose=purposes/register";
    std::vector<std::vector<std::string>> lists;
    auto const add = [&](Answer const& answer, char const* list, char const* member) {
      EXPECT_EQ(answer.status, "200") << answer.text;
      lists.push_back(answer.Each(list, member));
    };
    add(rest_.Get(clerk_, absl::StrCat("residents?department=", kDepartment, "&", purpose)), "residents", "name");
    add(rest_.Get(clerk_, absl::StrCat("residents?household=", kHousehold, "&", purpose)), "residents", "name");
    add(rest_.Post(clerk_, "residents:search",
                   R"({"organisation": "organisations/9001", "familyName": "Kanarie", "purpose": "purposes/register"})"),
        "residents", "name");
    add(rest_.Get(clerk_, absl::StrCat("residents:batchGet?names=", person_, "&names=", other_, "&", purpose)), "residents",
        "name");
    add(rest_.Get(clerk_, absl::StrCat("organisations/9001/mandates?", purpose)), "mandates", "holder");
    auto const meeting = rest_.Get(clerk_, absl::StrCat(kDepartment, "/voters?", purpose));
    EXPECT_EQ(meeting.status, "200") << meeting.text;
    std::vector<std::string> voters;
    for (auto const& household : meeting.json["households"].GetArray()) {
      if (!household.HasMember("voters")) continue;
      for (auto const& voter : household["voters"].GetArray()) voters.emplace_back(voter["resident"].GetString());
    }
    lists.push_back(std::move(voters));
    return lists;
  }

  void Elect(std::string const& holder, std::string const& role) const {
    rest_.Enter(clerk_, "organisations/9001/mandates",
                absl::Substitute(R"({"purpose": "purposes/register", "mandate": {
        "body": "MANDATE_BODY_DEPARTMENT_BOARD", "role": "$0", "department": "$1", "holder": "$2",
        "period": {"startDate": $3}}})",
                                 role, kDepartment, holder, DateJson(absl::CivilDay(2021, 1, 1))));
  }

  // What the feed of events says of the person after the cursor, which moves on.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (int page = 0; page < 100; ++page) {
      auto const answer = rest_.Read(operator_, "feed?pageSize=1000&cursor=" + cursor_);
      if (!answer.json.IsObject() || !answer.json.HasMember("events")) return told;
      for (auto const& event : answer.json["events"].GetArray()) {
        std::string const type = event["type"].GetString();
        if (absl::StartsWith(event["subject"].GetString(), person_)) told.push_back(type.substr(type.rfind('.') + 1));
      }
      cursor_ = answer.At("nextCursor");
      EXPECT_THAT(answer.text, AllOf(Not(HasSubstr("anariefugl")), Not(HasSubstr("170580-1")), Not(HasSubstr("1705801234"))));
      if (answer.json["atEnd"].GetBool()) return told;
    }
    return told;
  }

  Answer Rename(std::string const& name) const {
    return rest_.Patch(clerk_, person_ + "?purpose=purposes/register&updateMask=preferredName",
                       absl::Substitute(R"({"preferredName": "$0"})", name));
  }

  void Protect() {
    EXPECT_EQ(Rename("Gulle").status, "200");
    EXPECT_THAT(Told(), Contains("ResidentUpdated")) << "of who is not protected others learn what changed";
    for (auto const& list : Lists()) EXPECT_THAT(list, UnorderedElementsAre(person_, other_));
    auto const today = DateIn(absl::Now());
    rest_.Enter(clerk_, person_ + ":protect",
                absl::Substitute(R"({"purpose": "purposes/register", "period": {"startDate": $0, "endDate": $1}})",
                                 DateJson(today), DateJson(today + 365)));
    EXPECT_THAT(Told(), ElementsAre("ResidentProtectionChanged"));
    for (auto const& list : Lists()) EXPECT_THAT(list, ElementsAre(other_));
    auto const hidden = rest_.Get(clerk_, person_ + "?purpose=purposes/register");
    EXPECT_EQ(hidden.status, "403");
    EXPECT_THAT(hidden.text, HasSubstr("RESIDENT_PROTECTED"));
    auto const lookup = absl::Substitute(R"({"cprNumber": "$0", "purpose": "purposes/register"})", kCprNumber);
    EXPECT_THAT(rest_.Post(clerk_, "residents:lookup", lookup).text, HasSubstr("RESIDENT_PROTECTED"));
  }

  // For a reason, for a while, and with an event; it is in no list and in no other event even so.
  void Open() {
    EXPECT_EQ(rest_.Post(clerk_, person_ + "/protectedAccesses?purpose=purposes/register", "{}").status, "400")
        << "no reason is given";
    rest_.Enter(clerk_, person_ + "/protectedAccesses?purpose=purposes/register",
                R"({"justification": "en vandskade i boligen"})");
    EXPECT_THAT(Told(), ElementsAre("ProtectedResidentOpened"));
    EXPECT_EQ(rest_.Read(clerk_, person_ + "?purpose=purposes/register").At("givenName"), "Gul");
    EXPECT_EQ(Rename("Gulfugl").status, "200");
    EXPECT_THAT(Told(), IsEmpty());
    for (auto const& list : Lists()) EXPECT_THAT(list, ElementsAre(other_));
  }

  void Erase() {
    auto const erasure =
        rest_.Enter(clerk_, person_ + ":erase", R"({"ground": "ERASURE_GROUND_REQUEST", "purpose": "purposes/register"})");
    EXPECT_THAT(erasure.At("state"), ::testing::AnyOf("ERASURE_STATE_ERASED", "ERASURE_STATE_COMPLETE"));
    EXPECT_THAT(Told(), Contains("ResidentErased"));
    auto const gone = rest_.Get(clerk_, person_ + "?purpose=purposes/register");
    EXPECT_EQ(gone.status, "404");
    EXPECT_THAT(gone.text, HasSubstr("RESIDENT_ERASED"));
    for (auto const& list : Lists()) EXPECT_THAT(list, ElementsAre(other_));
    AwaitReceipts(erasure.At("name"));
    // The number is nobody's now.
    auto const lookup = absl::Substitute(R"({"cprNumber": "$0", "purpose": "purposes/register"})", kCprNumber);
    EXPECT_EQ(rest_.Post(clerk_, "residents:lookup", lookup).status, "404");
    EXPECT_EQ(Register("Anden", kCprNumber).status, "200");
  }

  // Every service that the register waits for answers by itself.
  void AwaitReceipts(std::string const& erasure) const {
    auto const patience = absl::Now() + absl::Seconds(90);
    Answer now = rest_.Read(clerk_, erasure);
    while (now.At("state") != "ERASURE_STATE_COMPLETE" && absl::Now() < patience) {
      absl::SleepFor(absl::Milliseconds(200));
      now = rest_.Read(clerk_, erasure);
    }
    EXPECT_EQ(now.At("state"), "ERASURE_STATE_COMPLETE") << now.text;
    EXPECT_THAT(now.Each("receipts", "service"), ElementsAre("activities", "communications"));
    EXPECT_THAT(now.text, Not(HasSubstr("Kanariefugl")));
  }

  // Who did what to the person, every call of it, and nothing else; the chain is whole.
  void ExpectTheTrailIsComplete() const {
    auto const log = rest_.Read(clerk_, person_ + "/accessLogEntries?pageSize=1000");
    std::vector<std::string> trail;
    for (auto const& entry : log.json["accessLogEntries"].GetArray()) {
      std::string const method = entry["method"].GetString();
      std::string const kind = entry["kind"].GetString();
      trail.push_back(
          absl::StrCat(method.substr(method.rfind('/') + 1), " ", kind.substr(std::string_view("ACCESS_KIND_").size())));
      EXPECT_STREQ(entry["subject"].GetString(), kClerk);
    }
    std::vector<std::string> expected = {
        "CreateResident CHANGED",        "CreateConsent CHANGED", "CheckConsent CHECKED",     "GiveConsent CHANGED",
        "CheckConsent CHECKED",          "GetResident READ",      "CreateMandate CHANGED",    "UpdateResident CHANGED",
        "UpdateResident READ",           "ListResidents READ",    "ListResidents READ",       "SearchResidents READ",
        "BatchGetResidents READ",        "ListMandates READ",     "FetchEligibleVoters READ", "ProtectResident CHANGED",
        "CreateProtectedAccess CHANGED", "GetResident READ",      "UpdateResident CHANGED",   "UpdateResident READ",
        "EraseResident ERASED"};
    EXPECT_THAT(trail, ::testing::UnorderedElementsAreArray(expected));
    EXPECT_EQ(trail.back(), "EraseResident ERASED");
    auto const patience = absl::Now() + absl::Seconds(30);
    Answer chain = rest_.Read(auditor_, "accessLog:verify");
    while (chain.At("unlinkedCount") != "0" && absl::Now() < patience) {
      absl::SleepFor(absl::Milliseconds(200));
      chain = rest_.Read(auditor_, "accessLog:verify");
    }
    EXPECT_THAT(chain.text, AllOf(HasSubstr(R"("intact":true)"), HasSubstr(R"("complete":true)")));
  }

  House house_;
  testing::Rest rest_{house_};
  std::string operator_, clerk_, stranger_, auditor_;
  std::string person_, other_, cursor_;
};
HELHED_BOTH_ENGINES(PersonTest);

TEST_P(PersonTest, IsEnteredConsentsIsReadProtectedAndErasedWithTheTrailComplete) {
  Configure();
  auto const created = Register("Gul", kCprNumber);
  person_ = created.At("name");
  ASSERT_THAT(person_, HasSubstr("residents/"));
  EXPECT_EQ(created.At("cprNumberMasked"), "170580-****");
  EXPECT_THAT(created.text, Not(HasSubstr("1234")));
  other_ = Register("Blå").At("name");
  EXPECT_THAT(Told(), Contains("ResidentCreated"));
  Consent();
  Show();
  Elect(person_, "MANDATE_ROLE_CHAIR");
  Elect(other_, "MANDATE_ROLE_MEMBER");
  Protect();
  Open();
  Erase();
  ExpectTheTrailIsComplete();
  EXPECT_THAT(house_.Logs(), AllOf(HasSubstr("/EraseResident"), Not(HasSubstr("anariefugl")), Not(HasSubstr("170580")),
                                   Not(HasSubstr("kanarie.fugl@example.dk"))));
}

}  // namespace
}  // namespace helhed
