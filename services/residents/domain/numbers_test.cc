#include "services/residents/domain/numbers.h"

#include <gtest/gtest.h>

#include <string>

#include "services/platform/testing/matchers.h"

namespace helhed::residents {
namespace {

TEST(OrganisationNumber, IsFourDigits) {
  for (auto const* good : {"9001", "0001", "0000"}) EXPECT_TRUE(IsOrganisationNumber(good)) << good;
  for (auto const* bad : {"", "901", "09001", "90a1", " 901", "９００１"}) EXPECT_FALSE(IsOrganisationNumber(bad)) << bad;
}

TEST(DepartmentNumber, IsThreeDigitsFrom001) {
  for (auto const* good : {"001", "019", "999"}) EXPECT_TRUE(IsDepartmentNumber(good)) << good;
  for (auto const* bad : {"", "000", "1", "01", "1000", "0a1", "-01"}) EXPECT_FALSE(IsDepartmentNumber(bad)) << bad;
}

TEST(CvrNumber, KnownNumbersPass) {
  // Københavns Kommune, Danske Bank, Novo Nordisk.
  for (auto const* good : {"64942212", "61126228", "24256790"}) EXPECT_TRUE(IsCvrNumber(good)) << good;
  for (auto const* bad : {"", "6494221", "649422120", "64942213", "6494221a", "00000000", "06494221"})
    EXPECT_FALSE(IsCvrNumber(bad)) << bad;
}

TEST(CvrNumber, OneWrongDigitOrTwoSwappedNeighboursAreFound) {
  testing::ForAllSeeds(300, [](SeededRandom& random) {
    std::string number = std::to_string(random.Between(10'000'000, 99'999'999));
    while (!IsCvrNumber(number)) number = std::to_string(random.Between(10'000'000, 99'999'999));
    auto const at = static_cast<std::size_t>(random.Between(0, 7));
    std::string wrong = number;
    wrong[at] = static_cast<char>('0' + (wrong[at] - '0' + random.Between(1, 9)) % 10);
    EXPECT_FALSE(IsCvrNumber(wrong)) << number << " " << wrong;
    auto const left = static_cast<std::size_t>(random.Between(0, 6));
    std::string swapped = number;
    std::swap(swapped[left], swapped[left + 1]);
    // The first two digits weigh 2 and 7, whose difference is no multiple of 11 either.
    EXPECT_EQ(IsCvrNumber(swapped), swapped == number) << number << " " << swapped;
  });
}

}  // namespace
}  // namespace helhed::residents
