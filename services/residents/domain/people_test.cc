#include "services/residents/domain/people.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"
#include "services/residents/domain/days_for_test.h"

namespace helhed::residents {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

Period Of(std::string_view start, std::string_view end = "") {
  return {Day(start), end.empty() ? std::nullopt : std::optional(Day(end))};
}

TEST(AgeOn, CountsWholeYears) {
  EXPECT_EQ(AgeOn(Day("2010-06-15"), Day("2025-06-14")), 14);
  EXPECT_EQ(AgeOn(Day("2010-06-15"), Day("2025-06-15")), 15);
  EXPECT_EQ(AgeOn(Day("2010-06-15"), Day("2025-12-31")), 15);
  EXPECT_EQ(AgeOn(Day("2008-02-29"), Day("2023-02-28")), 14);
  EXPECT_EQ(AgeOn(Day("2008-02-29"), Day("2023-03-01")), 15);
  EXPECT_EQ(AgeOn(Day("2008-02-29"), Day("2024-02-29")), 16);
}

TEST(IsProtected, FromTheFirstDayToTheDayBeforeTheEnd) {
  v1::Resident person;
  EXPECT_FALSE(IsProtected(person, Day("2026-01-01")));
  *person.mutable_address_protection() = ToProtoRange(Of("2026-01-01", "2027-01-01"));
  EXPECT_FALSE(IsProtected(person, Day("2025-12-31")));
  EXPECT_TRUE(IsProtected(person, Day("2026-01-01")));
  EXPECT_TRUE(IsProtected(person, Day("2026-12-31")));
  EXPECT_FALSE(IsProtected(person, Day("2027-01-01")));
}

TEST(FoldName, MakesCapitalsSmall) {
  EXPECT_EQ(FoldName("Åse ØSTERGAARD-Æbelø"), "åse østergaard-æbelø");
  EXPECT_EQ(FoldName("ÉÜÑ×ÞŠĐŹŻŁİ"), "éüñ×þšđźżłİ");
  EXPECT_EQ(FoldName("ßÿ žlı 陳"), "ßÿ žlı 陳");
  EXPECT_EQ(FoldName("A\xc3"), "a\xc3") << "half a letter stays as it is";
  EXPECT_LT(FoldName("Jensen\U0010fffe"), EndOfPrefix("jensen"));
}

std::vector<std::string> FieldsWrong(v1::Resident person, std::string_view today = "2026-03-01") {
  std::vector<FieldViolation> violations;
  CheckPerson(person, Day(today), "resident", violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) {
    fields.push_back(violation.field);
    EXPECT_EQ(violation.description.find("0101"), std::string::npos) << "a value is repeated";
  }
  return fields;
}

TEST(CheckPerson, TheBirthDateAndTheCprNumberMustFit) {
  v1::Resident person;
  EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.birth_date"));
  person.set_cpr_number("010190-1234");
  EXPECT_THAT(FieldsWrong(person), IsEmpty());
  *person.mutable_birth_date() = ToProtoDate(Day("1990-01-01"));
  EXPECT_THAT(FieldsWrong(person), IsEmpty());
  *person.mutable_birth_date() = ToProtoDate(Day("1990-01-02"));
  EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.birth_date"));
  person.set_cpr_number("310290-1234");
  EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.cpr_number"));
  person.clear_cpr_number();
  *person.mutable_birth_date() = ToProtoDate(Day("2026-03-02"));
  EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.birth_date"));
  person.mutable_birth_date()->set_day(32);
  EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.birth_date"));
}

TEST(CheckPerson, ContactPointsHaveTheirForm) {
  v1::Resident person;
  *person.mutable_birth_date() = ToProtoDate(Day("1990-01-01"));
  auto const add = [&](v1::ContactPointKind kind, std::string const& value) {
    auto& point = *person.add_contact_points();
    point.set_kind(kind);
    point.set_value(value);
  };
  for (auto const* email : {"a@b.dk", "æ.ø@å-b.example.dk"}) add(v1::CONTACT_POINT_KIND_EMAIL, email);
  for (auto const* number : {"+4520304050", "+3545678901", "+123456789012345"}) add(v1::CONTACT_POINT_KIND_MOBILE, number);
  EXPECT_THAT(FieldsWrong(person), IsEmpty());
  for (auto const* email : {"a", "@b.dk", "a@b", "a@b.", "a b@c.dk", "a@b@c.dk", "a@.dk"}) {
    person.clear_contact_points();
    add(v1::CONTACT_POINT_KIND_EMAIL, email);
    EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.contact_points[0].value")) << email;
  }
  for (auto const* number : {"20304050", "+45 20304050", "+0452030405", "+4520", "+1234567890123456"}) {
    person.clear_contact_points();
    add(v1::CONTACT_POINT_KIND_TELEPHONE, number);
    EXPECT_THAT(FieldsWrong(person), ElementsAre("resident.contact_points[0].value")) << number;
  }
}

Member Membership(std::string name, std::string household, v1::MembershipKind kind, Period period) {
  return {std::move(name), std::move(household), kind, period};
}
constexpr auto kRegistered = v1::MEMBERSHIP_KIND_REGISTERED;
constexpr auto kUnregistered = v1::MEMBERSHIP_KIND_UNREGISTERED;

TEST(CheckMembership, LiesWithinTheOccupation) {
  auto const member = Membership("m", "h", kRegistered, Of("2026-01-01", "2027-01-01"));
  EXPECT_THAT(CheckMembership(member, Of("2025-01-01"), {}), IsOk());
  EXPECT_THAT(CheckMembership(member, Of("2026-01-01", "2027-01-01"), {}), IsOk());
  EXPECT_THAT(CheckMembership(member, Of("2026-01-02"), {}), StatusIs(kPrecondition, "HOUSEHOLD_NOT_THERE"));
  EXPECT_THAT(CheckMembership(member, Of("2025-01-01", "2026-12-31"), {}), StatusIs(kPrecondition, "HOUSEHOLD_NOT_THERE"));
}

TEST(CheckMembership, OneRegisteredAddressAtATimeAndAHouseholdOnce) {
  std::vector<Member> const others = {Membership("m1", "h1", kRegistered, Of("2025-01-01", "2026-01-01"))};
  auto const check = [&](Member const& member) { return CheckMembership(member, Of("2020-01-01"), others); };
  EXPECT_THAT(check(Membership("m2", "h2", kRegistered, Of("2026-01-01"))), IsOk());
  EXPECT_THAT(check(Membership("m2", "h2", kRegistered, Of("2025-12-31"))), StatusIs(kPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(check(Membership("m2", "h2", kUnregistered, Of("2025-12-31"))), IsOk());
  EXPECT_THAT(check(Membership("m2", "h1", kUnregistered, Of("2025-12-31"))), StatusIs(kPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(check(Membership("m1", "h1", kRegistered, Of("2025-06-01"))), IsOk()) << "what it replaces does not count";
}

TEST(CheckGuardianship, AnotherAdultWhoIsNotTheWardsWard) {
  Guarding const guarding{"g", "residents/b", Of("2026-01-01", "2030-01-01")};
  auto const check = [&](std::string const& ward, std::string_view birth, std::vector<Guarding> const& others = {},
                         std::vector<Period> const& own = {}) {
    return CheckGuardianship(guarding, ward, Day(birth), others, own);
  };
  EXPECT_THAT(check("residents/a", "2008-01-01"), IsOk()) << "eighteen on the first day";
  EXPECT_THAT(check("residents/a", "2008-01-02"), StatusIs(kPrecondition, "GUARDIAN_UNFIT"));
  EXPECT_THAT(check("residents/b", "1980-01-01"), StatusIs(kPrecondition, "GUARDIAN_UNFIT"));
  EXPECT_THAT(check("residents/a", "1980-01-01", {}, {Of("2029-12-31")}), StatusIs(kPrecondition, "GUARDIAN_UNFIT"));
  EXPECT_THAT(check("residents/a", "1980-01-01", {}, {Of("2030-01-01")}), IsOk());
  EXPECT_THAT(check("residents/a", "1980-01-01", {{"g2", "residents/b", Of("2029-01-01")}}),
              StatusIs(kPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(check("residents/a", "1980-01-01", {{"g2", "residents/c", Of("2029-01-01")}}), IsOk()) << "two parents";
}

TEST(IsGuardian, OnTheDayOnly) {
  std::vector<Guarding> const guardings = {{"g", "residents/b", Of("2026-01-01", "2027-01-01")}};
  EXPECT_TRUE(IsGuardian(guardings, "residents/b", Day("2026-12-31")));
  EXPECT_FALSE(IsGuardian(guardings, "residents/b", Day("2027-01-01")));
  EXPECT_FALSE(IsGuardian(guardings, "residents/c", Day("2026-12-31")));
}

}  // namespace
}  // namespace helhed::residents
