#include "services/residents/domain/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "services/platform/testing/matchers.h"

namespace helhed::residents {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;
using testing::ForAllSeeds;

v1::StatisticsRule Rule(int cell_minimum, int department_minimum, std::string const& bands = "0,7,18,65") {
  v1::StatisticsRule rule;
  rule.set_cell_minimum(cell_minimum);
  rule.set_department_minimum(department_minimum);
  rule.set_age_band_starts(bands);
  rule.set_interval_months(3);
  rule.mutable_start_date()->set_year(2026);
  rule.mutable_start_date()->set_month(1);
  rule.mutable_start_date()->set_day(1);
  return rule;
}

// `001 0-6 da` -> the count, nullopt when it is withheld.
using Answer = std::map<std::tuple<std::string, std::string, std::string>, std::optional<Count>>;
Answer Ask(std::vector<ResidentGroup> const& groups, std::vector<v1::ResidentDimension> const& dimensions,
           v1::StatisticsRule const& rule) {
  Answer answer;
  for (auto const& count : Aggregate(groups, dimensions, rule)) {
    EXPECT_EQ(count.has_count(), count.withheld() == v1::WITHHOLDING_UNSPECIFIED);
    auto const shown = count.has_count() ? std::optional(count.count()) : std::nullopt;
    EXPECT_TRUE(answer.emplace(std::tuple(count.department(), count.age_band(), count.language()), shown).second);
  }
  return answer;
}

TEST(AgeBands, AreNamedAndBounded) {
  AgeBands const bands("0,7,18,65");
  ASSERT_EQ(bands.size(), 4U);
  EXPECT_EQ(bands.Label(0), "0-6");
  EXPECT_EQ(bands.Label(3), "65-");
  EXPECT_THAT(bands.LatestBirths(CivilDay(2026, 1, 1)),
              ElementsAre(CivilDay(2019, 1, 1), CivilDay(2008, 1, 1), CivilDay(1961, 1, 1)));
}

TEST(StatisticsRule, IsChecked) {
  EXPECT_TRUE(StatisticsRuleViolations(Rule(5, 100)).empty());
  auto wrong = Rule(5, 100, "0,18,18");
  wrong.set_interval_months(5);
  wrong.mutable_start_date()->set_month(4);
  auto const violations = StatisticsRuleViolations(wrong);
  ASSERT_EQ(violations.size(), 3U);
  EXPECT_EQ(violations[0].field, "statistics_rule.age_band_starts");
  EXPECT_EQ(violations[1].field, "statistics_rule.start_date");
  EXPECT_EQ(violations[2].field, "statistics_rule.interval_months");
}

TEST(StatisticsDay, IsTheLastOneOfTheInterval) {
  EXPECT_EQ(StatisticsDay(CivilDay(2026, 3, 31), 3), CivilDay(2026, 1, 1));
  EXPECT_EQ(StatisticsDay(CivilDay(2026, 4, 1), 3), CivilDay(2026, 4, 1));
  EXPECT_EQ(StatisticsDay(CivilDay(2026, 12, 31), 12), CivilDay(2026, 1, 1));
  EXPECT_EQ(StatisticsDay(CivilDay(2026, 12, 31), 1), CivilDay(2026, 12, 1));
}

TEST(Aggregate, CountsByDimensionAndTotal) {
  std::vector<ResidentGroup> const groups = {
      {"001", 0, "da", 60}, {"001", 2, "da-DK", 90}, {"002", 2, "so", 150}, {"002", 3, "", 30}};
  EXPECT_EQ(Ask(groups, {v1::RESIDENT_DIMENSION_DEPARTMENT}, Rule(5, 100)),
            (Answer{{{"", "", ""}, 330}, {{"001", "", ""}, 150}, {{"002", "", ""}, 180}}));
  EXPECT_EQ(Ask(groups, {v1::RESIDENT_DIMENSION_LANGUAGE}, Rule(5, 100)),
            (Answer{{{"", "", ""}, 330}, {{"", "", "da"}, 150}, {{"", "", "so"}, 150}, {{"", "", "und"}, 30}}));
  // Nobody of 7 to 17: that is below the least count as well, and would be seen if the next smallest were there.
  EXPECT_EQ(Ask(groups, {v1::RESIDENT_DIMENSION_AGE_BAND}, Rule(5, 100)), (Answer{{{"", "", ""}, 330},
                                                                                  {{"", "0-6", ""}, 60},
                                                                                  {{"", "7-17", ""}, std::nullopt},
                                                                                  {{"", "18-64", ""}, 240},
                                                                                  {{"", "65-", ""}, std::nullopt}}));
}

TEST(Aggregate, ADepartmentBelowTheFloorIsNotPublishedNorTheOneThatTellsIt) {
  std::vector<ResidentGroup> const groups = {{"001", 0, "da", 99}, {"002", 0, "da", 120}, {"003", 0, "da", 500}};
  auto const counts = Aggregate(groups, std::vector{v1::RESIDENT_DIMENSION_DEPARTMENT}, Rule(5, 100, "0"));
  ASSERT_EQ(counts.size(), 4U);
  EXPECT_EQ(counts[0].withheld(), v1::WITHHOLDING_SMALL_DEPARTMENT);
  EXPECT_EQ(counts[1].withheld(), v1::WITHHOLDING_SMALL_DEPARTMENT);
  EXPECT_EQ(counts[2].count(), 500);
  EXPECT_EQ(counts[3].count(), 719);
}

TEST(Aggregate, AnOrganisationBelowTheFloorIsNotPublishedWhateverIsAsked) {
  std::vector<ResidentGroup> const groups = {{"001", 0, "da", 50}, {"002", 1, "da", 49}};
  for (auto const dimension :
       {v1::RESIDENT_DIMENSION_DEPARTMENT, v1::RESIDENT_DIMENSION_AGE_BAND, v1::RESIDENT_DIMENSION_LANGUAGE}) {
    for (auto const& count : Aggregate(groups, std::vector{dimension}, Rule(5, 100))) {
      EXPECT_EQ(count.withheld(), v1::WITHHOLDING_SMALL_ORGANISATION);
      EXPECT_FALSE(count.has_count());
    }
  }
  EXPECT_EQ(Aggregate({}, std::vector{v1::RESIDENT_DIMENSION_DEPARTMENT}, Rule(5, 100)).size(), 1U);
}

TEST(Aggregate, RareLanguagesAreCountedTogether) {
  std::vector<ResidentGroup> const groups = {
      {"001", 0, "da", 200}, {"001", 0, "so", 4}, {"001", 1, "ti", 3}, {"001", 1, "ar", 9}};
  EXPECT_EQ(Ask(groups, {v1::RESIDENT_DIMENSION_LANGUAGE}, Rule(5, 100)),
            (Answer{{{"", "", ""}, 216}, {{"", "", "ar"}, 9}, {{"", "", "da"}, 200}, {{"", "", "mul"}, 7}}));
}

// Whatever is asked about the same people, a total is either in every answer or in none: otherwise one would tell what the other
// withholds. And what is withheld of a total is withheld of its cells.
TEST(Aggregate, DifferentQuestionsWithholdTheSame) {
  ForAllSeeds(60, [](SeededRandom& random) {
    std::vector<ResidentGroup> groups;
    std::vector<std::string> const languages = {"da", "so", "ar", "ti", ""};
    auto const departments = random.Between(1, 6);
    for (int i = 0; i < 40; ++i) {
      groups.push_back({"00" + std::to_string(random.Between(1, departments)), static_cast<std::size_t>(random.Between(0, 3)),
                        languages[static_cast<std::size_t>(random.Between(0, 4))], random.Between(1, random.Between(1, 40))});
    }
    auto const rule = Rule(5, static_cast<int>(random.Between(5, 150)));
    std::vector<v1::ResidentDimension> const all = {v1::RESIDENT_DIMENSION_DEPARTMENT, v1::RESIDENT_DIMENSION_AGE_BAND,
                                                    v1::RESIDENT_DIMENSION_LANGUAGE};
    Answer totals;
    for (auto const dimension : all) totals.merge(Ask(groups, {dimension}, rule));
    for (auto const a : all) {
      for (auto const b : all) {
        if (a == b) continue;
        for (auto const& [place, count] : Ask(groups, {a, b}, rule)) {
          if (auto const known = totals.find(place); known != totals.end()) {
            EXPECT_EQ(known->second, count);
            continue;
          }
          auto const& [department, band, language] = place;
          bool const under_withheld = (!department.empty() && !totals.at({department, "", ""})) ||
                                      (!band.empty() && !totals.at({"", band, ""})) ||
                                      (!language.empty() && !totals.at({"", "", language}));
          if (under_withheld) {
            EXPECT_EQ(count, std::nullopt);
          }
          if (count) {
            EXPECT_GE(*count, rule.cell_minimum());
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace helhed::residents
