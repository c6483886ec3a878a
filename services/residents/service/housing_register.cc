#include "services/residents/service/housing_register.h"

namespace helhed::residents {

HousingRegister::HousingRegister(Store& store) : store_(store) {}

void HousingRegister::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.HousingRegisterService", method, this, handler);
  };
  on("GetOrganisation", &HousingRegister::GetOrganisation);
  on("ListOrganisations", &HousingRegister::ListOrganisations);
  on("CreateOrganisation", &HousingRegister::CreateOrganisation);
  on("UpdateOrganisation", &HousingRegister::UpdateOrganisation);
  on("GetAdministration", &HousingRegister::GetAdministration);
  on("ListAdministrations", &HousingRegister::ListAdministrations);
  on("CreateAdministration", &HousingRegister::CreateAdministration);
  on("UpdateAdministration", &HousingRegister::UpdateAdministration);
  on("GetDepartment", &HousingRegister::GetDepartment);
  on("ListDepartments", &HousingRegister::ListDepartments);
  on("CreateDepartment", &HousingRegister::CreateDepartment);
  on("UpdateDepartment", &HousingRegister::UpdateDepartment);
  on("MergeDepartments", &HousingRegister::MergeDepartments);
  on("ResolveDepartment", &HousingRegister::ResolveDepartment);
  on("GetDwelling", &HousingRegister::GetDwelling);
  on("ListDwellings", &HousingRegister::ListDwellings);
  on("CreateDwelling", &HousingRegister::CreateDwelling);
  on("BatchCreateDwellings", &HousingRegister::BatchCreateDwellings);
  on("UpdateDwelling", &HousingRegister::UpdateDwelling);
  on("DeleteDwelling", &HousingRegister::DeleteDwelling);
  on("GetHousehold", &HousingRegister::GetHousehold);
  on("ListHouseholds", &HousingRegister::ListHouseholds);
  on("FetchHouseholdAddresses", &HousingRegister::FetchHouseholdAddresses);
  on("CreateHousehold", &HousingRegister::CreateHousehold);
  on("UpdateHousehold", &HousingRegister::UpdateHousehold);
}

}  // namespace helhed::residents
