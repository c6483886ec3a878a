#include "services/residents/domain/cpr_number.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

// All numbers here are made up; none with a date in living memory and a valid check is used outside this arithmetic.
namespace helhed::residents {
namespace {

std::string BirthDate(std::string_view text) {
  auto const number = ParseCprNumber(text);
  return number ? ToIsoDate(number->birth_date) : "none";
}

TEST(CprNumber, TheCenturyFollowsFromTheSeventhDigit) {
  for (char const digit : {'0', '1', '2', '3'}) {
    EXPECT_EQ(BirthDate(absl::StrCat("010100", std::string(1, digit), "000")), "1900-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("311299", std::string(1, digit), "000")), "1999-12-31");
  }
  for (char const digit : {'4', '9'}) {
    EXPECT_EQ(BirthDate(absl::StrCat("010100", std::string(1, digit), "000")), "2000-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("010136", std::string(1, digit), "000")), "2036-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("010137", std::string(1, digit), "000")), "1937-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("010199", std::string(1, digit), "000")), "1999-01-01");
  }
  for (char const digit : {'5', '6', '7', '8'}) {
    EXPECT_EQ(BirthDate(absl::StrCat("010100", std::string(1, digit), "000")), "2000-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("010137", std::string(1, digit), "000")), "2037-01-01") << "libraries have this wrong";
    EXPECT_EQ(BirthDate(absl::StrCat("010157", std::string(1, digit), "000")), "2057-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("010158", std::string(1, digit), "000")), "1858-01-01");
    EXPECT_EQ(BirthDate(absl::StrCat("010199", std::string(1, digit), "000")), "1899-01-01");
  }
}

TEST(CprNumber, LeapDaysFollowTheCentury) {
  EXPECT_EQ(BirthDate("2902004000"), "2000-02-29");
  EXPECT_EQ(BirthDate("2902000000"), "none") << "1900 was no leap year";
  EXPECT_EQ(BirthDate("2902964000"), "1996-02-29");
  EXPECT_EQ(BirthDate("2902974000"), "none");
}

TEST(CprNumber, WhatNeverWasANumberIsRefused) {
  for (auto const* text : {"", "0101901", "01019012345", "0101 901234", "010190--1234", "0101901-234", "0001901234", "3201901234",
                           "0100901234", "0113901234", "3104901234", "6001901234", "9201901234", "a101901234", "010190 1234"}) {
    EXPECT_EQ(BirthDate(text), "none") << text;
  }
}

TEST(CprNumber, ReplacementNumbersHaveADaySixtyHigher) {
  EXPECT_EQ(BirthDate("6101901234"), "1990-01-01");
  EXPECT_EQ(BirthDate("9101901234"), "1990-01-31");
  EXPECT_EQ(BirthDate("9104901234"), "none");
}

// P3: modulus 11 refuses nothing. The weights are those of the check that was given up in 2007.
TEST(CprNumber, EveryNumberOfADayIsTakenWhateverItsCheckDigit) {
  int failing = 0;
  for (int tail = 0; tail <= 9999; ++tail) {
    std::string const digits = absl::StrCat("010190", absl::StrFormat("%04d", tail));
    constexpr int weights[] = {4, 3, 2, 7, 6, 5, 4, 3, 2, 1};
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * weights[i];
    failing += sum % 11 == 0 ? 0 : 1;
    ASSERT_TRUE(ParseCprNumber(digits).has_value()) << digits;
  }
  EXPECT_GT(failing, 9000);
}

TEST(CprNumber, EveryDayRoundTrips) {
  testing::ForAllSeeds(2000, [](SeededRandom& random) {
    auto const day = absl::CivilDay(1858, 1, 1) + random.Between(0, 73'000);
    int const year = static_cast<int>(day.year());
    char const digit = year < 1900 ? '5' : year < 2000 ? '0' : year <= 2036 ? '4' : '6';
    if (year > 2057) return;
    auto const text = absl::StrFormat("%02d%02d%02d-%c%03d", day.day(), day.month(), year % 100, digit, random.Between(0, 999));
    auto const number = ParseCprNumber(text);
    ASSERT_TRUE(number.has_value()) << text;
    EXPECT_EQ(number->birth_date, day) << text;
    EXPECT_EQ(WriteCprNumber(number->digits), text);
    EXPECT_EQ(MaskCprNumber(*number), text.substr(0, 6) + "-****");
  });
}

TEST(CprNumber, IsFoundWithinText) {
  for (auto const* text : {"0101901234", "sag 010190-1234", "010190 1234.", "x0101901234y", "12/010190-1234"}) {
    EXPECT_TRUE(HoldsCprNumber(text)) << text;
  }
  for (auto const* text : {"", "2026-0001", "01019012345", "010190-12345", "1010190-1234", "S-2026/000123", "010190--1234"}) {
    EXPECT_FALSE(HoldsCprNumber(text)) << text;
  }
}

}  // namespace
}  // namespace helhed::residents
