#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/occupation.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/people_store.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/visibility.h"

namespace helhed::residents {
namespace {

absl::Status Check(WriteTransaction& tx, v1::Household const& household, Period const& period) {
  ASSIGN_OR_RETURN(auto const dwelling, tx.Get<v1::Dwelling>(household.dwelling()));
  ASSIGN_OR_RETURN(auto const occupations, LoadOccupations(tx, household.dwelling()));
  return CheckOccupation({household.name(), period}, household.dwelling(), StoredPeriod(dwelling.period()), occupations);
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Household const& household) {
  v1::HouseholdChanged event;
  *event.mutable_household() = household;
  return tx.Append(event, household.name());
}

// NOT_FOUND for the dwelling when it does not exist, or when the caller may see neither it nor the department it is in on `date`.
absl::Status RequireVisibleDwelling(ReadTransaction& tx, Visibility const& visible, std::string const& dwelling,
                                    absl::CivilDay date) {
  ASSIGN_OR_RETURN(auto const residence, LoadResidence(tx, dwelling));
  auto const& department = StayOn(residence.stays, date).department;
  bool const sees =
      visible.sees_dwelling(contract::LastPart(dwelling)) || visible.sees_department(contract::LastPart(department));
  return sees ? absl::OkStatus() : NotFound(dwelling);
}

// With a department, or only some departments visible, these are found first; see DwellingList.
storage::ListOptions HouseholdList(v1::ListHouseholdsRequest const& request, Visibility const& visible, AnyOf& scope,
                                   std::string const& day) {
  std::string const organisation_id(contract::LastPart(request.parent()));
  bool const scoped = !visible.everything && request.dwelling().empty();
  storage::ListOptions options;
  options.from = "households h";
  options.alias = "h";
  options.conditions.push_back({"h.organisation = ?", {organisation_id}});
  if (!request.department().empty() || scoped) {
    bool const by_department = !request.department().empty() || (visible.dwellings.empty() && visible.households.empty());
    options.from =
        by_department ? "dwelling_departments m CROSS JOIN households h" : "households h CROSS JOIN dwelling_departments m";
    options.conditions.push_back({"m.organisation = ?", {organisation_id}});
    options.conditions.push_back({"m.dwelling = h.dwelling", {}});
    options.conditions.push_back({"m.start_date <= ? AND (m.end_date IS NULL OR m.end_date > ?)", {day, day}});
  }
  if (!request.department().empty()) {
    options.conditions.push_back({"m.department = ?", {std::string(contract::LastPart(request.department()))}});
  }
  if (!request.dwelling().empty()) {
    options.conditions.push_back({"h.dwelling = ?", {std::string(contract::LastPart(request.dwelling()))}});
  }
  if (request.dwelling().empty() || request.has_as_of_date()) {
    options.conditions.push_back(
        {"h.occupation_start_date <= ? AND (h.occupation_end_date IS NULL OR h.occupation_end_date > ?)", {day, day}});
  }
  if (scoped) {
    scope.Add("m.department", visible.departments);
    scope.Add("h.dwelling", visible.dwellings);
    scope.Add("h.household", visible.households);
    options.conditions.push_back(scope.condition());
  }
  return options;
}

}  // namespace

absl::StatusOr<v1::Household> HousingRegister::GetHousehold(CallContext const& call, v1::GetHouseholdRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Household> {
    ASSIGN_OR_RETURN(auto household, tx.Get<v1::Household>(request.name()));
    ASSIGN_OR_RETURN(auto const residence, LoadResidence(tx, household.dwelling()));
    auto const& department = StayOn(residence.stays, call.Today()).department;
    RETURN_IF_ERROR(call.RequireAny({request.name(), household.dwelling(), department}, request.name()));
    return household;
  });
}

absl::StatusOr<v1::ListHouseholdsResponse> HousingRegister::ListHouseholds(CallContext const& call,
                                                                           v1::ListHouseholdsRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  std::vector<FieldViolation> violations;
  if (!request.department().empty() && OrganisationOf(request.department()) != request.parent()) {
    violations.push_back({"department", "must be a department of the organisation in parent"});
  }
  if (!request.dwelling().empty() && OrganisationOf(request.dwelling()) != request.parent()) {
    violations.push_back({"dwelling", "must be a dwelling of the organisation in parent"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const visible = VisibilityIn(call, request.parent());
  bool const sees_nothing =
      !visible.everything && visible.departments.empty() && visible.dwellings.empty() && visible.households.empty();
  if (sees_nothing) return NotFound(request.parent());

  AnyOf scope;
  auto const options = HouseholdList(request, visible, scope, ToIsoDate(date));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListHouseholdsResponse> {
    RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(request.parent())));
    if (!request.department().empty()) {
      RETURN_IF_ERROR(RequireDepartment(tx, request.department()));
    }
    if (!request.dwelling().empty()) {
      RETURN_IF_ERROR(RequireVisibleDwelling(tx, visible, request.dwelling(), date));
    }
    return tx.List<v1::ListHouseholdsResponse>(request, options);
  });
}

absl::StatusOr<v1::Household> HousingRegister::CreateHousehold(CallContext const& call,
                                                               v1::CreateHouseholdRequest const& request) {
  std::vector<FieldViolation> violations;
  auto const period = ReadPeriod(request.household().occupation(), "household.occupation", violations);
  if (OrganisationOf(request.household().dwelling()) != request.parent()) {
    violations.push_back({"household.dwelling", "must be a dwelling of the organisation in parent"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Household> {
    v1::Household household = request.household();
    household.set_name(HouseholdName(contract::LastPart(request.parent()), IdOr(call, request.household_id())));
    RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(request.parent())));
    RETURN_IF_ERROR(LockDwelling(tx, household.dwelling()));
    ASSIGN_OR_RETURN(bool const exists, tx.Exists<v1::Household>(household.name()));
    // A name that is taken is for Insert to refuse; the household of that name is not one that this replaces.
    if (!exists) {
      RETURN_IF_ERROR(Check(tx, household, *period));
    }
    RETURN_IF_ERROR(tx.Insert(household));
    RETURN_IF_ERROR(AppendChanged(tx, household));
    return household;
  });
}

absl::StatusOr<v1::Household> HousingRegister::UpdateHousehold(CallContext const& call,
                                                               v1::UpdateHouseholdRequest const& request) {
  auto const& given = request.household();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Household> {
    RETURN_IF_ERROR(LockDwellingOf(tx, given.name()));
    ASSIGN_OR_RETURN(auto household, tx.Get<v1::Household>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), household.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, household, "household"));
    std::vector<FieldViolation> violations;
    auto const period = ReadPeriod(household.occupation(), "household.occupation", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(Check(tx, household, *period));
    RETURN_IF_ERROR(FitMemberships(tx, household.name(), *period));
    RETURN_IF_ERROR(tx.Update(household));
    RETURN_IF_ERROR(AppendChanged(tx, household));
    return household;
  });
}

}  // namespace helhed::residents
