#include "services/residents/testing/fixture.h"

// Who sees and does what, by where a role is granted.
namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ScopeTest : public RegisterTest {
 protected:
  ScopeTest() {
    for (auto const* organisation : {"9001", "9002"}) {
      Organisation(organisation);
      Department(organisation, "001");
      Department(organisation, "002");
      Dwelling(organisation, "a", "001", "2020-01-01");
      Dwelling(organisation, "b", "002", "2020-01-01");
      Household(organisation, "ha", "a", "2020-01-01");
      Household(organisation, "hb", "b", "2020-01-01");
    }
  }

  // What each list shows, or why it shows nothing.
  template <typename Response, typename Request>
  std::string Shown(std::string_view method, std::string const& identity, std::string const& date, Request request = {}) {
    if constexpr (requires { request.set_parent(""); }) request.set_parent("organisations/9001");
    if (!date.empty()) *request.mutable_as_of_date() = Date(date);
    auto const response = Call<Response>(method, request, identity);
    if (!response.ok()) return ReasonOf(response.status());
    std::string ids;
    for (auto const& id : ListedIn(*response)) ids += (ids.empty() ? "" : " ") + id;
    return ids;
  }
  std::string Organisations(std::string const& identity) {
    return Shown<v1::ListOrganisationsResponse, v1::ListOrganisationsRequest>("ListOrganisations", identity, "");
  }
  std::string Departments(std::string const& identity) {
    return Shown<v1::ListDepartmentsResponse, v1::ListDepartmentsRequest>("ListDepartments", identity, "");
  }
  std::string Dwellings(std::string const& identity, std::string const& date = "", v1::ListDwellingsRequest request = {}) {
    return Shown<v1::ListDwellingsResponse>("ListDwellings", identity, date, std::move(request));
  }
  std::string Households(std::string const& identity, std::string const& date = "", v1::ListHouseholdsRequest request = {}) {
    return Shown<v1::ListHouseholdsResponse>("ListHouseholds", identity, date, std::move(request));
  }
  bool SeesDwelling(std::string const& identity, std::string const& name, std::string const& date) {
    v1::GetDwellingRequest request;
    request.set_name(name);
    *request.mutable_as_of_date() = Date(date);
    auto const result = Call<v1::Dwelling>("GetDwelling", request, identity);
    EXPECT_TRUE(result.ok() || ReasonOf(result.status()) == "RESOURCE_NOT_FOUND") << result.status();
    return result.ok();
  }
  bool SeesHousehold(std::string const& identity, std::string const& name) {
    v1::GetHouseholdRequest request;
    request.set_name(name);
    auto const result = Call<v1::Household>("GetHousehold", request, identity);
    EXPECT_TRUE(result.ok() || ReasonOf(result.status()) == "RESOURCE_NOT_FOUND") << result.status();
    return result.ok();
  }
};
HELHED_BOTH_ENGINES(ScopeTest);

TEST_P(ScopeTest, AnOrganisationSeesItself) {
  auto const portal = As("portal", "organisations/9001");
  EXPECT_EQ(Organisations(portal), "9001");
  EXPECT_EQ(Departments(portal), "001 002");
  EXPECT_EQ(Dwellings(portal), "a b");
  EXPECT_EQ(Households(portal), "ha hb");
  EXPECT_TRUE(SeesDwelling(portal, "organisations/9001/dwellings/a", "2026-01-01"));
  EXPECT_FALSE(SeesDwelling(portal, "organisations/9002/dwellings/a", "2026-01-01"));
  EXPECT_FALSE(SeesHousehold(portal, "organisations/9002/households/ha"));
  auto const other = As("portal", "organisations/9002");
  EXPECT_EQ(Departments(other), "RESOURCE_NOT_FOUND");
  EXPECT_EQ(Dwellings(other), "RESOURCE_NOT_FOUND");
  EXPECT_EQ(Households(other), "RESOURCE_NOT_FOUND");
  EXPECT_EQ(Organisations(As({{"portal", "organisations/9001"}, {"plan-staff", "organisations/9002"}})), "9001 9002");
}

TEST_P(ScopeTest, ADepartmentSeesItsDwellingsOnTheDate) {
  auto const first = As("portal", "organisations/9001/departments/001");
  auto const second = As("portal", "organisations/9001/departments/002");
  EXPECT_EQ(Organisations(first), "");
  EXPECT_EQ(Departments(first), "001");
  EXPECT_EQ(Dwellings(first), "a");
  EXPECT_EQ(Households(first), "ha");
  EXPECT_EQ(Dwellings(As({{"portal", "organisations/9001/departments/001"}, {"portal", "organisations/9001/departments/002"}})),
            "a b");

  Merge("9001", "002", {"001"}, "2025-01-01");
  EXPECT_EQ(Dwellings(first), "");
  EXPECT_EQ(Dwellings(first, "2024-12-31"), "a");
  EXPECT_EQ(Dwellings(second), "a b");
  EXPECT_EQ(Dwellings(second, "2024-12-31"), "b");
  EXPECT_EQ(Households(first), "");
  EXPECT_EQ(Households(second), "ha hb");
  EXPECT_TRUE(SeesDwelling(first, "organisations/9001/dwellings/a", "2024-12-31"));
  EXPECT_FALSE(SeesDwelling(first, "organisations/9001/dwellings/a", "2025-01-01"));
  EXPECT_TRUE(SeesDwelling(second, "organisations/9001/dwellings/a", "2025-01-01"));
  EXPECT_FALSE(SeesHousehold(first, "organisations/9001/households/ha"));
  EXPECT_TRUE(SeesHousehold(second, "organisations/9001/households/ha"));
}

TEST_P(ScopeTest, AFilterDoesNotWidenWhatIsSeen) {
  auto const first = As("portal", "organisations/9001/departments/001");
  v1::ListDwellingsRequest dwellings;
  dwellings.set_department("organisations/9001/departments/002");
  EXPECT_EQ(Dwellings(first, "", dwellings), "");
  dwellings.clear_department();
  dwellings.set_filter("name = \"organisations/9001/dwellings/b\" OR address != \"\"");
  EXPECT_EQ(Dwellings(first, "", dwellings), "a");
  v1::ListHouseholdsRequest households;
  households.set_department("organisations/9001/departments/002");
  EXPECT_EQ(Households(first, "", households), "");
  households.clear_department();
  households.set_dwelling("organisations/9001/dwellings/b");
  EXPECT_EQ(Households(first, "", households), "RESOURCE_NOT_FOUND");
  households.set_dwelling("organisations/9001/dwellings/a");
  EXPECT_EQ(Households(first, "", households), "ha");
}

TEST_P(ScopeTest, ADwellingOrAHouseholdCanBeGrantedAlone) {
  auto const dwelling = As("portal", "organisations/9001/dwellings/b");
  EXPECT_EQ(Dwellings(dwelling), "b");
  EXPECT_EQ(Households(dwelling), "hb");
  EXPECT_EQ(Departments(dwelling), "RESOURCE_NOT_FOUND");
  EXPECT_TRUE(SeesHousehold(dwelling, "organisations/9001/households/hb"));
  auto const household = As("portal", "organisations/9001/households/hb");
  EXPECT_EQ(Households(household), "hb");
  EXPECT_EQ(Dwellings(household), "RESOURCE_NOT_FOUND");
  auto const mixed = As({{"portal", "organisations/9001/departments/001"}, {"portal", "organisations/9001/dwellings/b"}});
  EXPECT_EQ(Dwellings(mixed), "a b");
  EXPECT_EQ(Households(mixed), "ha hb");
}

TEST_P(ScopeTest, AMergerNeedsTheRightToEveryDepartment) {
  v1::MergeDepartmentsRequest request;
  request.set_name("organisations/9001/departments/002");
  request.add_predecessors("organisations/9001/departments/001");
  *request.mutable_merge_date() = Date("2026-01-01");
  Refused<v1::Department>("MergeDepartments", request, kAbsent, "RESOURCE_NOT_FOUND",
                          As("housing-organisation", "organisations/9001/departments/002"));
  Refused<v1::Department>("MergeDepartments", request, absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING",
                          As("housing-organisation", "organisations/9001/departments/001"));
  EXPECT_THAT(Call<v1::Department>("MergeDepartments", request,
                                   As({{"housing-organisation", "organisations/9001/departments/001"},
                                       {"housing-organisation", "organisations/9001/departments/002"}})),
              IsOk());
}

TEST_P(ScopeTest, WritesNeedTheRightToTheOrganisation) {
  auto const other = As("housing-organisation", "organisations/9002");
  auto const department = As("housing-organisation", "organisations/9001/departments/001");
  auto const portal = As("portal", "organisations/9001");
  for (auto const& identity : {other, department, portal}) {
    Refused<v1::Dwelling>("CreateDwelling", DwellingRequest("9001", "c", "001", "2020-01-01"),
                          absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING", identity);
    Refused<v1::Household>("CreateHousehold", HouseholdRequest("9001", "hc", "a", "2020-01-01"),
                           absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING", identity);
    v1::DeleteDwellingRequest remove;
    remove.set_name("organisations/9001/dwellings/a");
    Refused<google::protobuf::Empty>("DeleteDwelling", remove, absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING",
                                     identity);
  }
  v1::CreateOrganisationRequest create;
  create.set_organisation_id("9003");
  create.mutable_organisation()->set_display_name("Vibo");
  Refused<v1::Organisation>("CreateOrganisation", create, absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING",
                            As("housing-organisation", "organisations/9003"));
}

}  // namespace
}  // namespace helhed::residents::testing
