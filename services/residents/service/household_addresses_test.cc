#include "services/residents/testing/fixture.h"

namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class HouseholdAddressesTest : public RegisterTest {
 protected:
  HouseholdAddressesTest() {
    Organisation("9001");
    Organisation("9002");
    Department("9001", "001");
    Department("9001", "002");
    Department("9002", "001");
    Dwelling("9001", "a", "001", "2020-01-01");
    Dwelling("9001", "b", "002", "2020-01-01");
    Dwelling("9001", "empty", "001", "2020-01-01");
    Dwelling("9002", "a", "001", "2020-01-01");
    Household("9001", "h1", "a", "2020-01-01", "2022-01-01");
    Household("9001", "h2", "a", "2022-01-01");
    Household("9001", "h3", "b", "2020-01-01");
    Household("9002", "h1", "a", "2020-01-01");
  }
  std::vector<std::string> Fetched(std::vector<std::string> const& departments, std::string const& date) {
    v1::FetchHouseholdAddressesRequest request;
    for (auto const& department : departments) request.add_departments("organisations/" + department);
    *request.mutable_as_of_date() = Date(date);
    auto const answer = Call<v1::FetchHouseholdAddressesResponse>("FetchHouseholdAddresses", request);
    EXPECT_THAT(answer, IsOk());
    std::vector<std::string> households;
    if (answer.ok()) {
      for (auto const& household : answer->households()) households.push_back(household.household());
    }
    return households;
  }
};
HELHED_BOTH_ENGINES(HouseholdAddressesTest);

TEST_P(HouseholdAddressesTest, AreThoseOfTheDate) {
  EXPECT_THAT(Fetched({"9001/departments/001"}, "2021-12-31"), ElementsAre("organisations/9001/households/h1"));
  EXPECT_THAT(Fetched({"9001/departments/001"}, "2022-01-01"), ElementsAre("organisations/9001/households/h2"));
  EXPECT_THAT(Fetched({"9001/departments/001"}, "2019-01-01"), IsEmpty());
  EXPECT_THAT(
      Fetched({"9001/departments/001", "9001/departments/002", "9002/departments/001", "9002/departments/009"}, "2024-01-01"),
      UnorderedElementsAre("organisations/9001/households/h2", "organisations/9001/households/h3",
                           "organisations/9002/households/h1"));
}

TEST_P(HouseholdAddressesTest, SayWhere) {
  v1::FetchHouseholdAddressesRequest request;
  request.add_departments("organisations/9001/departments/002");
  auto const answer = Call<v1::FetchHouseholdAddressesResponse>("FetchHouseholdAddresses", request);
  ASSERT_THAT(answer, IsOk());
  v1::GetDwellingRequest get;
  get.set_name("organisations/9001/dwellings/b");
  auto const dwelling = Call<v1::Dwelling>("GetDwelling", get);
  ASSERT_THAT(dwelling, IsOk());
  ASSERT_EQ(answer->households_size(), 1);
  auto const& household = answer->households(0);
  EXPECT_EQ(household.dwelling(), dwelling->name());
  EXPECT_EQ(household.department(), dwelling->department());
  EXPECT_EQ(household.address(), dwelling->address());
  EXPECT_EQ(household.floor(), dwelling->floor());
  v1::GetDepartmentRequest where;
  where.set_name(dwelling->department());
  auto const department = Call<v1::Department>("GetDepartment", where);
  ASSERT_THAT(department, IsOk());
  EXPECT_EQ(household.department_display_name(), department->display_name());
}

TEST_P(HouseholdAddressesTest, AreForWhoSeesEverything) {
  v1::FetchHouseholdAddressesRequest request;
  request.add_departments("organisations/9001/departments/002");
  EXPECT_THAT(Call<v1::FetchHouseholdAddressesResponse>("FetchHouseholdAddresses", request, As("service", "")), IsOk());
  EXPECT_THAT(Call<v1::FetchHouseholdAddressesResponse>("FetchHouseholdAddresses", request,
                                                        As("housing-organisation", "organisations/9001")),
              StatusIs(absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING"));
}

}  // namespace
}  // namespace helhed::residents::testing
