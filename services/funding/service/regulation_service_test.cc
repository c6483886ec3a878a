#include <gmock/gmock.h>

#include "services/funding/testing/fixture.h"

namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;

class RegulationTest : public PlansOnlyTest {
 protected:
  v1::Regulation Get(std::string const& id) {
    v1::GetRegulationRequest request;
    request.set_name("regulations/" + id);
    return Must<v1::Regulation>("RegulationService/GetRegulation", request);
  }
  // The set of 2019-26 for years to come.
  v1::CreateRegulationRequest Next(std::string const& id) {
    v1::CreateRegulationRequest request;
    request.set_regulation_id(id);
    *request.mutable_regulation() = Get("2019-26");
    request.mutable_regulation()->clear_name();
    *request.mutable_regulation()->mutable_period() = Range("2127-01-01", "2131-01-01");
    return request;
  }
};
HELHED_BOTH_ENGINES(RegulationTest);

TEST_P(RegulationTest, TheKnownGrantPeriodsAreThere) {
  EXPECT_EQ(Get("2011-14").focus_areas_size(), 7);
  EXPECT_EQ(Get("2015-18").focus_areas_size(), 4);
  auto const current = Get("2019-26");
  ASSERT_EQ(current.focus_areas_size(), 4);
  EXPECT_EQ(current.focus_areas(3).display_name(), "Sammenhængskraft og medborgerskab");
  EXPECT_EQ(current.local_cofunding().least_basis_points(), 2500);
  EXPECT_TRUE(current.local_cofunding().counts_municipality());
  EXPECT_FALSE(current.local_cofunding().counts_external());
  EXPECT_EQ(current.voting().votes_per_household(), 2);
  EXPECT_FALSE(current.has_reallocation_threshold_basis_points());
}

TEST_P(RegulationTest, WhatIsNotVerifiedSaysSoInTheData) {
  for (auto const* id : {"2011-14", "2015-18", "2019-26"}) {
    std::map<std::string, v1::Certainty> certainty;
    auto const regulation = Get(id);
    for (auto const& basis : regulation.bases()) certainty[basis.field()] = basis.certainty();
    for (auto const* field : {"local_cofunding.counts_external", "local_cofunding.counts_in_kind_hours",
                              "voting.digital_window_days_max", "reallocation_threshold_basis_points", "release_warning_days"}) {
      EXPECT_EQ(certainty[field], v1::CERTAINTY_UNVERIFIED) << id << " " << field;
    }
    EXPECT_EQ(certainty["local_cofunding.least_basis_points"], v1::CERTAINTY_VERIFIED) << id;
    EXPECT_EQ(certainty["focus_areas"], v1::CERTAINTY_VERIFIED) << id;
  }
}

TEST_P(RegulationTest, AreListedByTheDateThatTheyAreFor) {
  v1::ListRegulationsRequest request;
  EXPECT_THAT(ListedIn(Must<v1::ListRegulationsResponse>("RegulationService/ListRegulations", request)),
              ElementsAre("2011-14", "2015-18", "2019-26"));
  *request.mutable_valid_on_date() = Date("2015-01-01");
  EXPECT_THAT(ListedIn(Must<v1::ListRegulationsResponse>("RegulationService/ListRegulations", request)), ElementsAre("2015-18"));
}

TEST_P(RegulationTest, OneIsEnteredWithAllItsRules) {
  auto request = Next("2127-30");
  request.mutable_regulation()->set_reallocation_threshold_basis_points(1000);
  auto const created = Must<v1::Regulation>("RegulationService/CreateRegulation", request);
  EXPECT_THAT(Get("2127-30"), EqualsProto(created));
  EXPECT_THAT(LastEvent<v1::RegulationCreated>("regulations/2127-30").regulation(), EqualsProto(created));
  EXPECT_EQ(Get("2127-30").reallocation_threshold_basis_points(), 1000);
  Refused<v1::Regulation>("RegulationService/CreateRegulation", request, kExists, "RESOURCE_EXISTS");
}

TEST_P(RegulationTest, WhatCannotBeIsRefused) {
  auto request = Next("2127-30");
  *request.mutable_regulation()->add_focus_areas() = request.regulation().focus_areas(0);
  request.mutable_regulation()->mutable_bases(0)->set_field("nothing");
  EXPECT_THAT(Refused<v1::Regulation>("RegulationService/CreateRegulation", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("regulation.focus_areas[4].focus_area_id", "regulation.bases[0].field"));
}

}  // namespace
}  // namespace helhed::funding::testing
