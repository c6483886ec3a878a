#include "services/communications/paper/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "services/platform/testing/matchers.h"

namespace helhed::communications::paper {
namespace {

// The distributor's route through two departments, as somebody who lives there would walk it.
std::vector<Stop> Route() {
  return {
      {"9003-004", "Remisevej 4", "st", "tv", "a"},   {"9003-004", "Remisevej 4", "st", "th", "a"},
      {"9003-004", "Remisevej 4", "1", "tv", "a"},    {"9003-004", "Remisevej 4", "1", "mf", "a"},
      {"9003-004", "Remisevej 4", "1", "th", "a"},    {"9003-004", "Remisevej 4", "2", "1", "a"},
      {"9003-004", "Remisevej 4", "2", "2", "a"},     {"9003-004", "Remisevej 4", "2", "10", "a"},
      {"9003-004", "Remisevej 4", "2", "b1", "a"},    {"9003-004", "Remisevej 4", "10", "tv", "a"},
      {"9003-004", "Remisevej 12", "", "", "a"},      {"9003-004", "Remisevej 12", "", "", "b"},
      {"9003-004", "Remisevej 12", "k9", "tv", "a"},  {"9003-004", "Remisevej 12", "k2", "tv", "a"},
      {"9003-004", "Remisevej 12", "kl", "tv", "a"},  {"9003-004", "Remisevej 12", "st", "tv", "a"},
      {"9003-004", "Remisevej 12A", "st", "tv", "a"}, {"9003-004", "Remisevej 12B", "st", "tv", "a"},
      {"9003-004", "Sæterdalsgade 1", "1", "", "a"},  {"9003-004", "Søndergade 1", "1", "", "a"},
      {"9003-004", "Såstedvej 1", "1", "", "a"},      {"9003-022", "", "1", "", "a"},
      {"9003-022", "Ærøgade 1", "1", "", "a"},        {"9003-022", "Ølandsgade 1", "1", "", "a"},
      {"9003-022", "Ålandsgade 1", "1", "", "a"},
  };
}

TEST(Route, GoesByDepartmentStairwellFloorAndDoorAsOneWalks) {
  auto const route = Route();
  for (std::size_t i = 1; i < route.size(); ++i) {
    EXPECT_LT(RouteKey(route[i - 1]), RouteKey(route[i]))
        << route[i - 1].stairwell << " " << route[i - 1].floor << " " << route[i - 1].door << " before " << route[i].stairwell
        << " " << route[i].floor << " " << route[i].door;
  }
}

TEST(Route, TakesCapitalLettersAsSmallOnes) {
  Stop const small{"9003-004", "ølandsgade 4b", "1", "tv", "a"};
  Stop const capital{"9003-004", "ØLANDSGADE 4B", "1", "tv", "a"};
  EXPECT_EQ(RouteKey(small), RouteKey(capital));
}

TEST(Route, PartsDoNotRunIntoEachOther) {
  EXPECT_NE(RouteKey({"a", "b", "1", "tv", "x"}), RouteKey({"ab", "", "1", "tv", "x"}));
  EXPECT_NE(RouteKey({"a", "b\x01", "1", "tv", "x"}), RouteKey({"a", "b", "1", "tv", "x"}));
  EXPECT_NE(RouteKey({"a", "b", "1", "12", "x"}), RouteKey({"a", "b", "11", "2", "x"}));
}

TEST(Route, IsTheSameHoweverTheStopsWereMixed) {
  testing::ForAllSeeds(20, [](SeededRandom& random) {
    auto mixed = Route();
    for (std::size_t i = mixed.size(); i > 1; --i)
      std::swap(mixed[i - 1], mixed[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(i) - 1))]);
    std::sort(mixed.begin(), mixed.end(), [](Stop const& a, Stop const& b) { return RouteKey(a) < RouteKey(b); });
    EXPECT_EQ(mixed, Route());
  });
}

}  // namespace
}  // namespace helhed::communications::paper
