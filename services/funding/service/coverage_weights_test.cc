#include <gmock/gmock.h>

#include "helhed/funding/v1/coverage_service.pb.h"
#include "services/funding/testing/money_fixture.h"

// M8 over what the plan itself covers: who pays a part of a source, and by what weight, on a given day.
namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class CoverageWeightsTest : public MoneyTest {
 protected:
  void SetUp() override {
    MoneyTest::SetUp();
    Plan("p");
    Cover("001", 100, 7000);
    Cover("002", 100, 5000);
    Cover("003", 1, 1, "2022-01-01", "2024-01-01");
    Cover("004", 50, 100);
    v1::ExcludeCoveredDepartmentRequest exclude;
    exclude.set_name("plans/p/coveredDepartments/9001-004");
    exclude.set_reason("nej");
    Must<v1::CoveredDepartment>("CoverageService/ExcludeCoveredDepartment", exclude);
    SetPlanState(v1::PLAN_STATE_ACTIVE);
    Source("housing", v1::SOURCE_KIND_ORGANISATION, 100'00);
  }

  void Cover(std::string const& department, std::int64_t dwellings, std::int64_t area, std::string const& start = "",
             std::string const& end = "") {
    v1::CreateCoveredDepartmentRequest request;
    request.set_parent("plans/p");
    auto& covered = *request.mutable_covered_department();
    covered.set_department("organisations/9001/departments/" + department);
    covered.set_dwelling_count(dwellings);
    covered.set_area_square_metres(area);
    if (!start.empty()) *covered.mutable_period() = Range(start, end);
    Must<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", request);
  }

  static v1::ApportionSourceRequest Request(v1::ApportionmentKey key, std::string_view date = "") {
    v1::ApportionSourceRequest request;
    request.set_name(SourceName("housing"));
    request.set_key(key);
    if (!date.empty()) *request.mutable_as_of_date() = Date(date);
    return request;
  }
  std::vector<std::pair<std::string, Ore>> Parts(v1::ApportionSourceRequest const& request) {
    std::vector<std::pair<std::string, Ore>> parts;
    auto const split = Must<v1::Apportionment>("SourceService/ApportionSource", request, anna_);
    for (auto const& part : split.parts()) {
      parts.emplace_back(part.department().substr(part.department().rfind('/') + 1), part.amount().minor_units());
    }
    return parts;
  }
};
HELHED_BOTH_ENGINES(CoverageWeightsTest);

TEST_P(CoverageWeightsTest, ByDwellingsOnThePlansFirstDay) {
  EXPECT_THAT(Parts(Request(v1::APPORTIONMENT_KEY_DWELLINGS)),
              ElementsAre(Pair("001", 49'75), Pair("002", 49'75), Pair("003", 50)));
}

TEST_P(CoverageWeightsTest, ByDwellingsOnADayWhenADepartmentHasLeft) {
  EXPECT_THAT(Parts(Request(v1::APPORTIONMENT_KEY_DWELLINGS, "2023-12-31")).size(), 3U);
  EXPECT_THAT(Parts(Request(v1::APPORTIONMENT_KEY_DWELLINGS, "2024-01-01")), ElementsAre(Pair("001", 50'00), Pair("002", 50'00)));
}

TEST_P(CoverageWeightsTest, ByArea) {
  EXPECT_THAT(Parts(Request(v1::APPORTIONMENT_KEY_AREA, "2025-12-31")), ElementsAre(Pair("001", 58'33), Pair("002", 41'67)));
}

TEST_P(CoverageWeightsTest, NobodyPaysWhenThePlanDoesNotRun) {
  Refused<v1::Apportionment>("SourceService/ApportionSource", Request(v1::APPORTIONMENT_KEY_DWELLINGS, "2026-01-01"),
                             kPrecondition, "NOTHING_TO_APPORTION", anna_);
}

}  // namespace
}  // namespace helhed::funding::testing
