#include "services/platform/contract/resource_name.h"

#include <gmock/gmock.h>

#include "helhed/residents/v1/dwelling.pb.h"
#include "services/platform/base/random.h"
#include "services/platform/testing/matchers.h"

namespace helhed::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(NamePattern, MatchesAndMakes) {
  NamePattern const pattern("organisations/{organisation}/departments/{department}");
  EXPECT_THAT(pattern.variables(), ElementsAre("organisation", "department"));
  EXPECT_THAT(pattern.Match("organisations/9001/departments/001"), Optional(ElementsAre("9001", "001")));
  EXPECT_EQ(pattern.Make({"9001", "001"}), "organisations/9001/departments/001");
}

TEST(NamePattern, RefusesWhatDoesNotFit) {
  NamePattern const pattern("organisations/{organisation}/departments/{department}");
  for (auto const* const name :
       {"", "/", "organisations", "organisations/9001", "organisations/9001/departments", "organisations/9001/departments/",
        "organisations//departments/001", "/organisations/9001/departments/001", "organisations/9001/departments/001/",
        "organisations/9001/departments/001/x", "organisations/9001/dwellings/001", "organisations/-/departments/001",
        "organisations/./departments/001", "organisations/../departments/001", "organisations/a b/departments/001",
        "organisations/9001/departments/\xC3\xA6", "organisations/%2e/departments/001", "Organisations/9001/departments/001"}) {
    EXPECT_FALSE(pattern.Match(name).has_value()) << name;
    EXPECT_FALSE(pattern.Fits(name)) << name;
  }
}

TEST(NamePattern, TakesValuesOf1To63Characters) {
  NamePattern const pattern("plans/{plan}");
  EXPECT_TRUE(pattern.Fits("plans/" + std::string(63, 'a')));
  EXPECT_FALSE(pattern.Fits("plans/" + std::string(64, 'a')));
  EXPECT_TRUE(pattern.Fits("plans/A-b_c.d~9"));
}

TEST(NamePattern, WhatIsMadeMatches) {
  NamePattern const pattern("organisations/{organisation}/dwellings/{dwelling}");
  testing::ForAllSeeds(500, [&](SeededRandom& random) {
    auto const value = [&] {
      constexpr std::string_view characters = "abcxyzABCXYZ0189._~";
      std::string text;
      for (auto left = random.Between(3, 63); left > 0; --left) text += characters[random.Between(0, characters.size() - 1)];
      return text == "..." ? std::string("x") : text;
    };
    std::vector<std::string> const values = {value(), value()};
    EXPECT_THAT(pattern.Match(pattern.Make(values)), Optional(values));
  });
}

TEST(PatternOf, FindsTypesOfTheContract) {
  ASSERT_NE(PatternOfType("helhed.dk/Department"), nullptr);
  EXPECT_EQ(PatternOfType("helhed.dk/Department")->text(), "organisations/{organisation}/departments/{department}");
  EXPECT_EQ(PatternOf(*residents::v1::Dwelling::descriptor()), PatternOfType("helhed.dk/Dwelling"));
  EXPECT_EQ(PatternOfType("helhed.dk/Nothing"), nullptr);
  EXPECT_EQ(PatternOf(*google::protobuf::DescriptorProto::descriptor()), nullptr);
}

TEST(Covers, IsItselfOrBelow) {
  EXPECT_TRUE(Covers("", "organisations/9001"));
  EXPECT_TRUE(Covers("organisations/9001", "organisations/9001"));
  EXPECT_TRUE(Covers("organisations/9001", "organisations/9001/departments/001"));
  EXPECT_FALSE(Covers("plans/a", "plans/ab"));
  EXPECT_FALSE(Covers("plans/ab", "plans/a"));
  EXPECT_FALSE(Covers("plans/a", ""));
}

TEST(Parts, OfAName) {
  EXPECT_EQ(LastPart("organisations/9001/departments/001"), "001");
  EXPECT_EQ(LastPart("001"), "001");
  EXPECT_EQ(ParentOf("organisations/9001/departments/001"), "organisations/9001");
  EXPECT_EQ(ParentOf("organisations/9001"), "");
  EXPECT_EQ(ParentOf(""), "");
  EXPECT_EQ(ParentOf("/"), "");
}

TEST(ResourceName, IsOneWhenItFitsAnyPatternOfTheContract) {
  EXPECT_TRUE(IsResourceName("organisations/9001/departments/001"));
  for (auto const* text :
       {"", "9001", "organisations", "organisations/9001/", "Kanariefugl Gul", "010190-1234", "kim@example.dk"}) {
    EXPECT_FALSE(IsResourceName(text)) << text;
  }
}

}  // namespace
}  // namespace helhed::contract
