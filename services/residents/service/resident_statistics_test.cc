#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <tuple>

#include "helhed/residents/v1/democracy_events.pb.h"
#include "services/residents/testing/democracy.h"

// It is 1 March 2126, so that the last day of statistics is 1 January.
namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StatisticsTest : public DemocracyTest {
 protected:
  StatisticsTest() {
    Home("a", "001");
    Home("b", "002");
    Home("c", "002");
  }

  // `count` people, born on the day, in the household.
  void Settle(int first, int count, std::string const& household, std::string const& birth_date, std::string const& language) {
    for (int i = 0; i < count; ++i) {
      Person(first + i, birth_date);
      Member(first + i, household, "2120-01-01");
      if (!language.empty()) Speaks(first + i, language);
    }
  }
  // Three age bands, departments from ten and counts from three people on: small numbers, so that the test is quick.
  void SmallRule() {
    Run("UPDATE statistics_rules SET cell_minimum = 3, department_minimum = 10, age_band_starts = '0,18,65'", {});
  }

  absl::StatusOr<v1::AggregateResidentsResponse> TryAsk(std::vector<v1::ResidentDimension> const& dimensions,
                                                        std::string const& date = "2126-03-01",
                                                        std::string const& identity = "") {
    v1::AggregateResidentsRequest request;
    request.set_parent("organisations/9001");
    for (auto const dimension : dimensions) request.add_dimensions(dimension);
    *request.mutable_as_of_date() = Date(date);
    return Ask<v1::AggregateResidentsResponse>("ResidentStatisticsService/AggregateResidents", request, identity);
  }
  // `001 0-17 da` -> the count; nullopt where it is withheld.
  using Answer = std::map<std::tuple<std::string, std::string, std::string>, std::optional<std::int64_t>>;
  Answer Counts(std::vector<v1::ResidentDimension> const& dimensions, std::string const& date = "2126-03-01",
                std::string const& identity = "") {
    Answer answer;
    auto const response = TryAsk(dimensions, date, identity);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return answer;
    for (auto const& count : response->counts()) {
      auto const department = count.department().substr(count.department().rfind('/') + 1);
      answer[{department, count.age_band(), count.language()}] = count.has_count() ? std::optional(count.count()) : std::nullopt;
      EXPECT_EQ(count.has_count(), count.withheld() == v1::WITHHOLDING_UNSPECIFIED);
    }
    return answer;
  }
};
HELHED_BOTH_ENGINES(StatisticsTest);

TEST_P(StatisticsTest, CountWhoIsRegisteredThereOnTheDay) {
  SmallRule();
  Settle(100, 12, "a", "2100-01-01", "da");
  Settle(200, 9, "b", "2108-01-01", "so");
  Settle(300, 5, "c", "2108-01-02", "da-DK");
  Settle(400, 4, "c", "2061-01-01", "");
  // Elsewhere on the day: registered in another place, moved in later, moved out before.
  for (int const number : {500, 501, 502}) Person(number, "2100-01-01");
  Member(500, "a", "2120-01-01", "", 2);
  Member(501, "a", "2126-02-01");
  Member(502, "a", "2120-01-01", "2126-01-01");

  EXPECT_EQ(Counts({v1::RESIDENT_DIMENSION_DEPARTMENT}),
            (Answer{{{"001", "", ""}, 12}, {{"002", "", ""}, 18}, {{"", "", ""}, 30}}));
  // Born on 1 January 2108 one is 18 on the day, born a day later 17.
  EXPECT_EQ(Counts({v1::RESIDENT_DIMENSION_AGE_BAND}),
            (Answer{{{"", "0-17", ""}, 5}, {{"", "18-64", ""}, 21}, {{"", "65-", ""}, 4}, {{"", "", ""}, 30}}));
  EXPECT_EQ(Counts({v1::RESIDENT_DIMENSION_LANGUAGE}),
            (Answer{{{"", "", "da"}, 17}, {{"", "", "so"}, 9}, {{"", "", "und"}, 4}, {{"", "", ""}, 30}}));
  EXPECT_EQ(Counts({v1::RESIDENT_DIMENSION_DEPARTMENT}, "2119-12-31"), (Answer{{{"", "", ""}, std::nullopt}}));
  auto const response = TryAsk({v1::RESIDENT_DIMENSION_DEPARTMENT});
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->as_of_date(), EqualsProto(Date("2126-01-01")));
  EXPECT_EQ(response->statistics_rule(), "statisticsRules/lbf");
}

// P6: a cell of two people is withheld, and so are those that it could be computed from.
TEST_P(StatisticsTest, WithholdSmallCellsAndWhatTellsThem) {
  SmallRule();
  Settle(100, 10, "a", "2100-01-01", "da");
  Settle(120, 2, "a", "2060-01-01", "da");
  Settle(200, 9, "b", "2100-01-01", "da");
  Settle(300, 8, "c", "2060-01-01", "da");
  auto const counts = Counts({v1::RESIDENT_DIMENSION_DEPARTMENT, v1::RESIDENT_DIMENSION_AGE_BAND});
  std::optional<std::int64_t> const withheld;
  EXPECT_EQ(counts.at({"001", "65-", ""}), withheld);
  EXPECT_EQ(counts.at({"001", "18-64", ""}), withheld);
  EXPECT_EQ(counts.at({"002", "65-", ""}), withheld);
  EXPECT_EQ(counts.at({"002", "18-64", ""}), withheld);
  EXPECT_EQ(counts.at({"001", "", ""}), 12);
  EXPECT_EQ(counts.at({"", "", ""}), 29);
}

// LBF's floor: a department below it is not published on its own, nor one that tells it; the floor is data.
TEST_P(StatisticsTest, WithholdSmallDepartments) {
  SmallRule();
  Settle(100, 9, "a", "2100-01-01", "da");
  Settle(200, 12, "b", "2100-01-01", "da");
  for (auto const& [place, count] : Counts({v1::RESIDENT_DIMENSION_DEPARTMENT})) {
    EXPECT_EQ(count.has_value(), std::get<0>(place).empty()) << std::get<0>(place);
  }
  Run("UPDATE statistics_rules SET department_minimum = 9", {});
  EXPECT_EQ(Counts({v1::RESIDENT_DIMENSION_DEPARTMENT}).at({"001", "", ""}), 9);
  Run("UPDATE statistics_rules SET department_minimum = 22", {});
  auto const response = TryAsk({v1::RESIDENT_DIMENSION_AGE_BAND});
  ASSERT_THAT(response, IsOk());
  for (auto const& count : response->counts()) EXPECT_EQ(count.withheld(), v1::WITHHOLDING_SMALL_ORGANISATION);
}

TEST_P(StatisticsTest, AreShownWithinTheGrantAndWithheldAsForAll) {
  SmallRule();
  Settle(100, 9, "a", "2100-01-01", "da");
  Settle(200, 12, "b", "2100-01-01", "da");
  auto const own = As("housing-organisation", "organisations/9001/departments/002");
  EXPECT_EQ(Counts({v1::RESIDENT_DIMENSION_DEPARTMENT}, "2126-03-01", own), (Answer{{{"002", "", ""}, std::nullopt}}));
  EXPECT_THAT(Counts({v1::RESIDENT_DIMENSION_AGE_BAND}, "2126-03-01", own), IsEmpty());
  EXPECT_THAT(TryAsk({v1::RESIDENT_DIMENSION_AGE_BAND}, "2126-03-01", As("housing-organisation", "organisations/9002")),
              StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(StatisticsTest, AreRefusedForWhatMakesNoSense) {
  EXPECT_THAT(TryAsk({}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(TryAsk({v1::RESIDENT_DIMENSION_AGE_BAND, v1::RESIDENT_DIMENSION_AGE_BAND}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(TryAsk({v1::RESIDENT_DIMENSION_UNSPECIFIED}), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(TryAsk({v1::RESIDENT_DIMENSION_AGE_BAND}, "2126-03-02"), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_THAT(TryAsk({v1::RESIDENT_DIMENSION_AGE_BAND}, "1996-12-31"), StatusIs(kPrecondition, "RULE_NOT_CONFIGURED"));
}

TEST_P(StatisticsTest, FollowTheRuleOfTheirDay) {
  v1::CreateStatisticsRuleRequest request;
  request.set_statistics_rule_id("from-2127");
  auto& rule = *request.mutable_statistics_rule();
  *rule.mutable_start_date() = Date("2127-01-01");
  rule.set_cell_minimum(10);
  rule.set_department_minimum(200);
  rule.set_age_band_starts("0,18");
  rule.set_interval_months(12);
  auto const create = [&] { return Ask<v1::StatisticsRule>("ResidentStatisticsService/CreateStatisticsRule", request); };
  auto const created = create();
  ASSERT_THAT(created, IsOk());
  EXPECT_THAT(LastEvent<v1::StatisticsRuleCreated>(created->name()).statistics_rule(), EqualsProto(*created));
  v1::GetStatisticsRuleRequest get;
  get.set_name(created->name());
  EXPECT_THAT(*Ask<v1::StatisticsRule>("ResidentStatisticsService/GetStatisticsRule", get), EqualsProto(*created));
  v1::ListStatisticsRulesRequest list;
  list.set_order_by("start_date desc");
  auto const listed = Ask<v1::ListStatisticsRulesResponse>("ResidentStatisticsService/ListStatisticsRules", list);
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(Ids(listed->statistics_rules()), ElementsAre("from-2127", "lbf"));
  EXPECT_EQ(TryAsk({v1::RESIDENT_DIMENSION_AGE_BAND})->statistics_rule(), "statisticsRules/lbf");

  request.set_statistics_rule_id("again");
  EXPECT_THAT(create(), StatusIs(kPrecondition, "RULE_DAY_TAKEN"));
  *rule.mutable_start_date() = Date("2126-01-01");
  rule.set_age_band_starts("0,18,18");
  rule.set_interval_months(5);
  auto const refused = create();
  EXPECT_THAT(refused, StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_EQ(ViolationsOf(refused.status()).size(), 3U);
  // In the middle of a year one day would have two rules.
  *rule.mutable_start_date() = Date("2128-04-01");
  rule.set_age_band_starts("0,18");
  rule.set_interval_months(12);
  auto const middle = create();
  EXPECT_THAT(middle, StatusIs(kInvalid, "BAD_REQUEST"));
  ASSERT_EQ(ViolationsOf(middle.status()).size(), 1U);
  EXPECT_EQ(ViolationsOf(middle.status())[0].field, "statistics_rule.start_date");
}

}  // namespace
}  // namespace helhed::residents::testing
