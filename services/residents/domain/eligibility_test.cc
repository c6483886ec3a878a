#include "services/residents/domain/eligibility.h"

#include <gtest/gtest.h>

#include <vector>

#include "services/platform/testing/matchers.h"

namespace helhed::residents {
namespace {

using absl::CivilDay;
using testing::ForAllSeeds;

// How old somebody is, counted birthday by birthday.
int AgeOn(CivilDay day, CivilDay birth) {
  int age = -1;
  for (auto year = birth.year(); CivilDay(year, birth.month(), birth.day()) <= day; ++year) ++age;
  return age;
}

TEST(LatestBirth, IsTheLastDayOfThoseWhoAreOldEnough) {
  EXPECT_EQ(LatestBirth(CivilDay(2026, 3, 1), 18), CivilDay(2008, 3, 1));
  EXPECT_EQ(LatestBirth(CivilDay(2026, 2, 28), 18), CivilDay(2008, 2, 28));
  EXPECT_EQ(LatestBirth(CivilDay(2028, 2, 29), 18), CivilDay(2010, 2, 28));
  ForAllSeeds(2000, [](SeededRandom& random) {
    auto const day = CivilDay(2020, 1, 1) + random.Between(0, 4000);
    int const age = static_cast<int>(random.Between(1, 30));
    auto const latest = LatestBirth(day, age);
    EXPECT_GE(AgeOn(day, latest), age) << day << " " << age;
    EXPECT_LT(AgeOn(day, latest + 1), age) << day << " " << age;
  });
}

class EligibilityTest : public ::testing::Test {
 protected:
  v1::VoterEligibility On(CivilDay day) const { return EligibilityOn(day, birth_, 18, belongings_).verdict; }

  CivilDay birth_{2008, 6, 15};
  std::vector<Belonging> belongings_ = {{"organisations/9001/households/h",
                                         true,
                                         {CivilDay(2020, 1, 1), CivilDay(2030, 1, 1)},
                                         {CivilDay(2019, 1, 1), CivilDay(2029, 1, 1)},
                                         {CivilDay(2021, 1, 1), CivilDay(2028, 1, 1)}}};
};

TEST_F(EligibilityTest, IsOfAgeOnTheDayOfTheMeeting) {
  EXPECT_EQ(On(CivilDay(2026, 6, 14)), v1::VOTER_ELIGIBILITY_UNDER_AGE);
  EXPECT_EQ(On(CivilDay(2026, 6, 15)), v1::VOTER_ELIGIBILITY_ELIGIBLE);
  EXPECT_EQ(EligibilityOn(CivilDay(2026, 6, 14), birth_, 16, belongings_).household, "organisations/9001/households/h");
}

TEST_F(EligibilityTest, IsThereOnTheDayOfTheMeeting) {
  EXPECT_EQ(On(CivilDay(2027, 12, 31)), v1::VOTER_ELIGIBILITY_ELIGIBLE);
  EXPECT_EQ(On(CivilDay(2028, 1, 1)), v1::VOTER_ELIGIBILITY_NO_MEMBER);
  EXPECT_EQ(On(CivilDay(2020, 12, 31)), v1::VOTER_ELIGIBILITY_NO_MEMBER);
  auto& belonging = belongings_[0];
  belonging.stay.end.reset();
  EXPECT_EQ(On(CivilDay(2028, 12, 31)), v1::VOTER_ELIGIBILITY_ELIGIBLE);
  EXPECT_EQ(On(CivilDay(2029, 1, 1)), v1::VOTER_ELIGIBILITY_NO_MEMBER);
  belonging.occupation.end.reset();
  EXPECT_EQ(On(CivilDay(2029, 12, 31)), v1::VOTER_ELIGIBILITY_ELIGIBLE);
  EXPECT_EQ(On(CivilDay(2030, 1, 1)), v1::VOTER_ELIGIBILITY_NO_MEMBER);
}

TEST_F(EligibilityTest, HasTheRegisteredAddressThere) {
  belongings_[0].registered = false;
  EXPECT_EQ(On(CivilDay(2027, 1, 1)), v1::VOTER_ELIGIBILITY_NOT_REGISTERED);
  // Registered in one household of the department, staying in another.
  belongings_.push_back(belongings_[0]);
  belongings_[1].registered = true;
  belongings_[1].household = "organisations/9001/households/own";
  EXPECT_EQ(EligibilityOn(CivilDay(2027, 1, 1), birth_, 18, belongings_).household, "organisations/9001/households/own");
  EXPECT_EQ(EligibilityOn(CivilDay(2027, 1, 1), birth_, 18, {}).verdict, v1::VOTER_ELIGIBILITY_NO_MEMBER);
}

}  // namespace
}  // namespace helhed::residents
