#include "services/residents/testing/fixture.h"

namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HouseholdsTest : public RegisterTest {
 protected:
  HouseholdsTest() {
    Organisation("9001");
    Department("9001", "001");
    Department("9001", "002");
    Dwelling("9001", "a", "001", "2020-01-01", "2128-01-01");
    Dwelling("9001", "b", "002", "2020-01-01");
  }
  std::vector<std::string> Listed(v1::ListHouseholdsRequest request, std::string const& date = "") {
    request.set_parent("organisations/9001");
    if (!date.empty()) *request.mutable_as_of_date() = Date(date);
    auto const page = Call<v1::ListHouseholdsResponse>("ListHouseholds", request);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? Ids(page->households()) : std::vector<std::string>();
  }
};
HELHED_BOTH_ENGINES(HouseholdsTest);

TEST_P(HouseholdsTest, OccupyADwellingOneAtATime) {
  auto const first = Household("9001", "h1", "a", "2020-01-01", "2022-01-01");
  EXPECT_THAT(LastEvent<v1::HouseholdChanged>(first.name()).household(), EqualsProto(first));
  v1::GetHouseholdRequest get;
  get.set_name(first.name());
  EXPECT_THAT(*Call<v1::Household>("GetHousehold", get), EqualsProto(first));
  get.set_name("organisations/9001/households/none");
  Refused<v1::Household>("GetHousehold", get, kAbsent, "RESOURCE_NOT_FOUND");

  auto const refused = [&](auto const& request, absl::StatusCode code, std::string_view reason) {
    return Refused<v1::Household>("CreateHousehold", request, code, reason);
  };
  auto const overlap = refused(HouseholdRequest("9001", "h2", "a", "2021-12-31", "2023-01-01"), kPrecondition, "PERIODS_OVERLAP");
  EXPECT_EQ(overlap.metadata.at("other"), first.name());
  refused(HouseholdRequest("9001", "h2", "a", "2022-01-01"), kPrecondition, "DWELLING_NOT_LET");
  refused(HouseholdRequest("9001", "h1", "b", "2022-01-01"), kExists, "RESOURCE_EXISTS");
  refused(HouseholdRequest("9001", "h2", "z", "2022-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  refused(HouseholdRequest("9009", "h2", "a", "2022-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  auto foreign = HouseholdRequest("9001", "h2", "a", "2022-01-01");
  foreign.mutable_household()->set_dwelling("organisations/9002/dwellings/a");
  refused(foreign, kInvalid, "BAD_REQUEST");
  Household("9001", "h2", "a", "2022-01-01", "2128-01-01");
  Household("9001", "h3", "b", "2022-01-01");
  refused(HouseholdRequest("9001", "h4", "b", "2030-01-01"), kPrecondition, "PERIODS_OVERLAP");
}

TEST_P(HouseholdsTest, MoveOut) {
  auto const created = Household("9001", "h1", "b", "2020-01-01");
  v1::UpdateHouseholdRequest request;
  request.mutable_household()->set_name(created.name());
  *request.mutable_household()->mutable_occupation() = Range("2020-01-01", "2024-01-01");
  request.mutable_household()->set_etag("W/\"old\"");
  Refused<v1::Household>("UpdateHousehold", request, absl::StatusCode::kAborted, "ETAG_MISMATCH");
  request.mutable_household()->set_etag(created.etag());
  auto const updated = Call<v1::Household>("UpdateHousehold", request);
  ASSERT_THAT(updated, IsOk());
  EXPECT_THAT(LastEvent<v1::HouseholdChanged>(created.name()).household(), EqualsProto(*updated));
  Household("9001", "h2", "b", "2024-01-01");
  request.mutable_household()->clear_etag();
  *request.mutable_household()->mutable_occupation() = Range("2020-01-01", "2024-01-02");
  Refused<v1::Household>("UpdateHousehold", request, kPrecondition, "PERIODS_OVERLAP");
  *request.mutable_household()->mutable_occupation() = Range("2019-12-31", "2024-01-01");
  Refused<v1::Household>("UpdateHousehold", request, kPrecondition, "DWELLING_NOT_LET");
  // A mask that names one end keeps the other: together they must still be a period.
  *request.mutable_household()->mutable_occupation() = Range("2024-01-01");
  request.mutable_update_mask()->add_paths("occupation.start_date");
  Refused<v1::Household>("UpdateHousehold", request, kInvalid, "BAD_REQUEST");
  request.mutable_household()->set_name("organisations/9001/households/none");
  Refused<v1::Household>("UpdateHousehold", request, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(HouseholdsTest, AreListedByDateDepartmentAndDwelling) {
  Household("9001", "h1", "a", "2020-01-01", "2022-01-01");
  Household("9001", "h2", "a", "2022-01-01", "2127-01-01");
  Household("9001", "h3", "b", "2021-01-01");
  EXPECT_THAT(Listed({}), ElementsAre("h2", "h3"));
  EXPECT_THAT(Listed({}, "2021-06-01"), ElementsAre("h1", "h3"));
  v1::ListHouseholdsRequest department;
  department.set_department("organisations/9001/departments/001");
  EXPECT_THAT(Listed(department, "2021-06-01"), ElementsAre("h1"));
  EXPECT_THAT(Listed(department, "2022-01-01"), ElementsAre("h2"));
  v1::ListHouseholdsRequest dwelling;
  dwelling.set_dwelling("organisations/9001/dwellings/a");
  EXPECT_THAT(Listed(dwelling), ElementsAre("h1", "h2"));
  EXPECT_THAT(Listed(dwelling, "2021-06-01"), ElementsAre("h1"));
  dwelling.set_order_by("name desc");
  EXPECT_THAT(Listed(dwelling), ElementsAre("h2", "h1"));

  Merge("9001", "002", {"001"}, "2026-01-01");
  EXPECT_THAT(Listed(department), IsEmpty());
  department.set_department("organisations/9001/departments/002");
  EXPECT_THAT(Listed(department), ElementsAre("h2", "h3"));

  v1::ListHouseholdsRequest wrong;
  wrong.set_parent("organisations/9001");
  wrong.set_department("organisations/9002/departments/001");
  wrong.set_dwelling("organisations/9002/dwellings/a");
  auto const status = Refused<v1::ListHouseholdsResponse>("ListHouseholds", wrong, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(status.fields, ElementsAre("department", "dwelling"));
  wrong.clear_department();
  wrong.set_dwelling("organisations/9001/dwellings/z");
  Refused<v1::ListHouseholdsResponse>("ListHouseholds", wrong, kAbsent, "RESOURCE_NOT_FOUND");
  wrong.clear_dwelling();
  wrong.set_department("organisations/9001/departments/009");
  Refused<v1::ListHouseholdsResponse>("ListHouseholds", wrong, kAbsent, "RESOURCE_NOT_FOUND");
}

}  // namespace
}  // namespace helhed::residents::testing
