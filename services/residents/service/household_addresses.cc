#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/service/requests.h"
#include "services/residents/service/housing_register.h"

// Whom letters go to.
namespace helhed::residents {
namespace {

using storage::Statement;

// What fits into one answer with room to spare; a plan has half of it.
constexpr std::size_t kHouseholdsMax = 10'000;

// One statement, so that all departments are read of one state. $1 is a JSON array of `9001/001`; numbers have four and three
// digits. LATERAL with OFFSET keeps PostgreSQL to one lookup by the key for each row: a planner without statistics joined every
// dwelling of the organisation with every other.
Statement const kAddresses(
    "residents.household_addresses",
    "SELECT m.organisation, h.household, m.dwelling, m.department, d.address, d.floor, d.door, p.display_name FROM json_each($1) "
    "AS wanted "
    "CROSS JOIN dwelling_departments m ON m.organisation = substr(wanted.value, 1, 4) AND m.department = substr(wanted.value, 6) "
    "AND m.start_date <= $2 AND (m.end_date IS NULL OR m.end_date > $2) "
    "CROSS JOIN departments p ON p.organisation = m.organisation AND p.department = m.department "
    "CROSS JOIN dwellings d ON d.organisation = m.organisation AND d.dwelling = m.dwelling "
    "CROSS JOIN households h ON h.organisation = m.organisation AND h.dwelling = m.dwelling AND h.occupation_start_date <= $2 "
    "AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $2) LIMIT 10001",
    "SELECT m.organisation, h.household, m.dwelling, m.department, d.address, d.floor, d.door, p.display_name "
    "FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "CROSS JOIN LATERAL (SELECT organisation, department, dwelling FROM dwelling_departments "
    "WHERE organisation = substr(wanted.value, 1, 4) AND department = substr(wanted.value, 6) "
    "AND start_date <= $2 AND (end_date IS NULL OR end_date > $2) OFFSET 0) m "
    "CROSS JOIN LATERAL (SELECT display_name FROM departments "
    "WHERE organisation = m.organisation AND department = m.department OFFSET 0) p "
    "CROSS JOIN LATERAL (SELECT address, floor, door FROM dwellings "
    "WHERE organisation = m.organisation AND dwelling = m.dwelling OFFSET 0) d "
    "CROSS JOIN LATERAL (SELECT household FROM households WHERE organisation = m.organisation AND dwelling = m.dwelling "
    "AND occupation_start_date <= $2 AND (occupation_end_date IS NULL OR occupation_end_date > $2) OFFSET 0) h LIMIT 10001");

std::string OrEmpty(storage::Rows const& rows, std::size_t row, std::size_t column) {
  return rows.IsNull(row, column) ? std::string() : rows.Text(row, column);
}

}  // namespace

absl::StatusOr<v1::FetchHouseholdAddressesResponse> HousingRegister::FetchHouseholdAddresses(
    CallContext const& call, v1::FetchHouseholdAddressesRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  auto const day = ToIsoDate(date);
  std::vector<std::string> wanted;
  for (auto const& department : request.departments()) {
    auto const key = contract::PatternOfType("helhed.dk/Department")->Match(department);
    wanted.push_back(absl::StrCat(key->at(0), "/", key->at(1)));
  }
  auto const json = JsonArray(wanted);
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::FetchHouseholdAddressesResponse> {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kAddresses, {std::string_view(json), std::string_view(day)}));
    if (rows.size() > kHouseholdsMax) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_TOO_MANY_HOUSEHOLDS,
                   "ask for fewer departments at once", {{"households_max", absl::StrCat(kHouseholdsMax)}});
    }
    v1::FetchHouseholdAddressesResponse response;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& household = *response.add_households();
      auto const organisation = absl::StrCat("organisations/", rows.Text(i, 0));
      household.set_household(absl::StrCat(organisation, "/households/", rows.Text(i, 1)));
      household.set_dwelling(absl::StrCat(organisation, "/dwellings/", rows.Text(i, 2)));
      household.set_department(absl::StrCat(organisation, "/departments/", rows.Text(i, 3)));
      household.set_address(rows.Text(i, 4));
      household.set_floor(OrEmpty(rows, i, 5));
      household.set_door(OrEmpty(rows, i, 6));
      household.set_department_display_name(rows.Text(i, 7));
    }
    return response;
  });
}

}  // namespace helhed::residents
