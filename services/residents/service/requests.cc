#include "services/residents/service/requests.h"

#include <absl/strings/str_cat.h>

namespace helhed::residents {
namespace {

std::string Below(std::string_view organisation_id, std::string_view collection, std::string_view id) {
  return absl::StrCat("organisations/", Av(organisation_id), "/", Av(collection), "/", Av(id));
}

}  // namespace

std::string_view OrganisationOf(std::string_view name) {
  auto const first = name.find('/');
  return first == std::string_view::npos ? name : name.substr(0, name.find('/', first + 1));
}

std::string_view OrganisationIdOf(std::string_view name) { return contract::LastPart(OrganisationOf(name)); }

std::string OrganisationName(std::string_view organisation_id) { return absl::StrCat("organisations/", Av(organisation_id)); }

std::string DepartmentName(std::string_view organisation_id, std::string_view department_id) {
  return Below(organisation_id, "departments", department_id);
}
std::string DwellingName(std::string_view organisation_id, std::string_view dwelling_id) {
  return Below(organisation_id, "dwellings", dwelling_id);
}
std::string HouseholdName(std::string_view organisation_id, std::string_view household_id) {
  return Below(organisation_id, "households", household_id);
}
std::string AdministrationName(std::string_view organisation_id, std::string_view administration_id) {
  return Below(organisation_id, "administrations", administration_id);
}

bool GivesValue(google::protobuf::FieldMask const& mask, std::string_view path, std::string const& value) {
  if (value.empty()) return false;
  return mask.paths().empty() ||
         std::any_of(mask.paths().begin(), mask.paths().end(), [&](auto const& named) { return named == path || named == "*"; });
}

}  // namespace helhed::residents
