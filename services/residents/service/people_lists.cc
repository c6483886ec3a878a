#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "services/residents/domain/consents.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/visibility.h"

namespace helhed::residents {
namespace {

// P5: who is protected today is in no list, whoever asks and for whatever date.
constexpr std::string_view kNotProtected =
    "NOT (r.address_protection_start_date IS NOT NULL AND r.address_protection_start_date <= ? "
    "AND r.address_protection_end_date > ?)";

constexpr std::string_view kOfHousehold =
    "r.resident IN (SELECT p.resident FROM household_members p "
    "JOIN households h ON h.organisation = p.household_organisation AND h.household = p.household "
    "WHERE p.household_organisation = ? AND p.household = ? "
    "AND p.period_start_date <= ? AND (p.period_end_date IS NULL OR p.period_end_date > ?) "
    "AND h.occupation_start_date <= ? AND (h.occupation_end_date IS NULL OR h.occupation_end_date > ?))";

// The dwellings of the department come first: a planner that begins elsewhere reads a whole table.
constexpr std::string_view kOfDepartment =
    "r.resident IN (SELECT p.resident FROM dwelling_departments d CROSS JOIN households h CROSS JOIN household_members p "
    "WHERE d.organisation = ? AND d.department = ? AND d.start_date <= ? AND (d.end_date IS NULL OR d.end_date > ?) "
    "AND h.organisation = d.organisation AND h.dwelling = d.dwelling "
    "AND h.occupation_start_date <= ? AND (h.occupation_end_date IS NULL OR h.occupation_end_date > ?) "
    "AND p.household_organisation = h.organisation AND p.household = h.household "
    "AND p.period_start_date <= ? AND (p.period_end_date IS NULL OR p.period_end_date > ?))";

storage::ListOptions PeopleList(std::string const& today) {
  storage::ListOptions options;
  options.from = "residents r";
  options.alias = "r";
  options.conditions.push_back({kNotProtected, {today, today}});
  return options;
}

// The page made whole, and entered in the access log.
template <typename Response>
absl::StatusOr<Response> ShowPage(WriteTransaction& tx, v1::Purpose const& purpose, std::string const& case_reference,
                                  Response response) {
  std::vector<v1::Resident*> const page(response.mutable_residents()->pointer_begin(),
                                        response.mutable_residents()->pointer_end());
  RETURN_IF_ERROR(CompletePeople(tx, page));
  RETURN_IF_ERROR(ShowAll(tx, purpose, case_reference, page));
  return response;
}

// A condition with the text that it is made of.
struct OwnedCondition {
  std::string sql;
  std::vector<storage::Rows::Value> binds;
};

// Who is found by a field is known to have it, shown or not.
std::string SearchedFields(v1::SearchResidentsRequest const& request) {
  std::vector<std::string> fields;
  if (!request.given_name().empty()) fields.emplace_back("given_name");
  if (!request.family_name().empty()) fields.emplace_back("family_name");
  if (request.has_birth_date()) fields.emplace_back("birth_date");
  return absl::StrJoin(fields, ",");
}

OwnedCondition NameCondition(v1::SearchResidentsRequest const& request) {
  OwnedCondition condition{"r.resident IN (SELECT s.resident FROM resident_search s WHERE s.organisation = ?",
                           {std::string(contract::LastPart(request.organisation()))}};
  auto const begins = [&](std::string_view column, std::string const& name) {
    if (name.empty()) return;
    auto const folded = FoldName(name);
    absl::StrAppend(&condition.sql, " AND s.", Av(column), " >= ? AND s.", Av(column), " < ?");
    condition.binds.emplace_back(folded);
    condition.binds.emplace_back(EndOfPrefix(folded));
  };
  begins("family_name_key", request.family_name());
  begins("given_name_key", request.given_name());
  if (request.has_birth_date()) {
    condition.sql += " AND s.birth_date = ?";
    condition.binds.emplace_back(ToIsoDate(ToCivil(request.birth_date()).value_or(absl::CivilDay())));
  }
  condition.sql += ")";
  return condition;
}

// Members on the day in the organisation, as far as the caller sees it.
OwnedCondition ReachCondition(std::string const& organisation_id, Visibility const& visible, std::string const& day) {
  OwnedCondition condition{
      "EXISTS (SELECT 1 FROM household_members p "
      "JOIN households h ON h.organisation = p.household_organisation AND h.household = p.household "
      "JOIN dwelling_departments d ON d.organisation = h.organisation AND d.dwelling = h.dwelling "
      "WHERE p.resident = r.resident AND p.household_organisation = ? "
      "AND p.period_start_date <= ? AND (p.period_end_date IS NULL OR p.period_end_date > ?) "
      "AND h.occupation_start_date <= ? AND (h.occupation_end_date IS NULL OR h.occupation_end_date > ?) "
      "AND d.start_date <= ? AND (d.end_date IS NULL OR d.end_date > ?)",
      {organisation_id, day, day, day, day, day, day}};
  if (!visible.everything) {
    AnyOf scope;
    scope.Add("d.department", visible.departments);
    scope.Add("h.dwelling", visible.dwellings);
    scope.Add("h.household", visible.households);
    auto const reach = scope.condition();
    absl::StrAppend(&condition.sql, " AND ", Av(reach.sql));
    condition.binds.insert(condition.binds.end(), reach.binds.begin(), reach.binds.end());
  }
  condition.sql += ")";
  return condition;
}

}  // namespace

absl::StatusOr<v1::ListResidentsResponse> People::ListResidents(CallContext const& call,
                                                                v1::ListResidentsRequest const& request) {
  if (request.household().empty() == request.department().empty()) {
    return BadRequest({{"household", "exactly one of household and department must be given"}});
  }
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  std::string const day = ToIsoDate(date);
  auto options = PeopleList(ToIsoDate(call.Today()));
  bool const of_household = !request.household().empty();
  auto const& place = of_household ? request.household() : request.department();
  std::string const organisation_id(OrganisationIdOf(place));
  std::string const id(contract::LastPart(place));
  if (of_household) {
    options.conditions.push_back({kOfHousehold, {organisation_id, id, day, day, day, day}});
  } else {
    options.conditions.push_back({kOfDepartment, {organisation_id, id, day, day, day, day, day, day}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListResidentsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    if (of_household) {
      RETURN_IF_ERROR(RequireHouseholdReach(tx, place));
    } else {
      RETURN_IF_ERROR(call.RequireAny({place}, place));
      RETURN_IF_ERROR(RequireDepartment(tx, place));
    }
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListResidentsResponse>(request, options));
    return ShowPage(tx, purpose, request.case_reference(), std::move(response));
  });
}

absl::StatusOr<v1::SearchResidentsResponse> People::SearchResidents(CallContext const& call,
                                                                    v1::SearchResidentsRequest const& request) {
  if (request.given_name().empty() && request.family_name().empty() && !request.has_birth_date()) {
    return BadRequest({{"family_name", "at least one of given_name, family_name and birth_date must be given"}});
  }
  auto const visible = VisibilityIn(call, request.organisation());
  bool const sees_nothing =
      !visible.everything && visible.departments.empty() && visible.dwellings.empty() && visible.households.empty();
  if (sees_nothing) return NotFound(request.organisation());
  std::string const today = ToIsoDate(call.Today());
  auto const name = NameCondition(request);
  auto const reach = ReachCondition(std::string(contract::LastPart(request.organisation())), visible, today);
  auto options = PeopleList(today);
  options.conditions.push_back({name.sql, name.binds});
  options.conditions.push_back({reach.sql, reach.binds});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::SearchResidentsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(CheckCovered(purpose, SearchedFields(request)));
    RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(request.organisation())));
    ASSIGN_OR_RETURN(auto response, tx.List<v1::SearchResidentsResponse>(request, options));
    return ShowPage(tx, purpose, request.case_reference(), std::move(response));
  });
}

}  // namespace helhed::residents
