#include "services/communications/domain/personal_numbers.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed::communications {
namespace {

using ::testing::IsEmpty;

std::string Found(std::string_view text) {
  std::string found;
  for (auto const& finding : FindPersonalNumbers(text)) {
    absl::StrAppend(&found, found.empty() ? "" : ", ", finding.kind == PersonalNumber::kCpr ? "cpr" : "telephone", " ",
                    finding.offset, "+", finding.length);
  }
  return found;
}

TEST(PersonalNumbers, FindsCprNumbersHoweverTheyAreWritten) {
  EXPECT_EQ(Found("0101901234"), "cpr 0+10");
  EXPECT_EQ(Found("CPR 010190-1234."), "cpr 4+11");
  EXPECT_EQ(Found("født 010190 1234"), "cpr 5+11");
  EXPECT_EQ(Found("01.01.90-1234"), "cpr 0+13");
  EXPECT_EQ(Found("010190\u20131234"), "cpr 0+11") << "an en dash";
  EXPECT_EQ(Found("010190\u00A01234"), "cpr 0+11") << "a space that does not break";
  EXPECT_EQ(Found("\u0660\u0661\u0660\u0661\u0669\u0660\u0661\u0662\u0663\u0664"), "cpr 0+10") << "Arabic digits";
  EXPECT_EQ(Found("\uFF10\uFF11\uFF10\uFF11\uFF19\uFF10-1234"), "cpr 0+11") << "full width";
  EXPECT_EQ(Found("610190-1234"), "cpr 0+11") << "a replacement number";
  EXPECT_EQ(Found("æøå 010190-1234"), "cpr 4+11") << "offsets are code points";
}

TEST(PersonalNumbers, FindsTelephoneNumbers) {
  EXPECT_EQ(Found("ring 20 30 40 50"), "telephone 5+11");
  EXPECT_EQ(Found("20304050"), "telephone 0+8");
  EXPECT_EQ(Found("2030 4050"), "telephone 0+9");
  EXPECT_EQ(Found("20 304 050"), "telephone 0+10");
  EXPECT_EQ(Found("+45 20 30 40 50"), "telephone 1+14");
  EXPECT_EQ(Found("+4520304050"), "telephone 1+10");
  EXPECT_EQ(Found("0045 20304050"), "telephone 0+13");
  EXPECT_EQ(Found("004520304050"), "telephone 0+12");
  EXPECT_EQ(Found("+46 70 123 45 67"), "telephone 1+15");
  EXPECT_EQ(Found("20304050 og 010190-1234"), "telephone 0+8, cpr 12+11");
}

TEST(PersonalNumbers, LeavesDatesTimesAmountsAndAddressesAlone) {
  for (auto const* const text : {"", "2026-11-23 kl. 14.30", "23-11-2026", "23.11.2026", "kl. 20:15-21:45", "1.250.000 kr.",
                                 "Remisevej 14, 2. th, 2300 København S", "12 biler, 3 personer", "9001-022", "112 og 114",
                                 "bus 5C, linje 33", "01018005__14__2__th", "uge 47-48"}) {
    EXPECT_THAT(FindPersonalNumbers(text), IsEmpty()) << text;
  }
}

TEST(PersonalNumbers, RefusalSaysWhereAndNeverWhat) {
  CheckedText const texts[] = {{"incident.place", "torvet"}, {"incident.description", "ring 20 30 40 50, 010190-1234"}};
  auto const refused = RefusePersonalNumbers(texts, true);
  EXPECT_THAT(refused, helhed::testing::StatusIs(absl::StatusCode::kInvalidArgument, "PERSONAL_DATA_SUSPECTED"));
  EXPECT_EQ(MetadataOf(refused).at("findings"),
            "incident.description 5 11 TELEPHONE_NUMBER; incident.description 18 11 CPR_NUMBER");
  EXPECT_EQ(MetadataOf(refused).at("confirmable"), "false");
  EXPECT_THAT(refused.ToString(), ::testing::Not(::testing::HasSubstr("1234")));
  EXPECT_THAT(refused.ToString(), ::testing::Not(::testing::HasSubstr("20 30")));
}

TEST(PersonalNumbers, OnlyTelephoneNumbersCanBeConfirmed) {
  CheckedText const telephone[] = {{"text", "vagten: 33 66 33 66"}};
  EXPECT_EQ(MetadataOf(RefusePersonalNumbers(telephone, false)).at("confirmable"), "true");
  EXPECT_THAT(RefusePersonalNumbers(telephone, true), helhed::testing::IsOk());
  CheckedText const cpr[] = {{"text", "010190-1234"}};
  EXPECT_THAT(RefusePersonalNumbers(cpr, true),
              helhed::testing::StatusIs(absl::StatusCode::kInvalidArgument, "PERSONAL_DATA_SUSPECTED"));
}

TEST(PersonalNumbers, EveryCprNumberIsFoundInAnySurroundings) {
  helhed::testing::ForAllSeeds(2000, [](SeededRandom& random) {
    auto const two = [&](int low, int high) { return absl::StrCat(random.Between(low, high) + 100).substr(1); };
    auto const number = absl::StrCat(two(1, 31), two(1, 12), two(0, 99), random.Between(0, 1) == 0 ? "" : "-",
                                     absl::StrCat(random.Between(0, 9999) + 10000).substr(1));
    static constexpr std::string_view kAround[] = {" ", ", ", "(", ")", "x", "æ", "\n", "kl. 14 og ", " den 23.11.2026: "};
    auto const text = absl::StrCat(Av(kAround[random.Between(0, 8)]), number, Av(kAround[random.Between(0, 6)]));
    bool found = false;
    for (auto const& finding : FindPersonalNumbers(text)) found = found || finding.kind == PersonalNumber::kCpr;
    EXPECT_TRUE(found) << text;
  });
}

}  // namespace
}  // namespace helhed::communications
