#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/empty.pb.h>

#include <string>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of HousingRegisterService, one for each method of the contract, which says what they do and refuse.
class HousingRegister {
 public:
  explicit HousingRegister(Store& store);

  // Enters every handler under its method.
  void Register(Router& router);

  // organisations.cc
  absl::StatusOr<v1::Organisation> GetOrganisation(CallContext const& call, v1::GetOrganisationRequest const& request);
  absl::StatusOr<v1::ListOrganisationsResponse> ListOrganisations(CallContext const& call,
                                                                  v1::ListOrganisationsRequest const& request);
  absl::StatusOr<v1::Organisation> CreateOrganisation(CallContext const& call, v1::CreateOrganisationRequest const& request);
  absl::StatusOr<v1::Organisation> UpdateOrganisation(CallContext const& call, v1::UpdateOrganisationRequest const& request);

  // administrations.cc
  absl::StatusOr<v1::Administration> GetAdministration(CallContext const& call, v1::GetAdministrationRequest const& request);
  absl::StatusOr<v1::ListAdministrationsResponse> ListAdministrations(CallContext const& call,
                                                                      v1::ListAdministrationsRequest const& request);
  absl::StatusOr<v1::Administration> CreateAdministration(CallContext const& call,
                                                          v1::CreateAdministrationRequest const& request);
  absl::StatusOr<v1::Administration> UpdateAdministration(CallContext const& call,
                                                          v1::UpdateAdministrationRequest const& request);

  // departments.cc
  absl::StatusOr<v1::Department> GetDepartment(CallContext const& call, v1::GetDepartmentRequest const& request);
  absl::StatusOr<v1::ListDepartmentsResponse> ListDepartments(CallContext const& call, v1::ListDepartmentsRequest const& request);
  absl::StatusOr<v1::Department> CreateDepartment(CallContext const& call, v1::CreateDepartmentRequest const& request);
  absl::StatusOr<v1::Department> UpdateDepartment(CallContext const& call, v1::UpdateDepartmentRequest const& request);
  absl::StatusOr<v1::Department> MergeDepartments(CallContext const& call, v1::MergeDepartmentsRequest const& request);
  absl::StatusOr<v1::Department> ResolveDepartment(CallContext const& call, v1::ResolveDepartmentRequest const& request);

  // dwellings.cc
  absl::StatusOr<v1::Dwelling> GetDwelling(CallContext const& call, v1::GetDwellingRequest const& request);
  absl::StatusOr<v1::ListDwellingsResponse> ListDwellings(CallContext const& call, v1::ListDwellingsRequest const& request);
  absl::StatusOr<v1::Dwelling> CreateDwelling(CallContext const& call, v1::CreateDwellingRequest const& request);
  absl::StatusOr<v1::Dwelling> UpdateDwelling(CallContext const& call, v1::UpdateDwellingRequest const& request);
  absl::StatusOr<google::protobuf::Empty> DeleteDwelling(CallContext const& call, v1::DeleteDwellingRequest const& request);

  // dwelling_batch.cc
  absl::StatusOr<v1::BatchCreateDwellingsResponse> BatchCreateDwellings(CallContext const& call,
                                                                        v1::BatchCreateDwellingsRequest const& request);

  // household_addresses.cc
  absl::StatusOr<v1::FetchHouseholdAddressesResponse> FetchHouseholdAddresses(CallContext const& call,
                                                                              v1::FetchHouseholdAddressesRequest const& request);

  // households.cc
  absl::StatusOr<v1::Household> GetHousehold(CallContext const& call, v1::GetHouseholdRequest const& request);
  absl::StatusOr<v1::ListHouseholdsResponse> ListHouseholds(CallContext const& call, v1::ListHouseholdsRequest const& request);
  absl::StatusOr<v1::Household> CreateHousehold(CallContext const& call, v1::CreateHouseholdRequest const& request);
  absl::StatusOr<v1::Household> UpdateHousehold(CallContext const& call, v1::UpdateHouseholdRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::residents
