#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/type/date.pb.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/service/requests.h"

// What the handlers read out of requests in the same way.
namespace helhed::residents {

// `organisations/9001/dwellings/a` -> `9001`.
std::string_view OrganisationIdOf(std::string_view name);
// `organisations/9001/dwellings/a` -> `organisations/9001`.
std::string_view OrganisationOf(std::string_view name);
std::string OrganisationName(std::string_view organisation_id);
std::string DepartmentName(std::string_view organisation_id, std::string_view department_id);
std::string DwellingName(std::string_view organisation_id, std::string_view dwelling_id);
std::string HouseholdName(std::string_view organisation_id, std::string_view household_id);
std::string AdministrationName(std::string_view organisation_id, std::string_view administration_id);

// Whether an update whose mask is `mask` gives `path` a value of its own: it is named (or `*` stands for all), and set.
bool GivesValue(google::protobuf::FieldMask const& mask, std::string_view path, std::string const& value);

}  // namespace helhed::residents
