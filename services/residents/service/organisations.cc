#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/numbers.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/visibility.h"

namespace helhed::residents {
namespace {

void CheckOrganisation(v1::Organisation const& organisation, std::vector<FieldViolation>& violations) {
  if (!organisation.cvr_number().empty() && !IsCvrNumber(organisation.cvr_number())) {
    violations.push_back(
        {"organisation.cvr_number", "must be a CVR number: eight digits, not beginning with 0, with the right check digit"});
  }
}

absl::Status CompleteOrganisation(ReadTransaction& tx, v1::Organisation& organisation, absl::CivilDay date) {
  v1::Organisation* const one[] = {&organisation};
  return CompleteOrganisations(tx, one, date);
}

}  // namespace

absl::StatusOr<v1::Organisation> HousingRegister::GetOrganisation(CallContext const& call,
                                                                  v1::GetOrganisationRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Organisation> {
    ASSIGN_OR_RETURN(auto organisation, tx.Get<v1::Organisation>(request.name()));
    RETURN_IF_ERROR(CompleteOrganisation(tx, organisation, date));
    return organisation;
  });
}

absl::StatusOr<v1::ListOrganisationsResponse> HousingRegister::ListOrganisations(CallContext const& call,
                                                                                 v1::ListOrganisationsRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  auto const visible = OrganisationsVisible(call);
  storage::ListOptions options;
  options.from = "organisations o";
  options.alias = "o";
  AnyOf scope;
  scope.Add("o.organisation", visible.organisations);
  if (!visible.everywhere) options.conditions.push_back(scope.condition());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListOrganisationsResponse> {
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListOrganisationsResponse>(request, options));
    std::vector<v1::Organisation*> page(response.mutable_organisations()->pointer_begin(),
                                        response.mutable_organisations()->pointer_end());
    RETURN_IF_ERROR(CompleteOrganisations(tx, page, date));
    return response;
  });
}

absl::StatusOr<v1::Organisation> HousingRegister::CreateOrganisation(CallContext const& call,
                                                                     v1::CreateOrganisationRequest const& request) {
  std::vector<FieldViolation> violations;
  if (!IsOrganisationNumber(request.organisation_id())) {
    violations.push_back({"organisation_id", "must be an LBF number: four digits"});
  }
  CheckOrganisation(request.organisation(), violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Organisation> {
    v1::Organisation organisation = request.organisation();
    organisation.set_name(OrganisationName(request.organisation_id()));
    organisation.clear_administrator();
    RETURN_IF_ERROR(tx.Insert(organisation));
    v1::OrganisationCreated event;
    *event.mutable_organisation() = organisation;
    RETURN_IF_ERROR(tx.Append(event, organisation.name()));
    return organisation;
  });
}

absl::StatusOr<v1::Organisation> HousingRegister::UpdateOrganisation(CallContext const& call,
                                                                     v1::UpdateOrganisationRequest const& request) {
  auto const& given = request.organisation();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Organisation> {
    RETURN_IF_ERROR(LockOrganisation(tx, given.name()));
    ASSIGN_OR_RETURN(auto organisation, tx.Get<v1::Organisation>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), organisation.etag(), given.name()));
    RETURN_IF_ERROR(CompleteOrganisation(tx, organisation, call.Today()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, organisation, "organisation"));
    std::vector<FieldViolation> violations;
    CheckOrganisation(organisation, violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(tx.Update(organisation));
    v1::OrganisationUpdated event;
    *event.mutable_organisation() = organisation;
    RETURN_IF_ERROR(tx.Append(event, organisation.name()));
    return organisation;
  });
}

}  // namespace helhed::residents
