#include "services/residents/domain/address_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed::residents {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> FieldsWrong(v1::Dwelling& dwelling) {
  std::vector<FieldViolation> violations;
  CompleteAddress(dwelling, "dwelling", violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  return fields;
}

v1::Dwelling Dwelling(std::string const& key, std::string const& floor, std::string const& door) {
  v1::Dwelling dwelling;
  dwelling.set_kvhx_key(key);
  dwelling.set_floor(floor);
  dwelling.set_door(door);
  return dwelling;
}

TEST(AddressKey, IsReadAsDawaWritesIt) {
  EXPECT_EQ(ParseAddressKey("01018005__14__2__th"), (AddressKey{"0101", "8005", "14", "2", "th"}));
  EXPECT_EQ(ParseAddressKey("01018005_14B_st___1"), (AddressKey{"0101", "8005", "14B", "st", "1"}));
  EXPECT_EQ(ParseAddressKey("01018005___5_______"), (AddressKey{"0101", "8005", "5", "", ""}));
  EXPECT_EQ(ParseAddressKey("08510001999Z_k91234"), (AddressKey{"0851", "0001", "999Z", "k9", "1234"}));
  EXPECT_EQ(ParseAddressKey("08510001__1A_12_b-3"), (AddressKey{"0851", "0001", "1A", "12", "b-3"}));
}

TEST(AddressKey, RefusesOtherForms) {
  for (auto const* bad : {
           "",
           "01018005__14__2__t",    // short
           "01018005__14__2__thx",  // long
           "010180050014__2__th",   // zeros before the house number
           "01018005  14  2  th",   // spaces
           "0101800514____2__th",   // padded behind
           "01018005_14b__2__th",   // small letter
           "010180051234__2__th",   // four digits
           "01018005_______2_th",   // no house number
           "01018005__1__12__th",   // padding within
           "0101800___14__2__th",   // road
           "01018005__14_02__th",   // floor with a zero
           "01018005__14__0__th",   // floor 0
           "01018005__14100__th",   // floor 100
           "01018005__14_k1__th",   // the first cellar is kl
           "01018005__14_ST__th",   // capitals
           "01018005__14__2__TH",   //
           "01018005__14__2_0th ",  //
           "01018005__14__20001",   // door with zeros
           "01018005__14__2___0",   // door 0
           "01018005__14__2_t_h",   // underscore within
           "01018005_Å14__2__th",   // more bytes than characters
       }) {
    EXPECT_EQ(ParseAddressKey(bad), std::nullopt) << bad;
  }
}

TEST(Floor, FollowsTheAddressRules) {
  for (auto const* good : {"1", "9", "10", "99", "st", "kl", "k2", "k9"}) EXPECT_TRUE(IsFloor(good)) << good;
  for (auto const* bad : {"", "0", "01", "100", "k1", "k10", "KL", "s", "-1", "1a"}) EXPECT_FALSE(IsFloor(bad)) << bad;
}

TEST(Door, FollowsTheAddressRules) {
  for (auto const* good : {"tv", "mf", "th", "1", "9999", "a", "b-3", "1/2", "12-4", "0a"}) EXPECT_TRUE(IsDoor(good)) << good;
  for (auto const* bad : {"", "0", "01", "10000", "TV", "t.h", "12345", "t h", "æ"}) EXPECT_FALSE(IsDoor(bad)) << bad;
}

std::string OneOf(SeededRandom& random, std::vector<std::string> const& values) {
  return values[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(values.size()) - 1))];
}

std::string Digits(SeededRandom& random, std::int64_t max) {
  std::string const digits = std::to_string(random.Between(0, max));
  return std::string(4 - digits.size(), '0') + digits;
}

TEST(AddressKey, ReadingUndoesWriting) {
  testing::ForAllSeeds(2000, [](SeededRandom& random) {
    AddressKey const key{Digits(random, 9999), Digits(random, 9999),
                         std::to_string(random.Between(1, 999)) + OneOf(random, {"", "A", "M", "Z"}),
                         OneOf(random, {"", "st", "kl", "k2", "k9", std::to_string(random.Between(1, 99))}),
                         OneOf(random, {"", "tv", "mf", "th", "a-1", "1/2", "zz", std::to_string(random.Between(1, 9999))})};
    EXPECT_EQ(ToText(key).size(), 19U);
    EXPECT_EQ(ParseAddressKey(ToText(key)), key) << ToText(key);
  });
}

TEST(AddressKey, WritingUndoesReadingWhateverTheText) {
  testing::ForAllSeeds(3000, [](SeededRandom& random) {
    std::string text = "01018005__14__2__th";
    for (auto changes = random.Between(1, 4); changes > 0; --changes) {
      text[static_cast<std::size_t>(random.Between(0, 18))] = OneOf(random, {"_", "0", "1", "A", "k", "t", "/", " "})[0];
    }
    if (auto const key = ParseAddressKey(text)) {
      EXPECT_EQ(ToText(*key), text);
    }
  });
}

TEST(CompleteAddress, TakesFloorAndDoorFromTheKey) {
  auto dwelling = Dwelling("01018005__14__2__th", "", "");
  EXPECT_THAT(FieldsWrong(dwelling), IsEmpty());
  EXPECT_EQ(dwelling.floor(), "2");
  EXPECT_EQ(dwelling.door(), "th");
}

TEST(CompleteAddress, RefusesWhatTheKeyDoesNotSay) {
  auto same = Dwelling("01018005__14__2__th", "2", "th");
  EXPECT_THAT(FieldsWrong(same), IsEmpty());
  auto other = Dwelling("01018005__14__2__th", "3", "tv");
  EXPECT_THAT(FieldsWrong(other), ElementsAre("dwelling.floor", "dwelling.door"));
  auto house = Dwelling("01018005___5_______", "st", "");
  EXPECT_THAT(FieldsWrong(house), ElementsAre("dwelling.floor"));
}

TEST(CompleteAddress, NamesEveryFieldThatIsWrong) {
  auto dwelling = Dwelling("01018005  14  2  th", "0", "TH");
  EXPECT_THAT(FieldsWrong(dwelling), ElementsAre("dwelling.floor", "dwelling.door", "dwelling.kvhx_key"));
  auto without = Dwelling("", "k3", "1/2");
  EXPECT_THAT(FieldsWrong(without), IsEmpty());
}

}  // namespace
}  // namespace helhed::residents
