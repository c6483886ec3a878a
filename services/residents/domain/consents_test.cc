#include "services/residents/domain/consents.h"

#include <gmock/gmock.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"
#include "services/residents/domain/days_for_test.h"

namespace helhed::residents {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;
using testing::StatusIs;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

v1::PurposeRule Rule(std::string const& start, int age = 15, int months = 12) {
  v1::PurposeRule rule;
  rule.set_name("purposes/advice/rules/" + start);
  rule.set_own_consent_age_years(age);
  rule.set_consent_months(months);
  return rule;
}

v1::Purpose Advice(v1::LegalBasis basis = v1::LEGAL_BASIS_CONSENT, std::string const& fields = "") {
  v1::Purpose purpose;
  purpose.set_name("purposes/advice");
  purpose.set_legal_basis(basis);
  purpose.set_fields(fields);
  return purpose;
}

v1::Consent Asked(std::string const& id = "c") {
  v1::Consent consent;
  consent.set_name("residents/a/consents/" + id);
  consent.set_purpose("purposes/advice");
  consent.set_state(v1::CONSENT_STATE_REQUESTED);
  return consent;
}

Giving By(std::string const& giver, std::string_view date, std::string_view birth, bool is_guardian = false) {
  return {v1::CONSENT_FORM_ORAL, giver, Day(date), Day(birth), is_guardian};
}

v1::Consent Given(std::string_view date, std::string const& id = "c", int months = 12) {
  auto consent = Asked(id);
  EXPECT_THAT(Give(consent, Rule("2020-01-01", 15, months), By("residents/a", date, "1990-01-01")), IsOk());
  return consent;
}

TEST(RuleOn, IsThatWithTheLatestFirstDay) {
  std::vector<v1::PurposeRule> const rules = {Rule("2024-01-01", 15), Rule("2018-05-25", 13)};
  EXPECT_EQ(RuleOn(rules, Day("2018-05-24")), nullptr);
  EXPECT_EQ(RuleOn(rules, Day("2023-12-31"))->own_consent_age_years(), 13);
  EXPECT_EQ(RuleOn(rules, Day("2024-01-01"))->own_consent_age_years(), 15);
}

TEST(Purpose, CoversItsFieldsAndNoWholeCprNumberByItself) {
  v1::Resident person;
  person.set_name("residents/a");
  person.set_given_name("Anna");
  person.set_family_name("Lund");
  person.set_cpr_number_masked("010190-****");
  person.add_languages("da");
  person.set_etag("e");
  EXPECT_EQ(FieldsOf(person), "given_name,family_name,languages,cpr_number_masked");
  auto all = person;
  KeepCovered(Advice(), all);
  EXPECT_THAT(all, testing::EqualsProto(person));
  KeepCovered(Advice(v1::LEGAL_BASIS_CONSENT, "given_name,languages"), person);
  EXPECT_EQ(FieldsOf(person), "given_name,languages");
  EXPECT_EQ(person.name(), "residents/a");
  EXPECT_EQ(person.etag(), "e");
  EXPECT_FALSE(Covers(Advice(), "cpr_number"));
  EXPECT_TRUE(Covers(Advice(v1::LEGAL_BASIS_CONSENT, "cpr_number"), "cpr_number"));
  auto const refused = CheckCovered(Advice(v1::LEGAL_BASIS_CONSENT, "given_name"), "given_name,birth_date,languages");
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied, "PURPOSE_DOES_NOT_COVER"));
  EXPECT_EQ(MetadataOf(refused)["fields"], "birth_date,languages");
  EXPECT_THAT(UnknownFields("given_name,surname,etag,cpr_number"), ElementsAre("surname", "etag"));
}

TEST(CheckAsking, OneActiveConsentAtATime) {
  auto const today = Day("2026-03-01");
  auto const check = [&](v1::Consent const& existing, int version) {
    VersionedConsent const one{existing, 2};
    return CheckAsking(Advice(), version, std::span(&one, 1), today);
  };
  EXPECT_THAT(CheckAsking(Advice(), 1, {}, today), IsOk());
  EXPECT_THAT(check(Asked(), 3), StatusIs(kPrecondition, "CONSENT_ACTIVE"));
  EXPECT_THAT(check(Given("2026-01-01"), 2), StatusIs(kPrecondition, "CONSENT_ACTIVE"));
  EXPECT_THAT(check(Given("2026-01-01"), 1), StatusIs(kPrecondition, "CONSENT_ACTIVE")) << "an older text supersedes nothing";
  EXPECT_THAT(check(Given("2026-01-01"), 3), IsOk());
  EXPECT_THAT(check(Given("2025-01-01"), 2), IsOk()) << "it has expired";
  auto withdrawn = Given("2026-01-01");
  ASSERT_THAT(Withdraw(withdrawn, today), IsOk());
  EXPECT_THAT(check(withdrawn, 2), IsOk());
  EXPECT_THAT(CheckAsking(Advice(v1::LEGAL_BASIS_PUBLIC_TASK), 1, {}, today), StatusIs(kPrecondition, "CONSENT_NOT_NEEDED"));
}

// P4: below the age of the rule a guardian must consent.
TEST(Give, BelowTheAgeAGuardianMust) {
  auto const give = [](Giving const& giving, int age = 15) {
    auto consent = Asked();
    return Give(consent, Rule("2020-01-01", age), giving);
  };
  EXPECT_THAT(give(By("residents/a", "2026-03-01", "2011-03-01")), IsOk()) << "fifteen today";
  EXPECT_THAT(give(By("residents/a", "2026-03-01", "2011-03-02")), StatusIs(kPrecondition, "GUARDIAN_REQUIRED"));
  EXPECT_THAT(give(By("residents/a", "2026-03-01", "2011-03-02"), 13), IsOk()) << "the age is data";
  EXPECT_THAT(give(By("residents/b", "2026-03-01", "2011-03-02", true)), IsOk());
  EXPECT_THAT(give(By("residents/b", "2026-03-01", "2011-03-02", false)), StatusIs(kPrecondition, "NOT_A_GUARDIAN"));
  EXPECT_THAT(give(By("residents/b", "2026-03-01", "1990-01-01", false)), StatusIs(kPrecondition, "NOT_A_GUARDIAN"));
}

TEST(Give, KeepsHowByWhomAndForHowLong) {
  auto consent = Asked();
  ASSERT_THAT(Give(consent, Rule("2020-01-01", 15, 3), By("residents/a", "2025-11-30", "1990-01-01")), IsOk());
  EXPECT_EQ(consent.state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(consent.form(), v1::CONSENT_FORM_ORAL);
  EXPECT_EQ(consent.giver(), "residents/a");
  EXPECT_EQ(ToCivil(consent.expire_date()), Day("2026-02-28"));
  EXPECT_FALSE(Given("2026-01-01", "c", 0).has_expire_date());
  auto rule = Rule("2020-01-01");
  rule.set_written_consent_required(true);
  auto oral = Asked();
  EXPECT_THAT(Give(oral, rule, By("residents/a", "2026-03-01", "1990-01-01")),
              StatusIs(kPrecondition, "CONSENT_FORM_INSUFFICIENT"));
}

TEST(Consent, GoesItsWayAndNoOther) {
  auto const today = Day("2026-03-01");
  for (auto state :
       {v1::CONSENT_STATE_GIVEN, v1::CONSENT_STATE_WITHDRAWN, v1::CONSENT_STATE_EXPIRED, v1::CONSENT_STATE_SUPERSEDED}) {
    auto consent = Asked();
    consent.set_state(state);
    auto const given = Give(consent, Rule("2020-01-01"), By("residents/a", "2026-03-01", "1990-01-01"));
    EXPECT_THAT(given, StatusIs(kPrecondition, "CONSENT_STATE_WRONG"));
    auto const withdrawn = Withdraw(consent, today);
    if (state == v1::CONSENT_STATE_GIVEN) {
      EXPECT_THAT(withdrawn, IsOk());
      EXPECT_EQ(MetadataOf(given)["allowed"], "withdraw");
    } else {
      EXPECT_THAT(withdrawn, StatusIs(kPrecondition, "CONSENT_STATE_WRONG"));
    }
  }
  auto expired = Given("2025-02-28");
  EXPECT_EQ(StateOn(expired, Day("2026-02-27")), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(StateOn(expired, Day("2026-02-28")), v1::CONSENT_STATE_EXPIRED);
  EXPECT_THAT(Withdraw(expired, today), StatusIs(kPrecondition, "CONSENT_STATE_WRONG"));
  Expire(expired);
  EXPECT_EQ(ToCivil(expired.end_date()), Day("2026-02-28"));
}

v1::ConsentVerdict VerdictOn(std::vector<AskedConsent> const& consents, std::string_view day) {
  return Judge(Advice(), consents, Day(day)).verdict;
}

TEST(Judge, SaysWhatHeldOnADay) {
  EXPECT_EQ(VerdictOn({}, "2026-01-01"), v1::CONSENT_VERDICT_NOT_ASKED);
  EXPECT_EQ(Judge(Advice(v1::LEGAL_BASIS_CONTRACT), {}, Day("2026-01-01")).verdict, v1::CONSENT_VERDICT_NOT_NEEDED);
  std::vector<AskedConsent> const asked = {{Asked(), Day("2026-01-10")}};
  EXPECT_EQ(VerdictOn(asked, "2026-01-09"), v1::CONSENT_VERDICT_NOT_ASKED);
  EXPECT_EQ(VerdictOn(asked, "2026-01-10"), v1::CONSENT_VERDICT_NOT_ANSWERED);

  auto withdrawn = Given("2026-02-01");
  ASSERT_THAT(Withdraw(withdrawn, Day("2026-04-01")), IsOk());
  std::vector<AskedConsent> const was_withdrawn = {{withdrawn, Day("2026-01-10")}};
  EXPECT_EQ(VerdictOn(was_withdrawn, "2026-01-31"), v1::CONSENT_VERDICT_NOT_ANSWERED);
  EXPECT_EQ(VerdictOn(was_withdrawn, "2026-02-01"), v1::CONSENT_VERDICT_GIVEN);
  EXPECT_EQ(VerdictOn(was_withdrawn, "2026-03-31"), v1::CONSENT_VERDICT_GIVEN) << "what was lawful stays lawful";
  EXPECT_EQ(VerdictOn(was_withdrawn, "2026-04-01"), v1::CONSENT_VERDICT_WITHDRAWN);

  std::vector<AskedConsent> const expires = {{Given("2026-02-01"), Day("2026-01-10")}};
  EXPECT_EQ(VerdictOn(expires, "2027-01-31"), v1::CONSENT_VERDICT_GIVEN);
  EXPECT_EQ(VerdictOn(expires, "2027-02-01"), v1::CONSENT_VERDICT_EXPIRED);

  auto refused = Asked();
  ASSERT_THAT(Withdraw(refused, Day("2026-02-01")), IsOk());
  EXPECT_EQ(VerdictOn({{refused, Day("2026-01-10")}}, "2026-02-01"), v1::CONSENT_VERDICT_WITHDRAWN);
}

TEST(Judge, ALaterConsentTakesThePlaceOfAnEarlierOne) {
  auto earlier = Given("2026-01-01", "c1");
  Supersede(earlier, Day("2026-03-01"));
  std::vector<AskedConsent> const both = {{earlier, Day("2026-01-01")}, {Given("2026-03-01", "c2"), Day("2026-02-01")}};
  EXPECT_EQ(Judge(Advice(), both, Day("2026-02-28")).consent->name(), "residents/a/consents/c1");
  EXPECT_EQ(Judge(Advice(), both, Day("2026-03-01")).consent->name(), "residents/a/consents/c2");
  EXPECT_EQ(VerdictOn(both, "2026-03-01"), v1::CONSENT_VERDICT_GIVEN);
}

// Whatever became of the consents, what allows on a day is one that was given by then and had not ended.
TEST(Judge, AllowsOnlyByAConsentThatHolds) {
  testing::ForAllSeeds(3000, [](SeededRandom& random) {
    std::vector<AskedConsent> consents;
    auto const start = Day("2026-01-01");
    for (auto i = random.Between(0, 4); i > 0; --i) {
      auto const asked = start + random.Between(0, 50);
      auto consent = Asked("c" + std::to_string(i));
      if (random.Between(0, 3) > 0) consent = Given(ToIsoDate(asked + random.Between(0, 20)), "c" + std::to_string(i), 1);
      if (random.Between(0, 2) == 0) Withdraw(consent, asked + random.Between(20, 40)).IgnoreError();
      consents.push_back({consent, asked});
    }
    auto const day = start + random.Between(0, 130);
    bool holds = false;
    for (auto const& [consent, asked] : consents) {
      auto const end = consent.has_end_date() ? ToCivil(consent.end_date()) : ToCivil(consent.expire_date());
      holds = holds || (consent.has_give_date() && *ToCivil(consent.give_date()) <= day && (!end || day < *end));
    }
    EXPECT_EQ(Judge(Advice(), consents, day).verdict == v1::CONSENT_VERDICT_GIVEN, holds);
  });
}

}  // namespace
}  // namespace helhed::residents
