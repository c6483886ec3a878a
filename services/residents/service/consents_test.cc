#include <gmock/gmock.h>

#include "services/residents/testing/people.h"

// What people agreed to, and took back: P4 of domain.md.
namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;

class ConsentTest : public PeopleTest {
 protected:
  v1::CreateConsentRequest Asking(std::string const& resident, std::string const& text = "1") {
    v1::CreateConsentRequest request;
    request.set_parent(resident);
    request.mutable_consent()->set_purpose("purposes/advice");
    request.mutable_consent()->set_consent_text("purposes/advice/consentTexts/" + text);
    return request;
  }
  static v1::GiveConsentRequest Giving(std::string const& consent, std::string const& giver = "") {
    v1::GiveConsentRequest request;
    request.set_name(consent);
    request.set_form(v1::CONSENT_FORM_ORAL);
    request.set_giver(giver);
    return request;
  }
  absl::StatusOr<v1::Consent> Withdraw(std::string const& consent) {
    v1::WithdrawConsentRequest request;
    request.set_name(consent);
    return Call<v1::Consent>("ConsentService/WithdrawConsent", request);
  }
  v1::ConsentVerdict VerdictFor(std::string const& resident, std::string const& date = "") {
    auto const checked = Check(resident, date);
    EXPECT_THAT(checked, IsOk());
    if (!checked.ok()) return v1::CONSENT_VERDICT_UNSPECIFIED;
    EXPECT_EQ(checked->allowed(), checked->verdict() == v1::CONSENT_VERDICT_GIVEN);
    return checked->verdict();
  }
  v1::ConsentState StateOf(std::string const& consent) {
    v1::GetConsentRequest request;
    request.set_name(consent);
    request.set_purpose("purposes/advice");
    auto const got = Call<v1::Consent>("ConsentService/GetConsent", request);
    EXPECT_THAT(got, IsOk());
    return got.value_or(v1::Consent()).state();
  }
};
HELHED_BOTH_ENGINES(ConsentTest);

TEST_P(ConsentTest, IsAskedForGivenUsedAndWithdrawn) {
  auto const anna = Person("Anna");
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_NOT_ASKED);
  auto const consent = Ask(anna);
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_NOT_ANSWERED);
  auto const given = Give(consent);
  EXPECT_EQ(given.state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(given.giver(), anna);
  EXPECT_EQ(given.form(), v1::CONSENT_FORM_ORAL);
  EXPECT_EQ(given.consent_text(), "purposes/advice/consentTexts/1");
  EXPECT_EQ(given.responsibility().controller(), "organisations/9001");
  EXPECT_EQ(ToCivil(given.give_date()), absl::CivilDay(2126, 3, 1));
  EXPECT_EQ(ToCivil(given.expire_date()), absl::CivilDay(2127, 3, 1));
  EXPECT_EQ(LastEvent<v1::ConsentGiven>(consent).purpose(), "purposes/advice");
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_GIVEN);
  EXPECT_EQ(Check(anna)->consent(), consent);
  EXPECT_EQ(LogOf(anna).back().kind(), v1::ACCESS_KIND_CHECKED);
  clock().Advance(absl::Hours(48));
  ASSERT_THAT(Withdraw(consent), IsOk());
  auto const ended = LastEvent<v1::ConsentEnded>(consent);
  EXPECT_EQ(ended.resident(), anna);
  EXPECT_EQ(ended.state(), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_WITHDRAWN);
  EXPECT_EQ(VerdictFor(anna, "2126-03-02"), v1::CONSENT_VERDICT_GIVEN) << "what was lawful stays lawful";
  EXPECT_EQ(StateOf(consent), v1::CONSENT_STATE_WITHDRAWN);
  auto const again = Ask(anna);
  Give(again);
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_GIVEN);
}

TEST_P(ConsentTest, OneIsActiveAtATime) {
  auto const anna = Person("Anna");
  auto const consent = Ask(anna);
  auto refusal = Refused<v1::Consent>("ConsentService/CreateConsent", Asking(anna, "2"), kPrecondition, "CONSENT_ACTIVE");
  EXPECT_EQ(refusal.metadata["consent"], consent);
  EXPECT_EQ(refusal.metadata["state"], "REQUESTED");
  Give(consent);
  refusal = Refused<v1::Consent>("ConsentService/CreateConsent", Asking(anna, "1"), kPrecondition, "CONSENT_ACTIVE");
  EXPECT_EQ(refusal.metadata["state"], "GIVEN");
  Refused<v1::Consent>("ConsentService/GiveConsent", Giving(consent), kPrecondition, "CONSENT_STATE_WRONG");
}

TEST_P(ConsentTest, ALaterTextSupersedes) {
  auto const anna = Person("Anna");
  auto const first = Ask(anna, "1");
  Give(first);
  auto const second = Ask(anna, "2");
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_GIVEN) << "the first holds until the second is given";
  Give(second);
  EXPECT_EQ(StateOf(first), v1::CONSENT_STATE_SUPERSEDED);
  EXPECT_EQ(Check(anna)->consent(), second);
  int superseded = 0;
  for (auto const& event : Events()) {
    v1::ConsentEnded ended;
    superseded += event.data().UnpackTo(&ended) && ended.state() == v1::CONSENT_STATE_SUPERSEDED ? 1 : 0;
  }
  EXPECT_EQ(superseded, 1);
}

TEST_P(ConsentTest, ExpiresByItselfAndTheJobSaysSo) {
  auto const anna = Person("Anna");
  auto const consent = Ask(anna);
  Give(consent);
  clock().Set(absl::FromCivil(absl::CivilHour(2127, 3, 1, 8), absl::UTCTimeZone()));
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_EXPIRED);
  EXPECT_EQ(StateOf(consent), v1::CONSENT_STATE_EXPIRED);
  RunJob("retention");
  EXPECT_EQ(LastEvent<v1::ConsentEnded>(consent).state(), v1::CONSENT_STATE_EXPIRED);
  auto const events = Events().size();
  RunJob("retention");
  EXPECT_EQ(Events().size(), events) << "once";
  EXPECT_EQ(VerdictFor(anna, "2127-02-28"), v1::CONSENT_VERDICT_GIVEN);
  Give(Ask(anna));
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_GIVEN);
}

TEST_P(ConsentTest, AnExpiredOneThatNoJobHasMarkedIsNoHindrance) {
  auto const anna = Person("Anna");
  auto const consent = Ask(anna);
  Give(consent);
  clock().Set(absl::FromCivil(absl::CivilHour(2127, 3, 1, 8), absl::UTCTimeZone()));
  Give(Ask(anna));
  EXPECT_EQ(StateOf(consent), v1::CONSENT_STATE_EXPIRED);
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_GIVEN);
}

// P4: below the configured age a guardian of the person consents, on the day.
TEST_P(ConsentTest, BelowTheAgeAGuardianGives) {
  auto const child = Person("Ida", kHouseholdA, "", "2111-03-02");
  auto const mother = Person("Maja");
  auto const neighbour = Person("Niels", kHouseholdB);
  auto const consent = Ask(child);
  auto refusal = Refused<v1::Consent>("ConsentService/GiveConsent", Giving(consent), kPrecondition, "GUARDIAN_REQUIRED");
  EXPECT_EQ(refusal.metadata["own_consent_age_years"], "15");
  for (auto const& giver : {mother, neighbour}) {
    Refused<v1::Consent>("ConsentService/GiveConsent", Giving(consent, giver), kPrecondition, "NOT_A_GUARDIAN");
  }
  Guardian(child, mother, "2120-01-01", "2126-03-01");
  Refused<v1::Consent>("ConsentService/GiveConsent", Giving(consent, mother), kPrecondition, "NOT_A_GUARDIAN");
  Guardian(child, mother, "2126-03-01");
  EXPECT_EQ(Give(consent, mother).giver(), mother);
  EXPECT_EQ(VerdictFor(child), v1::CONSENT_VERDICT_GIVEN);
}

TEST_P(ConsentTest, TheAgeIsDataWithADate) {
  auto const child = Person("Ida", kHouseholdA, "", "2112-03-01");
  auto const consent = Ask(child);
  Refused<v1::Consent>("ConsentService/GiveConsent", Giving(consent), kPrecondition, "GUARDIAN_REQUIRED");
  Rule("advice", "2126-03-01", 14, 12, 24);
  EXPECT_EQ(Give(consent).giver(), child);
  // What is entered late is judged by the rule of its day.
  auto late = Giving(Ask(Person("Jonas", kHouseholdA, "", "2112-02-01")));
  *late.mutable_give_date() = Date("2126-02-28");
  Refused<v1::Consent>("ConsentService/GiveConsent", late, kPrecondition, "GUARDIAN_REQUIRED");
}

TEST_P(ConsentTest, WhatDoesNotFitIsRefused) {
  auto const anna = Person("Anna");
  Purpose("survey", v1::LEGAL_BASIS_CONSENT, "");
  Purpose("duty", v1::LEGAL_BASIS_LEGAL_OBLIGATION, "");
  Text("survey", "1", 1);
  Text("duty", "1", 1);
  auto request = Asking(anna);
  request.mutable_consent()->set_consent_text("purposes/survey/consentTexts/1");
  EXPECT_THAT(Refused<v1::Consent>("ConsentService/CreateConsent", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("consent.consent_text"));
  request.mutable_consent()->set_purpose("purposes/duty");
  request.mutable_consent()->set_consent_text("purposes/duty/consentTexts/1");
  Refused<v1::Consent>("ConsentService/CreateConsent", request, kPrecondition, "CONSENT_NOT_NEEDED");
  request = Asking(anna, "9");
  Refused<v1::Consent>("ConsentService/CreateConsent", request, kAbsent, "RESOURCE_NOT_FOUND");
  request.mutable_consent()->set_purpose("purposes/none");
  request.mutable_consent()->set_consent_text("purposes/none/consentTexts/1");
  Refused<v1::Consent>("ConsentService/CreateConsent", request, kPrecondition, "PURPOSE_NOT_CONFIGURED");
  request.mutable_consent()->set_purpose("purposes/survey");
  request.mutable_consent()->set_consent_text("purposes/survey/consentTexts/1");
  auto const survey = Call<v1::Consent>("ConsentService/CreateConsent", request);
  ASSERT_THAT(survey, IsOk());
  Refused<v1::Consent>("ConsentService/GiveConsent", Giving(survey->name()), kPrecondition, "PURPOSE_WITHOUT_RULE");
  Rule("survey", "2126-01-01", 15, 0, 0, true);
  Refused<v1::Consent>("ConsentService/GiveConsent", Giving(survey->name()), kPrecondition, "CONSENT_FORM_INSUFFICIENT");
  auto late = Giving(survey->name());
  late.set_form(v1::CONSENT_FORM_WRITTEN);
  *late.mutable_give_date() = Date("2126-03-02");
  EXPECT_THAT(Refused<v1::Consent>("ConsentService/GiveConsent", late, kInvalid, "BAD_REQUEST").fields, ElementsAre("give_date"));
  EXPECT_FALSE(Give(survey->name(), "", v1::CONSENT_FORM_WRITTEN).has_expire_date());
}

TEST_P(ConsentTest, AProtectedPersonIsAnsweredForAndMayWithdraw) {
  auto const anna = Person("Anna");
  auto const consent = Ask(anna);
  Give(consent);
  Protect(anna);
  EXPECT_EQ(VerdictFor(anna), v1::CONSENT_VERDICT_GIVEN);
  Refused<v1::Consent>("ConsentService/CreateConsent", Asking(anna, "2"), absl::StatusCode::kPermissionDenied,
                       "RESIDENT_PROTECTED");
  ASSERT_THAT(Withdraw(consent), IsOk());
  EXPECT_EQ(LastEvent<v1::ConsentEnded>(consent).resident(), anna) << "a withdrawal travels all the same";
}

TEST_P(ConsentTest, APurposeThatIsOverCanBeWithdrawnFromAndNotUsed) {
  auto const anna = Person("Anna");
  auto const consent = Ask(anna);
  Give(consent);
  auto const asked = Ask(Person("Bo"));
  v1::UpdatePurposeRequest update;
  update.mutable_purpose()->set_name("purposes/advice");
  *update.mutable_purpose()->mutable_period() = Range("2020-01-01", "2126-03-01");
  ASSERT_THAT(Call<v1::Purpose>("ConsentService/UpdatePurpose", update), IsOk());
  v1::CheckConsentRequest check;
  check.set_parent(anna);
  check.set_purpose("purposes/advice");
  Refused<v1::CheckConsentResponse>("ConsentService/CheckConsent", check, kPrecondition, "PURPOSE_NOT_CONFIGURED");
  EXPECT_THAT(Withdraw(consent), IsOk());
  Refused<v1::Consent>("ConsentService/GiveConsent", Giving(asked), kPrecondition, "PURPOSE_NOT_CONFIGURED");
}

TEST_P(ConsentTest, ListsAreByStateAsItIsToday) {
  auto const anna = Person("Anna");
  Give(Ask(anna));
  clock().Set(absl::FromCivil(absl::CivilHour(2127, 3, 1, 8), absl::UTCTimeZone()));
  v1::ListConsentsRequest list;
  list.set_parent(anna);
  list.set_purpose("purposes/advice");
  list.set_filter("state = CONSENT_STATE_EXPIRED");
  auto const expired = Call<v1::ListConsentsResponse>("ConsentService/ListConsents", list);
  ASSERT_THAT(expired, IsOk());
  ASSERT_EQ(expired->consents_size(), 1);
  EXPECT_EQ(expired->consents(0).state(), v1::CONSENT_STATE_EXPIRED);
  list.set_filter("state = CONSENT_STATE_GIVEN");
  EXPECT_EQ(Call<v1::ListConsentsResponse>("ConsentService/ListConsents", list)->consents_size(), 0);
}

TEST_P(ConsentTest, PurposesAreConfiguredByTheirRules) {
  v1::CreatePurposeRequest request;
  request.set_purpose_id("x");
  request.mutable_purpose()->set_display_name("X");
  request.mutable_purpose()->set_legal_basis(v1::LEGAL_BASIS_CONTRACT);
  request.mutable_purpose()->set_fields("given_name,surname");
  *request.mutable_purpose()->mutable_period() = Range("2020-01-01");
  EXPECT_THAT(Refused<v1::Purpose>("ConsentService/CreatePurpose", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("purpose.fields"));
  request.mutable_purpose()->set_fields("");
  Refused<v1::Purpose>("ConsentService/CreatePurpose", request, absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING",
                       As("housing-organisation", "organisations/9001"));
}

}  // namespace
}  // namespace helhed::residents::testing
